#include "ledger/engine/appender.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "anamnesis/internal/batch.pb.h"
#include "ledger/base/limits.h"
#include "ledger/engine/mended_rows.h"
#include "ledger/engine/space.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

v1::RunResult ResultOf(const RunVerdict& verdict) {
  if (!verdict.status.ok()) return Refused(verdict.status);
  v1::RunResult result;
  result.set_already_recorded(verdict.already_recorded);
  for (LeafIndex index : verdict.indexes) result.add_indexes(index.value);
  for (Timestamp time : verdict.recorded) result.add_recorded_us(time.us);
  for (const v1::EventFinding& finding : verdict.findings) *result.add_findings() = finding;
  return result;
}

Status AppendsAreRefused(const Status& why) {
  return absl::UnavailableError(Text("appends are refused: ", MessageOf(why)));
}

}  // namespace

// A batch on its way through the sequencer, with whom to tell; nobody when another process submitted it.
class BatchPayload : public Payload {
 public:
  // One that came from another process, or of what is not a payload.
  explicit BatchPayload(Batch batch) : batch_(std::move(batch)), ours_(false) {}
  // One that this process submits.
  BatchPayload(Batch batch, std::vector<std::unique_ptr<Submission>> submissions)
      : batch_(std::move(batch)), submissions_(std::move(submissions)), ours_(true) {}

  std::string Serialize() const override {
    internal::Batch proto;
    proto.set_proposed_us(batch_.proposed.us);
    proto.set_clock_step_us(batch_.clock_step_us);
    for (const auto& run : batch_.runs) *proto.add_runs() = run->run;
    return proto.SerializeAsString();
  }

  const Batch& batch() const { return batch_; }
  bool ours() const { return ours_; }
  const std::vector<std::unique_ptr<Submission>>& submissions() const { return submissions_; }
  std::vector<std::unique_ptr<Submission>> TakeSubmissions() { return std::move(submissions_); }

 private:
  Batch batch_;
  std::vector<std::unique_ptr<Submission>> submissions_;
  const bool ours_;
};

namespace {

Appender::Published PublishedOf(const LedgerState& state) {
  return {state.size(), state.frontier.Root(), state.last_recorded};
}

Batch WithoutRuns(const Ordered& ordered) {
  Batch batch;
  if (ordered.own_event.has_value()) {
    batch.proposed = Timestamp(ordered.own_event->proposed_us);
    batch.own_events.push_back({ordered.own_event->type, ordered.own_event->content});
  }
  return batch;
}

StatusOr<std::shared_ptr<const Payload>> ParsePayload(const std::string& bytes, const std::string& origin) {
  internal::Batch proto;
  if (!proto.ParseFromString(bytes)) return absl::InvalidArgumentError("a batch doesn't parse");
  Batch batch;
  batch.proposed = Timestamp(proto.proposed_us());
  batch.clock_step_us = proto.clock_step_us();
  for (v1::Run& run : *proto.mutable_runs()) {
    ASSIGN_OR_RETURN(AdmittedRun admitted, AdmitRun(std::move(run), origin));
    batch.runs.push_back(std::make_shared<const AdmittedRun>(std::move(admitted)));
  }
  return std::shared_ptr<const Payload>(std::make_shared<const BatchPayload>(std::move(batch)));
}

}  // namespace

Appender::Appender(Store& store, LedgerState state, const LedgerOptions& options, std::unique_ptr<Sequencer> sequencer,
                   Events events)
    : store_(store),
      options_(options),
      events_(std::move(events)),
      state_(std::move(state)),
      written_(state_),
      writer_(store, options.disk_reserve_bytes, options.log),
      sequencer_(std::move(sequencer)) {}

Appender::~Appender() { Stop(); }

Status Appender::Start() {
  Sequencer::Receiver receiver;
  receiver.ordered = [this](const Ordered& ordered) { return OnOrdered(ordered); };
  receiver.settled = [this](Revision revision) { OnSettled(revision); };
  receiver.ended = [this](const Status& why) { EndSettling(why); };
  receiver.dropped = [this](const std::shared_ptr<const Payload>& payload, const Status& why) {
    OnDropped(static_cast<const BatchPayload&>(*payload), why);
  };
  receiver.parse = [origin = state_.origin](const std::string& bytes) { return ParsePayload(bytes, origin); };
  const Revision applied = state_.revision;
  const StateDigest digest = state_.digest;
  Await({applied, PublishedOf(state_), {}, nullptr});
  admission_ = std::make_unique<Admission>(state_.origin, options_.admission_threads,
                                           [this](auto submission) { Enqueue(std::move(submission)); });
  ASSIGN_OR_RETURN(next_due_, NextDue(state_, store_));
  ordered_last_ = !sequencer_->order_is_final();
  RETURN_IF_ERROR(sequencer_->Start(applied, std::move(receiver)));
  sequencer_->Applied(applied, digest);
  return OkStatus();
}

Appender::Published Appender::published() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

Status Appender::NothingIsOrdered() const {
  const std::string why = sequencer_->refusing();
  return why.empty() ? OkStatus() : AppendsAreRefused(absl::UnavailableError(why));
}

std::string Appender::refusing() const {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return std::string(MessageOf(failure_));
    if (stopping_) return "the ledger is stopping";
  }
  return sequencer_->refusing();
}

// --- Taking runs ---

void Appender::Append(v1::Run run, Ledger::AppendCallback callback) {
  const size_t bytes = RunBytes(run);
  const Status nothing_is_ordered = NothingIsOrdered();
  Status refused;
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) {
      refused = AppendsAreRefused(failure_);
    } else if (stopping_) {
      refused = absl::UnavailableError("the ledger is stopping");
    } else if (!nothing_is_ordered.ok()) {
      refused = nothing_is_ordered;
    } else if (unanswered_bytes_ + bytes > limits::kQueuedBytesMax) {
      refused = absl::ResourceExhaustedError(
          Text("more than ", limits::kQueuedBytesMax, " bytes wait to be appended; retry later"));
    } else {
      ++unanswered_runs_;
      unanswered_bytes_ += bytes;
    }
  }
  if (!refused.ok()) {
    callback(Refused(refused), published().size.value);
    return;
  }
  admission_->Submit(std::make_unique<Submission>(
      std::move(run), bytes,
      [this, bytes, callback = std::move(callback)](v1::RunResult result, std::optional<uint64_t> tree_size) {
        callback(std::move(result), tree_size.value_or(published().size.value));
        Answered(bytes);
      }));
}

void Appender::Answered(size_t bytes) {
  const std::lock_guard lock(mutex_);
  --unanswered_runs_;
  unanswered_bytes_ -= bytes;
  if (unanswered_runs_ == 0) idle_.notify_all();
}

void Appender::Enqueue(std::unique_ptr<Submission> submission) {
  std::unique_lock lock(mutex_);
  if (!failure_.ok()) {
    const Status refused = AppendsAreRefused(failure_);
    lock.unlock();
    submission->Refuse(refused);
    return;
  }
  queued_events_ += submission->admitted->events.size();
  queue_.push_back(std::move(submission));
  ProposeNext(lock);
}

// --- Ordering ---

Status Appender::CheckStore(size_t bytes) {
  // A batch is written about four times until it has settled: log, tables, indices, compaction.
  RETURN_IF_ERROR(CheckSpace(store_, options_.disk_reserve_bytes + 4 * bytes));
  if (resume_needed_) {
    RETURN_IF_ERROR(WithContext(store_.TryResume(), "the store can't be written yet"));
    resume_needed_ = false;
  }
  return OkStatus();
}

Status Appender::Propose(std::vector<std::unique_ptr<Submission>>& submissions, size_t bytes) {
  RETURN_IF_ERROR(CheckStore(bytes));
  Batch batch;
  batch.runs.reserve(submissions.size());
  for (const auto& submission : submissions) batch.runs.push_back(submission->admitted);
  batch.proposed = options_.clock->Now();
  batch.clock_step_us =
      step_detector_.Observe(batch.proposed, options_.clock->MonotonicUs(), published().last_recorded);
  if (batch.clock_step_us != 0) {
    options_.log(Text("the system clock stepped by ", batch.clock_step_us, " us; recorded times go on increasing"));
  }
  const auto payload = std::make_shared<BatchPayload>(std::move(batch), std::move(submissions));
  const Status submitted = sequencer_->Submit(payload);
  if (!submitted.ok()) submissions = payload->TakeSubmissions();
  return submitted;
}

bool Appender::ShouldPropose() const {
  if (applying_) return false;
  // Idle: at once. Busy: gathers until the disk is free, or until there is enough to be worth applying meanwhile.
  if (!queue_.empty()) return !writing_ || queued_events_ >= limits::kBatchEventsWorthAhead;
  return work_left_ && !writing_ && !stopping_;
}

void Appender::LookAtTime() {
  // Where several could, whoever ordered the last batch does, and the others only when it doesn't.
  constexpr int64_t kOthersWaitUs = 10'000'000;
  // A batch on its way, which nobody can say the end of, keeps these back; they were never sent.
  if (const Status refused = NothingIsOrdered(); !refused.ok()) return RefuseQueued(refused);
  std::unique_lock lock(mutex_);
  if (!next_due_.has_value() || !failure_.ok() || stopping_) return;
  const int64_t late_us = options_.clock->Now().us - next_due_->us;
  if (late_us < (ordered_last_ ? 0 : kOthersWaitUs)) return;
  // Nothing is there to be gathered: a batch without runs, if none is under way, which looks at it too.
  work_left_ = true;
  ProposeNext(lock);
}

void Appender::ProposeNext(std::unique_lock<std::mutex>& lock) {
  while (ShouldPropose()) {
    std::vector<std::unique_ptr<Submission>> submissions;
    size_t bytes = 0;
    size_t events = 0;
    // None: a batch without runs, for the ledger's own work.
    while (!queue_.empty() && (submissions.empty() || (bytes + queue_.front()->bytes <= limits::kBatchBytesMax &&
                                                       events < limits::kBatchEventsMax))) {
      bytes += queue_.front()->bytes;
      events += queue_.front()->admitted->events.size();
      submissions.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queued_events_ -= events;
    applying_ = true;
    // Applying says whether there still is some.
    work_left_ = false;
    const Status proposed = Propose(submissions, bytes);
    if (proposed.ok()) return;
    lock.unlock();
    for (const auto& submission : submissions) submission->Refuse(proposed);
    lock.lock();
    applying_ = false;
  }
  if (!applying_ && !writing_) idle_.notify_all();
}

// --- Applying ---

bool Appender::IsOnlyNoted(const Ordered& ordered) {
  return ordered.payload == nullptr && !ordered.own_event.has_value() && !ordered.note.has_value();
}

StatusOr<CommitBatch> Appender::ApplyOnTop(const Ordered& ordered, const Batch& batch) {
  const BatchName name{ordered.session, ordered.number};
  // Taken after the batch before the pending one was written, so together they are all there is.
  const std::unique_ptr<RowReader> stored = store_.View();
  if (pending_ != nullptr) pending_->Rebase(*stored);
  const RowFinder& rows = pending_ != nullptr ? static_cast<const RowFinder&>(*pending_) : *stored;
  if (IsOnlyNoted(ordered)) return MoveOn(state_, rows, ordered.revision);
  ASSIGN_OR_RETURN(const bool reads_ranges, ReadsRanges(state_, batch, rows));
  if (!reads_ranges) return Apply(state_, rows, ordered.revision, batch, name, ordered.note);
  // What is walked must be stored.
  writer_.Wait();
  RETURN_IF_ERROR(write_failure_);
  const std::unique_ptr<RowReader> all = store_.View();
  return Apply(state_, *all, ordered.revision, batch, name, ordered.note, all.get());
}

Status Appender::OnOrdered(const Ordered& ordered) {
  const auto payload = ordered.payload == nullptr ? std::make_shared<const BatchPayload>(WithoutRuns(ordered))
                                                  : std::static_pointer_cast<const BatchPayload>(ordered.payload);
  const bool own = payload->ours();
  StatusOr<CommitBatch> committed = ApplyOnTop(ordered, payload->batch());
  writer_.Wait();
  const Status before = std::exchange(write_failure_, OkStatus());
  Status failure = before.ok() ? committed.status() : before;
  if (failure.ok()) {
    if (!IsOnlyNoted(ordered)) {
      const std::lock_guard lock(mutex_);
      next_due_ = committed->next_due;
      ordered_last_ = own;
      // Whoever ordered a batch last goes on with what the standing check has left.
      if (own) work_left_ = committed->work_left;
    }
    Begin(std::make_shared<CommitBatch>(*std::move(committed)), payload);
  } else if (absl::IsResourceExhausted(before) && !sequencer_->order_is_final()) {
    // The rows below this batch were not written.
    state_ = written_;
    pending_ = nullptr;
    Refuse(*payload, before);
    failure = OkStatus();
  } else {
    if (before.ok()) Fail(failure);
    // The others apply what is in a final order.
    Refuse(*payload, sequencer_->order_is_final() ? OutcomeUnknown(MessageOf(failure)) : AppendsAreRefused(failure));
  }
  if (own) FreeToApply();
  return failure;
}

void Appender::OnDropped(const BatchPayload& payload, const Status& why) {
  Refuse(payload, absl::IsUnknown(why) ? OutcomeUnknown(MessageOf(why)) : why);
  FreeToApply();
}

void Appender::FreeToApply() {
  std::unique_lock lock(mutex_);
  applying_ = false;
  ProposeNext(lock);
}

// --- Writing ---

void Appender::Begin(const std::shared_ptr<CommitBatch>& committed,
                     const std::shared_ptr<const BatchPayload>& payload) {
  // What others are told that this node has must be there after a power cut, even when it added no leaf.
  const bool durable = committed->next.size() > state_.size() || sequencer_->order_is_final();
  state_ = committed->next;
  pending_ = std::move(committed->rows);
  {
    const std::lock_guard lock(mutex_);
    writing_ = true;
  }
  // What is in a final order can't be refused for lack of space.
  const auto when_full =
      sequencer_->order_is_final() ? BatchWriter::WhenFull::kWaitForSpace : BatchWriter::WhenFull::kFail;
  const bool authority = std::any_of(pending_->rows().begin(), pending_->rows().end(),
                                     [](const Row& row) { return row.family == Family::kAuthority; });
  writer_.Begin(pending_, durable, when_full, [this, committed, payload, authority](const Status& status) {
    if (authority) events_.authority_written();
    OnWritten(status, *committed, payload);
    std::unique_lock lock(mutex_);
    writing_ = false;
    ProposeNext(lock);
  });
}

void Appender::OnWritten(const Status& status, CommitBatch& committed,
                         const std::shared_ptr<const BatchPayload>& payload) {
  write_failure_ = status;
  if (absl::IsResourceExhausted(status) && !sequencer_->order_is_final()) {
    options_.log(Text("an append was not written: ", MessageOf(status)));
    {
      const std::lock_guard lock(mutex_);
      resume_needed_ = true;
      // What came due and was recorded is not: it is looked at again, as is what was left of it.
      next_due_ = written_.last_recorded;
    }
    // Unlike what is refused before it is written: its record in the store's log may be whole, and count after a crash.
    Refuse(*payload, OutcomeUnknown(MessageOf(status)));
    return;
  }
  if (!status.ok()) {
    Fail(status);
    Refuse(*payload, OutcomeUnknown(MessageOf(status)));
    return;
  }
  if (committed.erased) events_.erased();
  written_ = std::move(committed.next);
  Await({written_.revision, PublishedOf(written_), std::move(committed.verdicts), payload});
  sequencer_->Applied(written_.revision, written_.digest);
}

Status Appender::Mend(const Rows& rows) {
  size_t bytes = 0;
  for (const Row& row : rows) bytes += row.value.size();
  bool attempted = false;
  const Status written = writer_.Alone([&]() -> Status {
    {
      const std::lock_guard lock(mutex_);
      if (!failure_.ok()) return AppendsAreRefused(failure_);
    }
    RETURN_IF_ERROR(CheckSpace(store_, options_.disk_reserve_bytes + 4 * bytes));
    ASSIGN_OR_RETURN(const Rows left, StillToBeWritten(store_, rows));
    attempted = true;
    return store_.Write(left, true);
  });
  if (attempted && absl::IsResourceExhausted(written)) {
    const std::lock_guard lock(mutex_);
    resume_needed_ = true;
  } else if (attempted && !written.ok()) {
    Fail(written);
  }
  return written;
}

// --- Showing and answering ---

void Appender::Await(Unsettled unsettled) {
  {
    const std::lock_guard lock(show_mutex_);
    unsettled_.push_back(std::move(unsettled));
  }
  // Others may have settled it before it was written here.
  ShowSettled();
}

void Appender::OnSettled(Revision revision) {
  {
    const std::lock_guard lock(show_mutex_);
    settled_ = std::max(settled_, revision);
  }
  ShowSettled();
}

void Appender::ShowSettled() {
  const std::lock_guard lock(show_mutex_);
  while (!unsettled_.empty() && unsettled_.front().revision <= settled_) {
    const Unsettled shown = std::move(unsettled_.front());
    unsettled_.pop_front();
    {
      const std::lock_guard published_lock(published_mutex_);
      published_ = shown.published;
    }
    const uint64_t size = shown.published.size.value;
    for (size_t i = 0; shown.payload != nullptr && i < shown.payload->submissions().size(); ++i) {
      const Submission& submission = *shown.payload->submissions()[i];
      if (!shown.verdicts[i].status.ok()) events_.refused(submission.admitted, shown.verdicts[i].status);
      submission.Answer(ResultOf(shown.verdicts[i]), size);
    }
    events_.answered(shown.published.size);
  }
  if (settling_.ok()) return;
  // Under the lock: what is refused here must not be answered by a settling that comes at the same time.
  for (const Unsettled& unsettled : std::exchange(unsettled_, {})) {
    if (unsettled.payload != nullptr) Refuse(*unsettled.payload, settling_);
  }
}

void Appender::EndSettling(const Status& why) {
  {
    const std::lock_guard lock(show_mutex_);
    if (settling_.ok()) settling_ = OutcomeUnknown(MessageOf(why));
  }
  ShowSettled();
}

void Appender::Refuse(const BatchPayload& payload, const Status& status) const {
  for (const auto& submission : payload.submissions()) submission->Refuse(status);
}

void Appender::Fail(const Status& status) {
  options_.log(Text("appends stop: ", status.ToString(), "; reads go on; open the ledger again"));
  events_.failed(status);
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
  }
  RefuseQueued(AppendsAreRefused(status));
}

void Appender::RefuseQueued(const Status& status) {
  std::deque<std::unique_ptr<Submission>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(queue_);
    queued_events_ = 0;
  }
  for (const auto& submission : waiting) submission->Refuse(status);
}

void Appender::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (admission_ != nullptr) admission_->Stop();
  const auto idle = [this] { return unanswered_runs_ == 0 && !applying_ && !writing_; };
  {
    std::unique_lock lock(mutex_);
    // A sequencer that can't order at present drops what it has when it stops.
    idle_.wait_for(lock, std::chrono::microseconds(limits::kStopWaitUs), idle);
  }
  writer_.EndWaiting();
  sequencer_->Stop();
  writer_.Wait();
  EndSettling(absl::UnavailableError("the ledger stopped before it was settled"));
  std::unique_lock lock(mutex_);
  idle_.wait(lock, idle);
}

}  // namespace anamnesis
