#include "node/service/object_put_stream.h"

namespace anamnesis {

ObjectPutStream* ObjectPutStream::Start(const ServiceContext& context, OpenStreams& streams, ObjectStore& store,
                                        v1::PutObjectResponse& reply, std::optional<v1::Agent> caller) {
  const std::shared_ptr<ObjectPutStream> stream(new ObjectPutStream(context, streams, store, reply, std::move(caller)));
  stream->Adopt(stream);
  stream->Proceed(std::unique_lock(stream->mutex_));
  return stream.get();
}

void ObjectPutStream::OnReadDone(bool ok) {
  std::unique_lock lock(mutex_);
  reading_ = false;
  read_ = ok;
  if (!ok) ended_ = true;
  Proceed(std::move(lock));
}

void ObjectPutStream::Take() {
  const uint64_t before = offset_;
  Status taken = request_.has_start()   ? Begin(request_.start())
                 : request_.has_chunk() ? Add(request_.chunk())
                                        : absl::InvalidArgumentError("item: neither start nor chunk");
  const uint64_t expected = request_.has_start() ? request_.start().offset() : before + request_.chunk().size();
  std::unique_lock lock(mutex_);
  status_ = std::move(taken);
  offset_ = state_.bytes;
  if (!status_.ok() || state_.stored || state_.bytes != expected) ended_ = true;
  working_ = false;
  Proceed(std::move(lock));
}

Status ObjectPutStream::Begin(const v1::PutObjectRequest::Start& start) {
  if (digest_.has_value()) return absl::InvalidArgumentError("start: a second one; a call adds to one object");
  ASSIGN_OR_RETURN(digest_, Digest::FromBytes(start.sha256(), "start.sha256"));
  size_ = start.size_bytes();
  ASSIGN_OR_RETURN(state_, store_.Append(*digest_, size_, start.offset(), ""));
  return OkStatus();
}

Status ObjectPutStream::Add(const std::string& chunk) {
  if (!digest_.has_value()) return absl::InvalidArgumentError("chunk: before start");
  if (chunk.empty()) return absl::InvalidArgumentError("chunk: empty; one has at least 1 byte");
  ASSIGN_OR_RETURN(state_, store_.Append(*digest_, size_, offset_, chunk));
  return OkStatus();
}

grpc::Status ObjectPutStream::Outcome() {
  if (broken_) return grpc::Status::CANCELLED;
  if (!status_.ok() || ended_) {
    if (status_.ok() && !digest_.has_value()) status_ = absl::InvalidArgumentError("start: missing");
    reply_.set_stored(state_.stored);
    if (!state_.stored) reply_.set_bytes_there(state_.bytes);
    return context_.failures.Answer("Put", status_);
  }
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the node stops; go on with another or later");
}

ObjectPutStream::Step ObjectPutStream::NextStep() {
  if (ended_ || broken_ || draining_ || reading_ || working_) return nullptr;
  if (std::exchange(read_, false)) {
    working_ = true;
    return [this] { context_.workers.Submit([this, held = self()] { Take(); }); };
  }
  reading_ = true;
  return [this] { StartRead(&request_); };
}

bool ObjectPutStream::IsOver() const { return !working_ && (broken_ || draining_ || ended_); }

}  // namespace anamnesis
