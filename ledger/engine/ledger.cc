#include "ledger/engine/ledger.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>

#include "anamnesis/internal/batch.pb.h"
#include "anamnesis/internal/state.pb.h"
#include "ledger/base/limits.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/admission.h"
#include "ledger/engine/checkpointer.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/rebuild.h"
#include "ledger/event/refusal.h"
#include "ledger/merkle/proof.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/sequencer/sequencer.h"
#include "ledger/state/authority.h"
#include "ledger/state/stream.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

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

 private:
  Batch batch_;
  std::vector<std::unique_ptr<Submission>> submissions_;
  size_t bytes_;
};

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

// Notices when the system clock moves otherwise than time does.
class StepDetector {
 public:
  // The step since the last call, in microseconds; 0 when there was none worth noticing. `last_recorded` stands in for
  // the last call after a start.
  int64_t Observe(Timestamp now, int64_t monotonic_us, Timestamp last_recorded) {
    int64_t step = 0;
    if (!started_) {
      // Only a clock behind the log is certain to be wrong: any time may have passed since.
      if (now.us < last_recorded.us - limits::kClockStepNoticedUs) step = now.us - last_recorded.us;
    } else {
      const int64_t elapsed = monotonic_us - monotonic_us_;
      const int64_t drift = (now.us - now_.us) - elapsed;
      // A disciplined clock is slewed by up to 0.05 %; twice that is no step.
      if (std::abs(drift) > limits::kClockStepNoticedUs + elapsed / 1000) step = drift;
    }
    started_ = true;
    now_ = now;
    monotonic_us_ = monotonic_us;
    return step;
  }

 private:
  bool started_ = false;
  Timestamp now_;
  int64_t monotonic_us_ = 0;
};

}  // namespace

class Ledger::Impl {
 public:
  Impl(std::string dir, LedgerOptions options) : dir_(std::move(dir)), options_(std::move(options)) {}
  ~Impl() { StopAppends(); }

  Status Open();
  void AppendAsync(v1::Run run, AppendCallback callback);
  void StopAppends();

  // A consistent view for readers: everything below the size is synced.
  struct Published {
    TreeSize size;
    Digest root;
    Timestamp last_recorded;
  };
  Published published() const {
    const std::lock_guard lock(published_mutex_);
    return published_;
  }
  std::string refusing() const {
    const std::lock_guard lock(queue_mutex_);
    return failure_.ok() ? (stopping_ ? "the ledger is stopping" : "") : std::string(MessageOf(failure_));
  }

  // Passes a reader's result on, and takes note when the store turns out to be damaged.
  template <typename Result>
  Result Noted(Result result) const;

  const std::string dir_;
  const LedgerOptions options_;
  std::string origin_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Checkpointer> checkpointer_;

  std::mutex listeners_mutex_;
  std::map<uint64_t, std::function<void(uint64_t)>> listeners_;
  uint64_t next_listener_ = 1;

 private:
  Status ReadIdentity();
  Status LoadState();
  Status RebuildIfDue();
  void Enqueue(std::unique_ptr<Submission> submission);
  void ProposeNext(std::unique_lock<std::mutex>& lock);
  Status CheckSpace(size_t bytes);
  Status OnOrdered(Revision revision, const BatchPayload& payload);
  Status Commit(Revision revision, const Batch& batch, CommitBatch& committed);
  void Publish();
  void Settle();
  void Fail(const Status& status);

  // Used by the applying thread only, after Open.
  LedgerState state_;
  StepDetector step_detector_;

  mutable std::mutex published_mutex_;
  Published published_;

  mutable std::mutex queue_mutex_;
  std::condition_variable idle_;
  // Guarded by queue_mutex_.
  std::deque<std::unique_ptr<Submission>> queue_;
  size_t unanswered_bytes_ = 0;
  bool in_flight_ = false;
  bool stopping_ = false;
  bool resume_needed_ = false;
  Status failure_;

  // Last, so that their threads end first.
  std::unique_ptr<Sequencer> sequencer_;
  std::unique_ptr<Admission> admission_;
};

// --- Opening ---

Status Ledger::Impl::ReadIdentity() {
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store_->Get(Family::kMeta, kIdentityKey));
  internal::LedgerIdentity identity;
  if (!row.has_value()) return absl::NotFoundError(Text("no ledger in ", dir_));
  if (!identity.ParseFromString(*row)) return absl::DataLossError("the ledger's identity is damaged");
  if (identity.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError(Text("the ledger in ", dir_, " has format ", identity.format_version(),
                                              "; this program reads up to ", kFormatVersion, ": upgrade it"));
  }
  origin_ = identity.origin();
  return OkStatus();
}

Status Ledger::Impl::LoadState() {
  state_.origin = origin_;
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store_->Get(Family::kMeta, kAppliedKey));
  if (!row.has_value()) return OkStatus();
  internal::AppliedState applied;
  if (!applied.ParseFromString(*row)) return absl::DataLossError("the applied state is damaged; run fsck");
  state_.revision = Revision(applied.revision());
  state_.last_recorded = Timestamp(applied.last_recorded_us());
  const StoredTiles tiles(*store_);
  ASSIGN_OR_RETURN(state_.frontier, Frontier::Load(tiles, TreeSize(applied.tree_size())));
  if (state_.frontier.Root().view() != applied.root()) {
    return absl::DataLossError("the stored tree doesn't have the root that was committed; run fsck");
  }
  return OkStatus();
}

Status Ledger::Impl::RebuildIfDue() {
  ASSIGN_OR_RETURN(const bool begun, RebuildIsDue(*store_));
  const std::string marker = DamagedProjectionsPath(dir_);
  const bool damaged = std::filesystem::exists(marker);
  if (!begun && !damaged) return OkStatus();
  options_.log(Text("projections are ", damaged ? "damaged" : "incomplete", "; rebuilding them from ",
                    state_.size().value, " events"));
  RETURN_IF_ERROR(RebuildProjections(*store_, state_.size(), [&](uint64_t done) {
    options_.log(Text("rebuilt the projections of ", done, " of ", state_.size().value, " events"));
  }));
  std::error_code ignored;
  std::filesystem::remove(marker, ignored);
  return OkStatus();
}

Status Ledger::Impl::Open() {
  StoreOptions store_options;
  store_options.cache_bytes = options_.cache_bytes;
  ASSIGN_OR_RETURN(store_, OpenRocksStore(DatabasePath(dir_), store_options));
  RETURN_IF_ERROR(ReadIdentity());
  RETURN_IF_ERROR(LoadState());
  RETURN_IF_ERROR(RebuildIfDue());
  ASSIGN_OR_RETURN(NamedKey key, ReadKeyFile(CheckpointKeyPath(dir_)));
  if (key.name != origin_) {
    return absl::FailedPreconditionError(
        Text(CheckpointKeyPath(dir_), " is the key of \"", key.name, "\", the ledger is \"", origin_, "\""));
  }
  checkpointer_ = std::make_unique<Checkpointer>(*store_, std::move(key), CheckpointPath(dir_));
  RETURN_IF_ERROR(checkpointer_->Load(state_.size()));
  Publish();
  sequencer_ = MakeLocalSequencer();
  RETURN_IF_ERROR(
      sequencer_->Start(state_.revision, [this](Revision revision, const std::shared_ptr<const Payload>& payload) {
        return OnOrdered(revision, static_cast<const BatchPayload&>(*payload));
      }));
  admission_ = std::make_unique<Admission>(origin_, options_.admission_threads,
                                           [this](auto submission) { Enqueue(std::move(submission)); });
  return OkStatus();
}

// --- Appending ---

void Ledger::Impl::AppendAsync(v1::Run run, AppendCallback callback) {
  auto submission = std::make_unique<Submission>();
  submission->bytes = RunBytes(run);
  Status refused;
  {
    const std::lock_guard lock(queue_mutex_);
    if (!failure_.ok()) {
      refused = absl::UnavailableError(Text("appends are refused: ", MessageOf(failure_)));
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
                                                                                         uint64_t size) {
    {
      const std::lock_guard lock(queue_mutex_);
      unanswered_bytes_ -= bytes;
    }
    callback(std::move(result), size);
  };
  submission->refuse = [this, answer = submission->answer](const Status& status) {
    answer(Refused(status), published().size.value);
  };
  admission_->Submit(std::move(submission));
}

void Ledger::Impl::Enqueue(std::unique_ptr<Submission> submission) {
  std::unique_lock lock(queue_mutex_);
  if (!failure_.ok()) {
    const Status failure = absl::UnavailableError(Text("appends are refused: ", MessageOf(failure_)));
    lock.unlock();
    submission->refuse(failure);
    return;
  }
  queue_.push_back(std::move(submission));
  // Idle: at once. Busy: gathers until the batch in flight is done.
  if (!in_flight_) ProposeNext(lock);
}

Status Ledger::Impl::CheckSpace(size_t bytes) {
  const uint64_t free = store_->FreeBytes();
  // A batch is written about four times until it has settled: log, tables, indices, compaction.
  const uint64_t needed = options_.disk_reserve_bytes + 4 * bytes;
  if (free < needed) {
    return absl::ResourceExhaustedError(Text("disk full: ", free >> 20, " MiB are free where the ledger is, ",
                                             (needed >> 20) + 1,
                                             " MiB are needed; nothing was written, retry when there is space"));
  }
  if (resume_needed_) {
    RETURN_IF_ERROR(WithContext(store_->TryResume(), "the store can't be written yet"));
    resume_needed_ = false;
  }
  return OkStatus();
}

void Ledger::Impl::ProposeNext(std::unique_lock<std::mutex>& lock) {
  while (!queue_.empty() && !in_flight_) {
    Batch batch;
    std::vector<std::unique_ptr<Submission>> submissions;
    size_t bytes = 0;
    size_t events = 0;
    while (!queue_.empty() && (submissions.empty() || (bytes + queue_.front()->bytes <= limits::kBatchBytesMax &&
                                                       events < limits::kBatchEventsMax))) {
      bytes += queue_.front()->bytes;
      events += queue_.front()->admitted->events.size();
      batch.runs.push_back(queue_.front()->admitted);
      submissions.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    in_flight_ = true;
    Status proposed = CheckSpace(bytes);
    if (proposed.ok()) {
      batch.proposed = options_.clock->Now();
      batch.clock_step_us =
          step_detector_.Observe(batch.proposed, options_.clock->MonotonicUs(), published().last_recorded);
      if (batch.clock_step_us != 0) {
        options_.log(Text("the system clock stepped by ", batch.clock_step_us, " us; recorded times go on increasing"));
      }
      auto payload = std::make_shared<const BatchPayload>(std::move(batch), std::move(submissions), bytes);
      proposed = sequencer_->Submit(payload);
      if (proposed.ok()) return;
      lock.unlock();
      for (const auto& submission : payload->submissions()) submission->refuse(proposed);
    } else {
      lock.unlock();
      for (const auto& submission : submissions) submission->refuse(proposed);
    }
    lock.lock();
    in_flight_ = false;
  }
  if (queue_.empty() && !in_flight_) idle_.notify_all();
}

Status Ledger::Impl::Commit(Revision revision, const Batch& batch, CommitBatch& committed) {
  ASSIGN_OR_RETURN(committed, Apply(state_, *store_->View(), revision, batch));
  const bool grew = committed.next.size() > state_.size();
  return store_->Write(committed.rows, grew);
}

Status Ledger::Impl::OnOrdered(Revision revision, const BatchPayload& payload) {
  CommitBatch committed;
  const Status status = Commit(revision, payload.batch(), committed);
  if (absl::IsResourceExhausted(status)) {
    options_.log(Text("an append was refused: ", MessageOf(status)));
    for (const auto& submission : payload.submissions()) submission->refuse(status);
    {
      const std::lock_guard lock(queue_mutex_);
      resume_needed_ = true;
    }
    Settle();
    return status;
  }
  if (!status.ok()) {
    Fail(status);
    const Status unknown = absl::UnavailableError(Text("outcome unknown: ", MessageOf(status)));
    for (const auto& submission : payload.submissions()) submission->refuse(unknown);
    Settle();
    return status;
  }
  state_ = std::move(committed.next);
  Publish();
  const uint64_t size = state_.size().value;
  for (size_t i = 0; i < payload.submissions().size(); ++i) {
    payload.submissions()[i]->answer(ResultOf(committed.verdicts[i]), size);
  }
  {
    const std::lock_guard lock(listeners_mutex_);
    for (const auto& [token, listener] : listeners_) listener(size);
  }
  Settle();
  return OkStatus();
}

void Ledger::Impl::Publish() {
  const std::lock_guard lock(published_mutex_);
  published_ = {state_.size(), state_.frontier.Root(), state_.last_recorded};
}

void Ledger::Impl::Settle() {
  std::unique_lock lock(queue_mutex_);
  in_flight_ = false;
  ProposeNext(lock);
}

void Ledger::Impl::Fail(const Status& status) {
  options_.log(Text("appends stop: ", status.ToString(), "; reads go on; open the ledger again"));
  (void)Noted(status);
  std::deque<std::unique_ptr<Submission>> waiting;
  {
    const std::lock_guard lock(queue_mutex_);
    if (failure_.ok()) failure_ = status;
    waiting.swap(queue_);
  }
  const Status refused = absl::UnavailableError(Text("appends are refused: ", MessageOf(status)));
  for (const auto& submission : waiting) submission->refuse(refused);
}

void Ledger::Impl::StopAppends() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  if (admission_ != nullptr) admission_->Stop();
  {
    std::unique_lock lock(queue_mutex_);
    idle_.wait(lock, [this] { return queue_.empty() && !in_flight_; });
  }
  if (sequencer_ != nullptr) sequencer_->Stop();
}

template <typename Result>
Result Ledger::Impl::Noted(Result result) const {
  absl::Status status;
  if constexpr (std::is_same_v<Result, Status>) {
    status = result;
  } else {
    status = result.status();
  }
  if (absl::IsDataLoss(status) && MessageOf(status).find("rebuild the projections") != std::string_view::npos) {
    options_.log(Text(MessageOf(status), "; they will be rebuilt when the ledger is opened again"));
    (void)WriteSmallFile(DamagedProjectionsPath(dir_), "");
  }
  return result;
}

// --- The front door ---

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::~Ledger() = default;

StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& dir, const LedgerOptions& options) {
  auto impl = std::make_unique<Impl>(dir, options);
  RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<Ledger>(new Ledger(std::move(impl)));
}

void Ledger::AppendAsync(v1::Run run, AppendCallback callback) {
  impl_->AppendAsync(std::move(run), std::move(callback));
}

StatusOr<v1::AppendResponse> Ledger::Append(v1::AppendRequest request) {
  RETURN_IF_ERROR(CheckAppendRequest(request));
  // Shared with the callbacks, which may outlive a wait that was cut short by nothing but their own end.
  struct Wait {
    std::mutex mutex;
    std::condition_variable done;
    v1::AppendResponse response;
    int missing = 0;
  };
  auto wait = std::make_shared<Wait>();
  wait->missing = request.runs_size();
  for (int i = 0; i < request.runs_size(); ++i) wait->response.add_results();
  for (int i = 0; i < request.runs_size(); ++i) {
    AppendAsync(std::move(*request.mutable_runs(i)), [wait, i](v1::RunResult result, uint64_t) {
      const std::lock_guard lock(wait->mutex);
      *wait->response.mutable_results(i) = std::move(result);
      if (--wait->missing == 0) wait->done.notify_all();
    });
  }
  std::unique_lock lock(wait->mutex);
  wait->done.wait(lock, [&] { return wait->missing == 0; });
  return std::move(wait->response);
}

Status Ledger::Read(const v1::ReadRequest& request, const std::function<bool(v1::ReadResponse)>& on_read) const {
  return impl_->Noted(ReadEvents(*impl_->store_->View(), impl_->published().size, request, on_read));
}

StatusOr<v1::Event> Ledger::GetEvent(const v1::GetEventRequest& request) const {
  const std::unique_ptr<RowReader> rows = impl_->store_->View();
  LeafIndex index(request.index());
  if (request.which_case() == v1::GetEventRequest::kEventId) {
    ASSIGN_OR_RETURN(const EventId id, EventId::FromBytes(request.event_id()));
    StatusOr<std::optional<LeafIndex>> found = impl_->Noted(FindEvent(*rows, id.view()));
    RETURN_IF_ERROR(found.status());
    if (!found->has_value()) return absl::NotFoundError(Text("no event ", id.text()));
    index = **found;
  }
  const TreeSize size = impl_->published().size;
  if (index.value >= size.value) {
    return absl::NotFoundError(Text("no event ", index.value, "; the ledger has ", size.value));
  }
  return ReadEvent(*rows, index, true);
}

StatusOr<v1::StreamHead> Ledger::GetStreamHead(const v1::GetStreamHeadRequest& request) const {
  // The size first: the head then includes at least what it says.
  const TreeSize size = impl_->published().size;
  StatusOr<internal::StreamHead> found = impl_->Noted(FindStreamHead(*impl_->store_, request.stream()));
  RETURN_IF_ERROR(found.status());
  v1::StreamHead head;
  head.set_stream(request.stream());
  head.set_position(found->position());
  head.set_digest(found->digest());
  if (found->has_writer()) *head.mutable_writer() = found->writer();
  head.set_tree_size(size.value);
  return head;
}

StatusOr<v1::Credential> Ledger::GetCredential(const v1::GetCredentialRequest& request) const {
  auto found = impl_->Noted(FindCredential(*impl_->store_, request.public_key()));
  RETURN_IF_ERROR(found.status());
  if (!found->has_value()) {
    return absl::NotFoundError(Text("no credential was issued for key ", HexEncode(request.public_key())));
  }
  v1::Credential credential;
  credential.set_public_key(request.public_key());
  *credential.mutable_holder() = (*found)->holder();
  credential.set_issued_index((*found)->issued_index());
  if ((*found)->has_revoked_index()) credential.set_revoked_index((*found)->revoked_index());
  return credential;
}

v1::LedgerStatus Ledger::GetStatus() const {
  const Impl::Published published = impl_->published();
  v1::LedgerStatus status;
  status.set_origin(impl_->origin_);
  status.set_tree_size(published.size.value);
  status.set_root(published.root.bytes());
  if (published.size.value > 0) *status.mutable_last_recorded() = ToProtoTime(published.last_recorded);
  status.set_verifier_key(impl_->checkpointer_->verifier_key().Format());
  status.set_format_version(kFormatVersion);
  status.set_run_events_max(limits::kRunEventsMax);
  status.set_run_bytes_max(limits::kRunBytesMax);
  status.set_header_bytes_max(limits::kHeaderBytesMax);
  status.set_body_bytes_max(limits::kBodyBytesMax);
  status.set_refusing_appends(impl_->refusing());
  return status;
}

StatusOr<v1::ConfigurationAnswer> Ledger::GetConfiguration(const v1::GetConfigurationRequest& request) const {
  // The size before the view, so that the view holds all of it.
  const TreeSize size = impl_->published().size;
  return impl_->Noted(AnswerConfiguration(*impl_->store_->View(), impl_->origin_, size, request));
}

StatusOr<v1::Checkpoint> Ledger::GetCheckpoint() {
  v1::Checkpoint checkpoint;
  ASSIGN_OR_RETURN(*checkpoint.mutable_note(), impl_->checkpointer_->Sign(impl_->published().size));
  return checkpoint;
}

StatusOr<v1::Receipt> Ledger::GetReceipt(const v1::GetReceiptRequest& request) {
  const TreeSize size = impl_->published().size;
  const LeafIndex index(request.index());
  if (index.value >= size.value) {
    return absl::NotFoundError(Text("index: no event ", index.value, "; the ledger has ", size.value));
  }
  TlogProof proof;
  proof.index = index;
  ASSIGN_OR_RETURN(proof.checkpoint_note, impl_->checkpointer_->Sign(size));
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(proof.checkpoint_note));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  if (index.value >= checkpoint.size.value) {
    return absl::UnavailableError("no checkpoint over this event could be signed yet; retry later");
  }
  const std::unique_ptr<RowReader> rows = impl_->store_->View();
  const StoredTiles tiles(*rows);
  const TileNodeReader nodes(tiles);
  ASSIGN_OR_RETURN(proof.hashes, InclusionProof(nodes, index, checkpoint.size));
  ASSIGN_OR_RETURN(v1::Event event, ReadEvent(*rows, index, true));
  v1::Receipt receipt;
  receipt.set_index(index.value);
  receipt.set_leaf(std::move(*event.mutable_leaf()));
  if (event.has_body()) *receipt.mutable_body() = std::move(*event.mutable_body());
  receipt.set_tlog_proof(FormatTlogProof(proof));
  return receipt;
}

StatusOr<v1::ConsistencyProof> Ledger::GetConsistencyProof(const v1::GetConsistencyProofRequest& request) const {
  const TreeSize size = impl_->published().size;
  if (request.from_size() == 0 || request.from_size() > request.to_size() || request.to_size() > size.value) {
    return absl::OutOfRangeError(Text("from_size, to_size: 0 < ", request.from_size(), " <= ", request.to_size(),
                                      " <= ", size.value, " must hold"));
  }
  const std::unique_ptr<RowReader> rows = impl_->store_->View();
  const StoredTiles tiles(*rows);
  const TileNodeReader nodes(tiles);
  ASSIGN_OR_RETURN(const std::vector<Digest> hashes,
                   ConsistencyProof(nodes, TreeSize(request.from_size()), TreeSize(request.to_size())));
  v1::ConsistencyProof proof;
  for (const Digest& hash : hashes) proof.add_hashes(hash.bytes());
  return proof;
}

uint64_t Ledger::tree_size() const { return impl_->published().size.value; }

uint64_t Ledger::AddListener(std::function<void(uint64_t)> listener) {
  const std::lock_guard lock(impl_->listeners_mutex_);
  const uint64_t token = impl_->next_listener_++;
  impl_->listeners_.emplace(token, std::move(listener));
  return token;
}

void Ledger::RemoveListener(uint64_t token) {
  const std::lock_guard lock(impl_->listeners_mutex_);
  impl_->listeners_.erase(token);
}

void Ledger::StopAppends() { impl_->StopAppends(); }

Status CheckAppendRequest(const v1::AppendRequest& request) {
  if (static_cast<size_t>(request.runs_size()) > limits::kRequestRunsMax) {
    return RefuseOverLimit("runs", limits::kRequestRunsMax, static_cast<uint64_t>(request.runs_size()));
  }
  size_t bytes = 0;
  for (const v1::Run& run : request.runs()) bytes += RunBytes(run);
  if (bytes > limits::kRequestBytesMax) return RefuseOverLimit("runs", limits::kRequestBytesMax, bytes);
  return OkStatus();
}

}  // namespace anamnesis
