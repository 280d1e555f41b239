#include "ledger/engine/appender.h"

#include <vector>

#include "anamnesis/internal/batch.pb.h"
#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

v1::RunResult Refused(const Status& status) {
  v1::RunResult result;
  *result.mutable_refused() = ToRpcStatus(status);
  return result;
}

v1::RunResult ResultOf(const RunVerdict& verdict) {
  if (!verdict.status.ok()) return Refused(verdict.status);
  v1::RunResult result;
  result.set_already_recorded(verdict.already_recorded);
  for (LeafIndex index : verdict.indexes) result.add_indexes(index.value);
  for (Timestamp time : verdict.recorded) result.add_recorded_us(time.us);
  return result;
}

Status AppendsAreRefused(const Status& why) {
  return absl::UnavailableError(Text("appends are refused: ", MessageOf(why)));
}

}  // namespace

// A batch on its way through the sequencer, with whom to tell.
class BatchPayload : public Payload {
 public:
  BatchPayload(Batch batch, std::vector<std::unique_ptr<Submission>> submissions, size_t bytes)
      : batch_(std::move(batch)), submissions_(std::move(submissions)), bytes_(bytes) {}

  std::string Serialize() const override {
    internal::Batch proto;
    proto.set_proposed_us(batch_.proposed.us);
    proto.set_clock_step_us(batch_.clock_step_us);
    for (const auto& run : batch_.runs) *proto.add_runs() = run->run;
    return proto.SerializeAsString();
  }
  size_t size_bytes() const override { return bytes_; }

  const Batch& batch() const { return batch_; }
  const std::vector<std::unique_ptr<Submission>>& submissions() const { return submissions_; }
  std::vector<std::unique_ptr<Submission>> TakeSubmissions() { return std::move(submissions_); }

 private:
  Batch batch_;
  std::vector<std::unique_ptr<Submission>> submissions_;
  size_t bytes_;
};

Appender::Appender(Store& store, LedgerState state, const LedgerOptions& options, Events events)
    : store_(store),
      options_(options),
      events_(std::move(events)),
      state_(std::move(state)),
      written_(state_),
      writer_(store) {
  Publish();
}

Appender::~Appender() { Stop(); }

Status Appender::Start() {
  sequencer_ = MakeLocalSequencer();
  RETURN_IF_ERROR(
      sequencer_->Start(state_.revision, [this](Revision revision, const std::shared_ptr<const Payload>& payload) {
        return OnOrdered(revision, std::static_pointer_cast<const BatchPayload>(payload));
      }));
  admission_ = std::make_unique<Admission>(state_.origin, options_.admission_threads,
                                           [this](auto submission) { Enqueue(std::move(submission)); });
  return OkStatus();
}

Appender::Published Appender::published() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

void Appender::Publish() {
  const Published published{written_.size(), written_.frontier.Root(), written_.last_recorded};
  const std::lock_guard lock(published_mutex_);
  published_ = published;
}

std::string Appender::refusing() const {
  const std::lock_guard lock(mutex_);
  return failure_.ok() ? (stopping_ ? "the ledger is stopping" : "") : std::string(MessageOf(failure_));
}

// --- Taking runs ---

void Appender::Append(v1::Run run, Ledger::AppendCallback callback) {
  auto submission = std::make_unique<Submission>();
  submission->bytes = RunBytes(run);
  Status refused;
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) {
      refused = AppendsAreRefused(failure_);
    } else if (stopping_) {
      refused = absl::UnavailableError("the ledger is stopping");
    } else if (unanswered_bytes_ + submission->bytes > limits::kQueuedBytesMax) {
      refused = absl::ResourceExhaustedError(
          Text("more than ", limits::kQueuedBytesMax, " bytes wait to be appended; retry later"));
    } else {
      unanswered_bytes_ += submission->bytes;
    }
  }
  if (!refused.ok()) {
    callback(Refused(refused), published().size.value);
    return;
  }
  submission->run = std::move(run);
  submission->answer = [this, bytes = submission->bytes, callback = std::move(callback)](v1::RunResult result,
                                                                                         uint64_t tree_size) {
    {
      const std::lock_guard lock(mutex_);
      unanswered_bytes_ -= bytes;
    }
    callback(std::move(result), tree_size);
  };
  submission->refuse = [this, answer = submission->answer](const Status& status) {
    answer(Refused(status), published().size.value);
  };
  admission_->Submit(std::move(submission));
}

void Appender::Enqueue(std::unique_ptr<Submission> submission) {
  std::unique_lock lock(mutex_);
  if (!failure_.ok()) {
    const Status refused = AppendsAreRefused(failure_);
    lock.unlock();
    submission->refuse(refused);
    return;
  }
  queued_events_ += submission->admitted->events.size();
  queue_.push_back(std::move(submission));
  ProposeNext(lock);
}

// --- Ordering ---

Status Appender::CheckSpace(size_t bytes) {
  const uint64_t free = store_.FreeBytes();
  // A batch is written about four times until it has settled: log, tables, indices, compaction.
  const uint64_t needed = options_.disk_reserve_bytes + 4 * bytes;
  if (free < needed) {
    return absl::ResourceExhaustedError(Text("disk full: ", free >> 20, " MiB are free where the ledger is, ",
                                             (needed >> 20) + 1,
                                             " MiB are needed; nothing was written, retry when there is space"));
  }
  if (resume_needed_) {
    RETURN_IF_ERROR(WithContext(store_.TryResume(), "the store can't be written yet"));
    resume_needed_ = false;
  }
  return OkStatus();
}

Status Appender::Propose(std::vector<std::unique_ptr<Submission>>& submissions, size_t bytes) {
  RETURN_IF_ERROR(CheckSpace(bytes));
  Batch batch;
  batch.runs.reserve(submissions.size());
  for (const auto& submission : submissions) batch.runs.push_back(submission->admitted);
  batch.proposed = options_.clock->Now();
  batch.clock_step_us =
      step_detector_.Observe(batch.proposed, options_.clock->MonotonicUs(), published().last_recorded);
  if (batch.clock_step_us != 0) {
    options_.log(Text("the system clock stepped by ", batch.clock_step_us, " us; recorded times go on increasing"));
  }
  const auto payload = std::make_shared<BatchPayload>(std::move(batch), std::move(submissions), bytes);
  const Status submitted = sequencer_->Submit(payload);
  if (!submitted.ok()) submissions = payload->TakeSubmissions();
  return submitted;
}

bool Appender::ShouldPropose() const {
  // Idle: at once. Busy: gathers until the disk is free, or until there is enough to be worth applying meanwhile.
  return !queue_.empty() && !applying_ && (!writing_ || queued_events_ >= limits::kBatchEventsWorthAhead);
}

void Appender::ProposeNext(std::unique_lock<std::mutex>& lock) {
  while (ShouldPropose()) {
    std::vector<std::unique_ptr<Submission>> submissions;
    size_t bytes = 0;
    size_t events = 0;
    while (!queue_.empty() && (submissions.empty() || (bytes + queue_.front()->bytes <= limits::kBatchBytesMax &&
                                                       events < limits::kBatchEventsMax))) {
      bytes += queue_.front()->bytes;
      events += queue_.front()->admitted->events.size();
      submissions.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queued_events_ -= events;
    applying_ = true;
    const Status proposed = Propose(submissions, bytes);
    if (proposed.ok()) return;
    lock.unlock();
    for (const auto& submission : submissions) submission->refuse(proposed);
    lock.lock();
    applying_ = false;
  }
  if (queue_.empty() && !applying_ && !writing_) idle_.notify_all();
}

// --- Applying ---

StatusOr<CommitBatch> Appender::ApplyOnTop(Revision revision, const Batch& batch) {
  // Taken after the batch before the pending one was written, so together they are all there is.
  const std::unique_ptr<RowReader> stored = store_.View();
  if (pending_ == nullptr) return Apply(state_, *stored, revision, batch);
  pending_->Rebase(*stored);
  return Apply(state_, *pending_, revision, batch);
}

Status Appender::OnOrdered(Revision revision, const std::shared_ptr<const BatchPayload>& payload) {
  StatusOr<CommitBatch> committed = ApplyOnTop(revision, payload->batch());
  writer_.Wait();
  const Status before = std::exchange(write_failure_, OkStatus());
  if (absl::IsResourceExhausted(before)) {
    // The rows below this batch were not written.
    state_ = written_;
    pending_ = nullptr;
    Refuse(*payload, before);
    FreeToApply();
    return OkStatus();
  }
  const Status failure = before.ok() ? committed.status() : before;
  if (!failure.ok()) {
    if (before.ok()) Fail(failure);
    Refuse(*payload, AppendsAreRefused(failure));
    FreeToApply();
    return failure;
  }
  Begin(std::make_shared<CommitBatch>(*std::move(committed)), payload);
  FreeToApply();
  return OkStatus();
}

void Appender::FreeToApply() {
  std::unique_lock lock(mutex_);
  applying_ = false;
  ProposeNext(lock);
}

// --- Writing and answering ---

void Appender::Begin(std::shared_ptr<CommitBatch> committed, const std::shared_ptr<const BatchPayload>& payload) {
  const bool grew = committed->next.size() > state_.size();
  state_ = committed->next;
  pending_ = std::move(committed->rows);
  {
    const std::lock_guard lock(mutex_);
    writing_ = true;
  }
  writer_.Begin(pending_, grew, [this, committed = std::move(committed), payload](const Status& status) {
    OnWritten(status, *committed, *payload);
    std::unique_lock lock(mutex_);
    writing_ = false;
    ProposeNext(lock);
  });
}

void Appender::OnWritten(const Status& status, const CommitBatch& committed, const BatchPayload& payload) {
  write_failure_ = status;
  if (absl::IsResourceExhausted(status)) {
    options_.log(Text("an append was refused: ", MessageOf(status)));
    {
      const std::lock_guard lock(mutex_);
      resume_needed_ = true;
    }
    Refuse(payload, status);
    return;
  }
  if (!status.ok()) {
    Fail(status);
    Refuse(payload, absl::UnavailableError(Text("outcome unknown: ", MessageOf(status))));
    return;
  }
  written_ = committed.next;
  Publish();
  const uint64_t size = written_.size().value;
  for (size_t i = 0; i < payload.submissions().size(); ++i) {
    payload.submissions()[i]->answer(ResultOf(committed.verdicts[i]), size);
  }
  events_.answered(written_.size());
}

void Appender::Refuse(const BatchPayload& payload, const Status& status) const {
  for (const auto& submission : payload.submissions()) submission->refuse(status);
}

void Appender::Fail(const Status& status) {
  options_.log(Text("appends stop: ", status.ToString(), "; reads go on; open the ledger again"));
  events_.failed(status);
  std::deque<std::unique_ptr<Submission>> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
    waiting.swap(queue_);
    queued_events_ = 0;
  }
  for (const auto& submission : waiting) submission->refuse(AppendsAreRefused(status));
}

void Appender::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (admission_ != nullptr) admission_->Stop();
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return queue_.empty() && !applying_ && !writing_; });
  }
  if (sequencer_ != nullptr) sequencer_->Stop();
}

}  // namespace anamnesis
