#include "node/service/append_stream.h"

#include <utility>

#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

constexpr size_t kUnansweredBytesMax = 4u << 20;
constexpr size_t kUnansweredRunsMax = 1024;

}  // namespace

AppendStream* AppendStream::Start(const ServiceContext& context, OpenStreams& streams) {
  const std::shared_ptr<AppendStream> stream(new AppendStream(context, streams));
  stream->self_ = stream;
  streams.Add(stream);
  stream->Proceed(std::unique_lock(stream->mutex_));
  return stream.get();
}

void AppendStream::Drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  Proceed(std::move(lock));
}

void AppendStream::OnReadDone(bool ok) {
  bool submit = false;
  {
    const std::lock_guard lock(mutex_);
    if (!ok) reads_ended_ = true;
    // A run that arrives while the stream is ending is left alone; its writer is told so.
    submit = ok && !draining_ && !broken_ && !finished_;
    if (submit) {
      slots_.emplace_back();
      slots_.back().response.set_sequence(request_.sequence());
      slots_.back().bytes = request_.ByteSizeLong();
      slot_bytes_ += slots_.back().bytes;
      ++undecided_;
    }
  }
  if (submit) Submit();
  std::unique_lock lock(mutex_);
  reading_ = false;
  Proceed(std::move(lock));
}

void AppendStream::Submit() {
  uint64_t place = 0;
  {
    const std::lock_guard lock(mutex_);
    // The newest slot is this run's, and it is undecided, so it is still there.
    place = first_place_ + slots_.size() - 1;
  }
  context_.ledger.AppendAsync(
      std::move(*request_.mutable_run()),
      [this, place](v1::RunResult result, uint64_t tree_size) { Decide(place, std::move(result), tree_size); });
}

void AppendStream::Decide(uint64_t place, v1::RunResult result, uint64_t tree_size) {
  if (result.has_refused()) context_.failures.Note("AppendStream", FromRpcStatus(result.refused()));
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[place - first_place_];
  *slot.response.mutable_result() = std::move(result);
  slot.response.set_tree_size(tree_size);
  slot.decided = true;
  --undecided_;
  Proceed(std::move(lock));
}

void AppendStream::OnWriteDone(bool ok) {
  std::unique_lock lock(mutex_);
  writing_ = false;
  if (!ok) broken_ = true;
  Proceed(std::move(lock));
}

void AppendStream::OnCancel() {
  std::unique_lock lock(mutex_);
  broken_ = true;
  Proceed(std::move(lock));
}

void AppendStream::OnDone() {
  streams_.Remove(this);
  const std::shared_ptr<AppendStream> last = std::move(self_);
}

bool AppendStream::MayRead() const {
  return !reading_ && !reads_ended_ && !broken_ && !draining_ && !finished_ && slot_bytes_ <= kUnansweredBytesMax &&
         slots_.size() < kUnansweredRunsMax;
}

bool AppendStream::MayWrite() const {
  return !writing_ && !broken_ && !finished_ && !slots_.empty() && slots_.front().decided;
}

bool AppendStream::MayFinish() const {
  if (finished_ || writing_ || undecided_ > 0 || acting_ > 0) return false;
  const bool over = draining_ || (reads_ended_ && !reading_);
  return broken_ || (over && slots_.empty());
}

grpc::Status AppendStream::Outcome() const {
  if (broken_) return grpc::Status::CANCELLED;
  if (reads_ended_) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the node stops; send what was not answered to another or later");
}

void AppendStream::Proceed(std::unique_lock<std::mutex> lock) {
  // gRPC is never called with the lock held, since it may call back at once.
  ++acting_;
  while (true) {
    const bool write = MayWrite();
    const bool read = !write && MayRead();
    if (write) {
      writing_ = true;
      response_ = std::move(slots_.front().response);
      slot_bytes_ -= slots_.front().bytes;
      slots_.pop_front();
      ++first_place_;
    }
    if (read) reading_ = true;
    if (!write && !read) break;
    lock.unlock();
    if (write) StartWrite(&response_);
    if (read) StartRead(&request_);
    lock.lock();
  }
  --acting_;
  if (!MayFinish()) return;
  finished_ = true;
  const grpc::Status outcome = Outcome();
  lock.unlock();
  Finish(outcome);
}

}  // namespace anamnesis
