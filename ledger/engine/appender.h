#ifndef ANAMNESIS_LEDGER_ENGINE_APPENDER_H_
#define ANAMNESIS_LEDGER_ENGINE_APPENDER_H_

// The way of a run from its submission to its verdict: checked on a pool of threads (admission.h), gathered with what
// else waits into a batch, ordered (sequencer.h), applied, written, and once that is settled, answered. Several batches
// can be on their way at once: one gathers, one is applied on top of the rows of the one before, which is being
// written. Batches that other processes submitted come the same way from the order on.
//
// A write that fails for lack of space takes back the batch and the one applied on top of it, whose runs end as unknown
// and refused, and goes on, unless others apply them; any other failed write, or damaged bytes found while applying,
// stops appends for good.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/admission.h"
#include "ledger/engine/batch_writer.h"
#include "ledger/engine/ledger.h"
#include "ledger/engine/step_detector.h"
#include "ledger/sequencer/sequencer.h"
#include "ledger/store/store.h"

namespace anamnesis {

class BatchPayload;

// Safe for concurrent use.
class Appender {
 public:
  // What readers may see: everything below the size is synced and settled.
  struct Published {
    TreeSize size;
    Digest root;
    Timestamp last_recorded;
  };
  // Called from any thread; must not block.
  struct Events {
    // Keys or roles may have changed in the store; nobody has been told of it yet.
    std::function<void()> authority_written;
    // More is published, and the callers whose runs it holds have been answered.
    std::function<void(TreeSize)> answered;
    // Bodies were erased and that is durable.
    std::function<void()> erased;
    // Appends have stopped for good.
    std::function<void(const Status&)> failed;
    // A run was refused by what the ledger holds. Called before the caller is answered.
    std::function<void(const std::shared_ptr<const AdmittedRun>&, const Status&)> refused;
  };

  // Goes on from `state`, which is what `store` holds. `store` and options.clock must outlive it.
  Appender(Store& store, LedgerState state, const LedgerOptions& options, std::unique_ptr<Sequencer> sequencer,
           Events events);
  ~Appender();

  // Takes runs from here on. Fails as the sequencer does.
  Status Start();
  // As Ledger::AppendAsync.
  void Append(v1::Run run, Ledger::AppendCallback callback);
  // As Ledger::LookAtTime.
  void LookAtTime();
  // Finishes what was submitted, then refuses. Idempotent.
  void Stop();

  Published published() const;
  // Writes what mends the log, between two batches; as Ledger::Mend.
  Status Mend(const Rows& rows);
  // As Sequencer::Barrier; what it speaks of is published when `done` is called.
  void Barrier(std::function<void(const Status&)> done) { sequencer_->Barrier(std::move(done)); }
  // Why appends are refused; empty while they are not.
  std::string refusing() const;

 private:
  // UNAVAILABLE, with the reason, while nothing that is taken would be ordered. Not under mutex_.
  Status NothingIsOrdered() const;
  void Enqueue(std::unique_ptr<Submission> submission);
  bool ShouldPropose() const;
  void ProposeNext(std::unique_lock<std::mutex>& lock);
  Status Propose(std::vector<std::unique_ptr<Submission>>& submissions, size_t bytes);
  Status CheckStore(size_t bytes);
  // What is written and not settled yet, or, when it is, not shown yet.
  struct Unsettled {
    Revision revision;
    Published published;
    std::vector<RunVerdict> verdicts;
    // Null for what was there at the start.
    std::shared_ptr<const BatchPayload> payload;
  };

  // Whether this says only that nothing was ordered.
  static bool IsOnlyNoted(const Ordered& ordered);
  Status OnOrdered(const Ordered& ordered);
  StatusOr<CommitBatch> ApplyOnTop(const Ordered& ordered, const Batch& batch);
  void Begin(const std::shared_ptr<CommitBatch>& committed, const std::shared_ptr<const BatchPayload>& payload);
  void OnWritten(const Status& status, CommitBatch& committed, const std::shared_ptr<const BatchPayload>& payload);
  void OnSettled(Revision revision);
  void OnDropped(const BatchPayload& payload, const Status& why);
  void Await(Unsettled unsettled);
  void ShowSettled();
  // From now on nothing is settled any more: what is written and not settled has an outcome that is unknown here.
  void EndSettling(const Status& why);
  void Refuse(const BatchPayload& payload, const Status& status) const;
  void FreeToApply();
  void RefuseQueued(const Status& status);
  void Fail(const Status& status);
  void Answered(size_t bytes);

  Store& store_;
  const LedgerOptions& options_;
  const Events events_;

  // Used by the applying thread only: the state after the last applied batch, and that batch's rows.
  LedgerState state_;
  std::shared_ptr<RowOverlay> pending_;
  // Written by the writing thread, read by the applying thread when nothing is being written.
  LedgerState written_;
  Status write_failure_;

  // Held while callers are answered, so that one thread at a time publishes, ascending. Guards what follows it.
  std::mutex show_mutex_;
  std::deque<Unsettled> unsettled_;
  Revision settled_;
  // Why nothing more is settled, as it is told to those who wait for that.
  Status settling_;

  mutable std::mutex published_mutex_;
  // Guarded by published_mutex_.
  Published published_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  StepDetector step_detector_;
  std::deque<std::unique_ptr<Submission>> queue_;
  size_t queued_events_ = 0;
  size_t unanswered_runs_ = 0;
  size_t unanswered_bytes_ = 0;
  // A batch of our own is being ordered or applied.
  bool applying_ = false;
  bool writing_ = false;
  bool work_left_ = false;
  // As of the last batch; and whether this process ordered that one.
  std::optional<Timestamp> next_due_;
  bool ordered_last_ = false;
  bool stopping_ = false;
  bool resume_needed_ = false;
  Status failure_;

  // Last, so that their threads end first.
  BatchWriter writer_;
  const std::unique_ptr<Sequencer> sequencer_;
  std::unique_ptr<Admission> admission_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_APPENDER_H_
