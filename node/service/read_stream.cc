#include "node/service/read_stream.h"

#include <algorithm>
#include <utility>

#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

constexpr uint64_t kChunkEventsMax = 64;
// A chunk ends with the event that reaches this.
constexpr size_t kChunkBytesMax = 1u << 20;

}  // namespace

ReadStream* ReadStream::Start(const ServiceContext& context, OpenStreams& streams,
                              const grpc::CallbackServerContext& call, const v1::ReadRequest& request,
                              std::optional<v1::Agent> caller) {
  const std::shared_ptr<ReadStream> stream(new ReadStream(context, streams, request, std::move(caller)));
  stream->Adopt(stream);
  const uint64_t await = context.ledger.AwaitConsistency(request.consistency(), WaitDeadline(call),
                                                         [stream](const Status& status) { stream->Settled(status); });
  const std::lock_guard lock(stream->mutex_);
  stream->await_ = await;
  if (stream->broken_ || stream->draining_) context.ledger.CancelAwait(await);
  return stream.get();
}

ReadStream::ReadStream(const ServiceContext& context, OpenStreams& streams, const v1::ReadRequest& request,
                       std::optional<v1::Agent> caller)
    : CallStream(streams, std::move(caller)), context_(context), rest_(request), follow_(request.follow()) {
  bounded_ = !follow_ || rest_.limit() > 0;
  if (bounded_ && rest_.limit() == 0) rest_.set_limit(limits::kReadEventsDefault);
  // The ledger itself doesn't follow.
  rest_.set_follow(false);
  if (follow_ && Backwards()) {
    status_ = Refuse(v1::MALFORMED, "follow", "only forwards; new events come after the last one");
    ended_ = true;
  }
}

void ReadStream::Settled(const Status& status) {
  std::unique_lock lock(mutex_);
  if (!status.ok() && !ended_) {
    status_ = status;
    ended_ = true;
  }
  begun_ = true;
  start_size_ = context_.ledger.tree_size();
  // Where a read towards the beginning starts is fixed now, whatever is added while it goes on.
  if (!rest_.has_from() && Backwards() && start_size_ > 0) rest_.set_from(start_size_ - 1);
  Proceed(std::move(lock));
}

void ReadStream::Grown(uint64_t tree_size) {
  if (!follow_) return;
  std::unique_lock lock(mutex_);
  ledger_size_ = std::max(ledger_size_, tree_size);
  Proceed(std::move(lock));
}

void ReadStream::OnStopping() {
  stop_ = true;
  context_.ledger.CancelAwait(await_);
}

void ReadStream::ReadChunk() {
  Chunk chunk = CollectChunk();
  std::unique_lock lock(mutex_);
  Advance(std::move(chunk));
  working_ = false;
  Proceed(std::move(lock));
}

ReadStream::Chunk ReadStream::CollectChunk() {
  Chunk chunk;
  v1::ReadRequest request = rest_;
  request.set_limit(bounded_ ? std::min(rest_.limit(), kChunkEventsMax) : kChunkEventsMax);
  chunk.status =
      context_.ledger.Read(request, [this, &chunk](v1::ReadResponse item) { return Collect(std::move(item), chunk); });
  return chunk;
}

bool ReadStream::Collect(v1::ReadResponse item, Chunk& chunk) const {
  if (stop_) return false;
  if (item.has_caught_up()) {
    chunk.caught_up = item.caught_up().tree_size();
    return true;
  }
  const uint64_t index = item.event().index();
  chunk.next = Backwards() ? (index > 0 ? std::optional(index - 1) : std::nullopt) : std::optional(index + 1);
  chunk.bytes += item.ByteSizeLong();
  ++chunk.events;
  chunk.items.push_back(std::move(item));
  return chunk.bytes < kChunkBytesMax;
}

void ReadStream::Advance(Chunk chunk) {
  items_ = std::move(chunk.items);
  status_ = chunk.status;
  if (bounded_) rest_.set_limit(rest_.limit() - chunk.events);
  const bool limit_reached = bounded_ && rest_.limit() == 0;
  const bool read_all = chunk.caught_up.has_value() || (chunk.events > 0 && !chunk.next.has_value());
  if (!status_.ok() || limit_reached) {
    ended_ = true;
  } else if (read_all) {
    seen_size_ = Backwards() ? start_size_ : chunk.caught_up.value_or(start_size_);
    if (!std::exchange(caught_up_, true)) items_.emplace_back().mutable_caught_up()->set_tree_size(seen_size_);
    if (!follow_) ended_ = true;
    rest_.set_from(seen_size_);
  } else if (chunk.events > 0) {
    rest_.set_from(*chunk.next);
  } else if (!stop_) {
    ended_ = true;
  }
}

bool ReadStream::MayWrite() const { return !writing_ && !broken_ && !items_.empty(); }

bool ReadStream::MayReadChunk() const {
  const bool idle = begun_ && !working_ && items_.empty();
  const bool wanted = !ended_ && !broken_ && !draining_;
  return idle && wanted && (!caught_up_ || ledger_size_ > seen_size_);
}

bool ReadStream::IsOver() const {
  return !writing_ && !working_ && (broken_ || (items_.empty() && (ended_ || draining_)));
}

grpc::Status ReadStream::Outcome() {
  if (broken_) return grpc::Status::CANCELLED;
  if (!status_.ok() || ended_) return context_.failures.Answer("Read", status_);
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the node stops; read on from another or later");
}

ReadStream::Step ReadStream::NextStep() {
  if (MayWrite()) {
    writing_ = true;
    response_ = std::move(items_.front());
    items_.pop_front();
    return [this] { StartWrite(&response_); };
  }
  if (!MayReadChunk()) return nullptr;
  working_ = true;
  return [this] { context_.workers.Submit([this, held = self()] { ReadChunk(); }); };
}

}  // namespace anamnesis
