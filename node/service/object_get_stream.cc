#include "node/service/object_get_stream.h"

#include <utility>

namespace anamnesis {

ObjectGetStream* ObjectGetStream::Start(const ServiceContext& context, OpenStreams& streams, const ObjectStore& store,
                                        const v1::GetObjectRequest& request, std::optional<v1::Agent> caller) {
  const std::shared_ptr<ObjectGetStream> stream(
      new ObjectGetStream(context, streams, store, request, std::move(caller)));
  stream->Adopt(stream);
  stream->Proceed(std::unique_lock(stream->mutex_));
  return stream.get();
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

ObjectGetStream::Step ObjectGetStream::NextStep() {
  if (broken_ || writing_ || working_) return nullptr;
  if (std::exchange(filled_, false)) {
    writing_ = true;
    return [this] { StartWrite(&response_); };
  }
  if (ended_ || draining_) return nullptr;
  working_ = true;
  return [this] { context_.workers.Submit([this, held = self()] { ReadChunk(); }); };
}

bool ObjectGetStream::IsOver() const {
  return !writing_ && !working_ && (broken_ || ((ended_ || draining_) && !filled_));
}

}  // namespace anamnesis
