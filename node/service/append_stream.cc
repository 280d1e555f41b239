#include "node/service/append_stream.h"

#include <utility>
#include <vector>

#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

constexpr size_t kUnansweredBytesMax = 4u << 20;
constexpr size_t kUnansweredRunsMax = 1024;
// A message of verdicts ends with the one that reaches this: one verdict can have 80 kB.
constexpr size_t kResponseBytesMax = 256u << 10;

}  // namespace

AppendStream* AppendStream::Start(const ServiceContext& context, OpenStreams& streams,
                                  std::optional<v1::Agent> caller) {
  const std::shared_ptr<AppendStream> stream(new AppendStream(context, streams, std::move(caller)));
  stream->Adopt(stream);
  stream->Proceed(std::unique_lock(stream->mutex_));
  return stream.get();
}

void AppendStream::OnReadDone(bool ok) {
  uint64_t first_place = 0;
  if (ok && TakeSlots(first_place)) Submit(first_place);
  std::unique_lock lock(mutex_);
  if (!ok) reads_ended_ = true;
  reading_ = false;
  Proceed(std::move(lock));
}

bool AppendStream::TakeSlots(uint64_t& first_place) {
  std::vector<Slot> slots(static_cast<size_t>(request_.submissions_size()));
  size_t bytes = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    const v1::AppendSubmission& submission = request_.submissions(static_cast<int>(i));
    slots[i].verdict.set_sequence(submission.sequence());
    slots[i].bytes = submission.run().ByteSizeLong();
    bytes += slots[i].bytes;
  }
  const std::lock_guard lock(mutex_);
  if (slots.size() > limits::kRequestRunsMax) {
    over_limit_ = RefuseOverLimit("submissions", limits::kRequestRunsMax, slots.size());
  } else if (bytes > limits::kRequestBytesMax) {
    over_limit_ = RefuseOverLimit("submissions", limits::kRequestBytesMax, bytes);
  }
  // Runs that arrive while the stream is ending are left alone; their writer is told so.
  if (!over_limit_.ok() || draining_ || broken_ || finished_) return false;
  first_place = first_place_ + slots_.size();
  slot_bytes_ += bytes;
  undecided_ += slots.size();
  for (Slot& slot : slots) slots_.push_back(std::move(slot));
  return true;
}

void AppendStream::Submit(uint64_t place) {
  for (v1::AppendSubmission& submission : *request_.mutable_submissions()) {
    const Status allowed = context_.access.CheckMayHandIn(caller(), submission.run());
    if (allowed.ok()) {
      context_.ledger.AppendAsync(
          std::move(*submission.mutable_run()),
          [this, place](v1::RunResult result, uint64_t tree_size) { Decide(place, std::move(result), tree_size); });
    } else {
      Decide(place, RefusedRun(allowed), context_.ledger.tree_size());
    }
    ++place;
  }
}

void AppendStream::Decide(uint64_t place, v1::RunResult result, uint64_t tree_size) {
  if (result.has_refused()) context_.failures.Note("AppendStream", FromRpcStatus(result.refused()));
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[place - first_place_];
  *slot.verdict.mutable_result() = std::move(result);
  slot.verdict.set_tree_size(tree_size);
  slot.decided = true;
  --undecided_;
  Proceed(std::move(lock));
}

bool AppendStream::MayRead() const {
  const bool open = !reads_ended_ && !broken_ && !draining_ && over_limit_.ok();
  return open && !reading_ && slot_bytes_ <= kUnansweredBytesMax && slots_.size() < kUnansweredRunsMax;
}

bool AppendStream::MayWrite() const { return !writing_ && !broken_ && !slots_.empty() && slots_.front().decided; }

bool AppendStream::IsOver() const {
  if (writing_ || undecided_ > 0) return false;
  const bool over = draining_ || ((reads_ended_ || !over_limit_.ok()) && !reading_);
  return broken_ || (over && slots_.empty());
}

grpc::Status AppendStream::Outcome() {
  if (broken_) return grpc::Status::CANCELLED;
  if (!over_limit_.ok()) return context_.failures.Answer("AppendStream", over_limit_);
  if (reads_ended_) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the node stops; send what was not answered to another or later");
}

void AppendStream::GatherVerdicts() {
  response_.Clear();
  size_t bytes = 0;
  while (!slots_.empty() && slots_.front().decided && bytes < kResponseBytesMax) {
    Slot& slot = slots_.front();
    bytes += slot.verdict.ByteSizeLong();
    *response_.add_verdicts() = std::move(slot.verdict);
    slot_bytes_ -= slot.bytes;
    slots_.pop_front();
    ++first_place_;
  }
}

AppendStream::Step AppendStream::NextStep() {
  if (MayWrite()) {
    writing_ = true;
    GatherVerdicts();
    return [this] { StartWrite(&response_); };
  }
  if (!MayRead()) return nullptr;
  reading_ = true;
  return [this] { StartRead(&request_); };
}

}  // namespace anamnesis
