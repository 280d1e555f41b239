#ifndef ANAMNESIS_TESTS_BENCH_RAW_APPENDER_H_
#define ANAMNESIS_TESTS_BENCH_RAW_APPENDER_H_

// The ledger's appender (ledger/engine/appender.h) with everything left out that looks at a run: batches are gathered,
// proposed, written on a thread of its own and answered when settled by the same rules. What is written is the bytes
// and how far the order is applied.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/batch_writer.h"
#include "ledger/sequencer/sequencer.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {

// A run on its way; `answer` gets the place of its first event, or why there is none.
struct RawRun {
  std::string bytes;
  uint64_t events = 0;
  std::function<void(const StatusOr<uint64_t>& first)> answer;
};

class RawBatch : public Payload {
 public:
  explicit RawBatch(std::vector<RawRun> batch) : runs(std::move(batch)) {}

  std::string Serialize() const override {
    std::string all;
    for (const RawRun& run : runs) {
      AppendBigEndian64(all, run.events);
      AppendBigEndian64(all, run.bytes.size());
      all += run.bytes;
    }
    return all;
  }

  static StatusOr<std::shared_ptr<const Payload>> Parse(const std::string& all) {
    std::vector<RawRun> runs;
    for (ByteReader rest(all); !rest.empty();) {
      RawRun run;
      ASSIGN_OR_RETURN(run.events, rest.BigEndian64());
      ASSIGN_OR_RETURN(const uint64_t size, rest.BigEndian64());
      ASSIGN_OR_RETURN(const std::string_view bytes, rest.Take(size));
      run.bytes = bytes;
      runs.push_back(std::move(run));
    }
    return std::shared_ptr<const Payload>(std::make_shared<const RawBatch>(std::move(runs)));
  }

  const std::vector<RawRun> runs;
};

// Safe for concurrent use.
class RawAppender {
 public:
  // `store` must outlive it. `log` gets a line when something fails; may be called from any thread.
  RawAppender(Store& store, std::unique_ptr<Sequencer> sequencer, std::function<void(std::string_view)> log)
      : store_(store), log_(std::move(log)), writer_(store, 0, log_), sequencer_(std::move(sequencer)) {}

  // Fails as the sequencer does.
  Status Start() {
    Sequencer::Receiver receiver;
    receiver.ordered = [this](const Ordered& ordered) { return OnOrdered(ordered); };
    receiver.settled = [this](Revision revision) { OnSettled(revision); };
    receiver.dropped = [this](const std::shared_ptr<const Payload>& payload, const Status& why) {
      for (const RawRun& run : static_cast<const RawBatch&>(*payload).runs) run.answer(why);
      FreeToApply();
    };
    receiver.parse = [](const std::string& bytes) { return RawBatch::Parse(bytes); };
    RETURN_IF_ERROR(sequencer_->Start(Revision(0), std::move(receiver)));
    sequencer_->Applied(Revision(0), {});
    return OkStatus();
  }

  // Does not wait.
  void Append(RawRun run) {
    std::unique_lock lock(mutex_);
    queued_events_ += run.events;
    queue_.push_back(std::move(run));
    ProposeNext();
  }

  void Stop() {
    sequencer_->Stop();
    writer_.Wait();
  }

  // Events that are settled.
  uint64_t size() const {
    const std::lock_guard lock(settle_mutex_);
    return shown_;
  }

 private:
  struct Unsettled {
    Revision revision;
    uint64_t first = 0;
    uint64_t size = 0;
    // Null when the batch is another node's.
    std::shared_ptr<const RawBatch> own;
  };

  // Needs the lock.
  void ProposeNext() {
    if (queue_.empty() || applying_ || (writing_ && queued_events_ < limits::kBatchEventsWorthAhead)) return;
    std::vector<RawRun> runs;
    size_t bytes = 0;
    size_t events = 0;
    while (!queue_.empty() && (runs.empty() || (bytes + queue_.front().bytes.size() <= limits::kBatchBytesMax &&
                                                events < limits::kBatchEventsMax))) {
      bytes += queue_.front().bytes.size();
      events += queue_.front().events;
      runs.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queued_events_ -= events;
    applying_ = true;
    (void)sequencer_->Submit(std::make_shared<const RawBatch>(std::move(runs)));
  }

  void FreeToApply() {
    const std::lock_guard lock(mutex_);
    applying_ = false;
    ProposeNext();
  }

  Status OnOrdered(const Ordered& ordered) {
    const auto batch = std::static_pointer_cast<const RawBatch>(ordered.payload);
    auto rows = std::make_shared<RowOverlay>(store_);
    Unsettled unsettled{ordered.revision, next_, 0, nullptr};
    for (size_t i = 0; batch != nullptr && i < batch->runs.size(); ++i) {
      rows->PutUnread(Family::kLeaves, LeafKey(LeafIndex(next_)), batch->runs[i].bytes);
      next_ += batch->runs[i].events;
    }
    unsettled.size = next_;
    if (batch != nullptr) {
      std::string number;
      AppendBigEndian64(number, ordered.number);
      rows->PutUnread(Family::kMeta, AppliedBatchKey(ordered.session), std::move(number));
      digest_ = {ordered.revision, Digest(), TreeSize(next_), Digest()};
      if (!batch->runs.empty() && batch->runs.front().answer) unsettled.own = batch;
    }
    std::string applied;
    AppendBigEndian64(applied, ordered.revision.value);
    rows->PutUnread(Family::kMeta, std::string(kAppliedKey), std::move(applied));
    writer_.Wait();
    {
      const std::lock_guard lock(mutex_);
      writing_ = true;
    }
    const bool own = unsettled.own != nullptr;
    writer_.Begin(std::move(rows), /*durable=*/true, BatchWriter::WhenFull::kWaitForSpace,
                  [this, unsettled = std::move(unsettled), digest = digest_](const Status& written) {
                    if (!written.ok()) log_(written.ToString());
                    OnWritten(unsettled, digest);
                  });
    if (own) FreeToApply();
    return OkStatus();
  }

  void OnWritten(const Unsettled& unsettled, const StateDigest& digest) {
    {
      const std::lock_guard lock(settle_mutex_);
      unsettled_.push_back(unsettled);
    }
    ShowSettled();
    sequencer_->Applied(unsettled.revision, digest);
    const std::lock_guard lock(mutex_);
    writing_ = false;
    ProposeNext();
  }

  void OnSettled(Revision revision) {
    {
      const std::lock_guard lock(settle_mutex_);
      settled_ = revision;
    }
    ShowSettled();
  }

  void ShowSettled() {
    const std::lock_guard lock(settle_mutex_);
    while (!unsettled_.empty() && unsettled_.front().revision <= settled_) {
      const Unsettled shown = std::move(unsettled_.front());
      unsettled_.pop_front();
      shown_ = shown.size;
      uint64_t first = shown.first;
      for (size_t i = 0; shown.own != nullptr && i < shown.own->runs.size(); ++i) {
        shown.own->runs[i].answer(first);
        first += shown.own->runs[i].events;
      }
    }
  }

  Store& store_;
  const std::function<void(std::string_view)> log_;
  // Used by the applying thread only.
  uint64_t next_ = 0;
  StateDigest digest_;
  mutable std::mutex settle_mutex_;
  std::deque<Unsettled> unsettled_;
  Revision settled_;
  uint64_t shown_ = 0;
  std::mutex mutex_;
  std::deque<RawRun> queue_;
  size_t queued_events_ = 0;
  bool applying_ = false;
  bool writing_ = false;
  BatchWriter writer_;
  const std::unique_ptr<Sequencer> sequencer_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_BENCH_RAW_APPENDER_H_
