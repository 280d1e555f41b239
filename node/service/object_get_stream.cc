#include "node/service/object_get_stream.h"

#include <utility>

namespace anamnesis {

ObjectGetStream* ObjectGetStream::Start(const ServiceContext& context, OpenStreams& streams, const ObjectStore& store,
                                        const v1::GetObjectRequest& request, std::optional<v1::Agent> caller) {
  const std::shared_ptr<ObjectGetStream> stream(
      new ObjectGetStream(context, streams, store, request, std::move(caller)));
  stream->self_ = stream;
  streams.Add(stream);
  stream->Proceed(std::unique_lock(stream->mutex_));
  return stream.get();
}

void ObjectGetStream::Drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  Proceed(std::move(lock));
}

void ObjectGetStream::OnWriteDone(bool ok) {
  std::unique_lock lock(mutex_);
  writing_ = false;
  if (!ok) broken_ = true;
  Proceed(std::move(lock));
}

void ObjectGetStream::OnCancel() {
  std::unique_lock lock(mutex_);
  broken_ = true;
  Proceed(std::move(lock));
}

void ObjectGetStream::OnDone() {
  streams_.Remove(this);
  const std::shared_ptr<ObjectGetStream> last = std::move(self_);
}

void ObjectGetStream::ReadChunk() {
  Status read = FillResponse();
  std::unique_lock lock(mutex_);
  filled_ = read.ok();
  // The last chunk was read; it is still to be written.
  if (!read.ok() || offset_ == size_) ended_ = true;
  status_ = std::move(read);
  working_ = false;
  Proceed(std::move(lock));
}

Status ObjectGetStream::FillResponse() {
  if (!digest_.has_value()) {
    ASSIGN_OR_RETURN(digest_, Digest::FromBytes(request_.sha256(), "sha256"));
    ASSIGN_OR_RETURN(const ObjectState state, store_.Stat(*digest_));
    size_ = state.bytes;
    offset_ = request_.offset();
  }
  ASSIGN_OR_RETURN(std::string chunk, store_.Read(*digest_, offset_, kObjectChunkBytesMax));
  if (chunk.empty() && offset_ < size_) {
    return absl::DataLossError(Text("object ", digest_->hex(), ": it ends at byte ", offset_, ", not at ", size_));
  }
  offset_ += chunk.size();
  response_.set_size_bytes(size_);
  response_.set_chunk(std::move(chunk));
  return OkStatus();
}

grpc::Status ObjectGetStream::Outcome() {
  if (broken_) return grpc::Status::CANCELLED;
  if (!status_.ok() || ended_) return context_.failures.Answer("Get", status_);
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the node stops; read on from another or later");
}

void ObjectGetStream::Proceed(std::unique_lock<std::mutex> lock) {
  // gRPC is never called with the lock held, since it may call back at once.
  ++acting_;
  while (true) {
    const bool idle = !broken_ && !finished_ && !writing_ && !working_;
    const bool write = idle && std::exchange(filled_, false);
    const bool work = idle && !write && !ended_ && !draining_;
    if (!write && !work) break;
    (write ? writing_ : working_) = true;
    lock.unlock();
    if (write) StartWrite(&response_);
    if (work) context_.workers.Submit([held = self_] { held->ReadChunk(); });
    lock.lock();
  }
  --acting_;
  const bool over = broken_ || ((ended_ || draining_) && !filled_);
  if (finished_ || writing_ || working_ || acting_ > 0 || !over) return;
  finished_ = true;
  const grpc::Status outcome = Outcome();
  lock.unlock();
  Finish(outcome);
}

}  // namespace anamnesis
