#include "ledger/engine/ledger.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>

#include "ledger/base/limits.h"
#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/appender.h"
#include "ledger/engine/authority_rows.h"
#include "ledger/engine/backup.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/engine/checkpointer.h"
#include "ledger/engine/copying_marker.h"
#include "ledger/engine/fork_keeper.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/no_rows.h"
#include "ledger/engine/purger.h"
#include "ledger/engine/read_waits.h"
#include "ledger/engine/rebuild.h"
#include "ledger/engine/receipt.h"
#include "ledger/engine/receipts.h"
#include "ledger/engine/stored_state.h"
#include "ledger/event/refusal.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/merkle/proof.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/state/authority.h"
#include "ledger/state/event_list.h"
#include "ledger/state/projection_damage.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/stream.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

// A stream's head among the first `size` leaves; there may be more, which are not settled yet.
StatusOr<internal::StreamHead> FindStreamHeadAt(const RowReader& rows, const std::string& stream, TreeSize size) {
  ASSIGN_OR_RETURN(internal::StreamHead head, FindStreamHead(rows, stream));
  uint64_t beyond = 0;
  std::optional<LeafIndex> last;
  RETURN_IF_ERROR(VisitList(rows, Family::kStreamEvents, stream, LeafIndex(UINT64_MAX), true, TreeSize(UINT64_MAX),
                            [&](LeafIndex index) {
                              if (index.value < size.value) last = index;
                              beyond += last.has_value() ? 0 : 1;
                              return !last.has_value();
                            }));
  if (beyond == 0) return head;
  if (!last.has_value()) return FindStreamHead(NoRows(), stream);
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows, *last));
  head.set_position(event.header.position().value);
  head.set_digest(event.header.digest.bytes());
  return head;
}

// Tells of every failure.
class NotingView : public RowReader {
 public:
  using Note = std::function<void(const Status&)>;
  NotingView(std::unique_ptr<RowReader> rows, Note note) : rows_(std::move(rows)), note_(std::move(note)) {}

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    return Noted(rows_->Get(family, key));
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    return Noted(rows_->LastAtOrBefore(family, prefix, key));
  }
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    const Status scanned = rows_->Scan(family, prefix, from, visit);
    if (!scanned.ok()) note_(scanned);
    return scanned;
  }
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override {
    const Status scanned = rows_->ScanBackwards(family, prefix, from, visit);
    if (!scanned.ok()) note_(scanned);
    return scanned;
  }

 private:
  template <typename Found>
  StatusOr<Found> Noted(StatusOr<Found> found) const {
    if (!found.ok()) note_(found.status());
    return found;
  }

  const std::unique_ptr<RowReader> rows_;
  const Note note_;
};

}  // namespace

class Ledger::Impl {
 public:
  Impl(std::string dir, LedgerOptions options) : dir_(std::move(dir)), options_(std::move(options)) {}
  // While there still is an appender to ask.
  ~Impl() {
    if (waits_ != nullptr) waits_->Stop();
  }

  Status Open();

  Appender::Published published() const { return appender_->published(); }
  // What a read may speak of. UNAVAILABLE while nothing may be shown: a node that has just started doesn't know how
  // much of what it has a majority has, and "nothing is recorded" would be a wrong answer.
  StatusOr<TreeSize> Shown() const;
  // Passes a reader's result on, and takes note when the store turns out to be damaged.
  template <typename Result>
  Result Noted(Result result) const;
  // If `status` says that projections are damaged, the next open rebuilds them.
  void NoteDamage(const Status& status) const;
  // Finishes erasures as far as nothing waits for members that are behind.
  Status FinishErasuresOfBodies() {
    const Status finished = purger_->Finish();
    return absl::IsUnavailable(finished) ? OkStatus() : finished;
  }

  const std::string dir_;
  const LedgerOptions options_;
  mutable std::atomic<bool> damage_noted_ = false;
  std::string origin_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AuthorityRows> authority_;
  std::unique_ptr<Staging> staging_;
  std::unique_ptr<Checkpointer> checkpointer_;

  std::mutex listeners_mutex_;
  std::map<uint64_t, std::function<void(uint64_t)>> listeners_;
  uint64_t next_listener_ = 1;

  std::unique_ptr<ReadWaits> waits_;
  std::unique_ptr<Purger> purger_;
  std::unique_ptr<ForkKeeper> forks_;
  // Last, so that its threads end first.
  std::unique_ptr<Appender> appender_;

 private:
  void TellListeners(TreeSize size);
};

// --- Opening ---

Status Ledger::Impl::Open() {
  StoreOptions store_options;
  store_options.cache_bytes = options_.store_memory_bytes / 2;
  store_options.unflushed_bytes = options_.store_memory_bytes - store_options.cache_bytes;
  ASSIGN_OR_RETURN(store_, OpenStoreOf(dir_, store_options, options_.log));
  authority_ = std::make_unique<AuthorityRows>(*store_);
  ASSIGN_OR_RETURN(origin_, ReadOrigin(*store_, dir_));
  ASSIGN_OR_RETURN(const bool copying, CopyIsUnfinished(*store_));
  if (copying) {
    return absl::FailedPreconditionError(
        Text(dir_, " holds a copy of the ledger that isn't finished; start it as a node of its cluster"));
  }
  ASSIGN_OR_RETURN(LedgerState state, LoadState(*store_, origin_));
  RETURN_IF_ERROR(RebuildIfDue(*store_, dir_, state.size(), options_.log));
  ASSIGN_OR_RETURN(auto signers, CheckpointSigners::Open(*store_, dir_, origin_, *options_.clock));
  checkpointer_ = std::make_unique<Checkpointer>(*store_, std::move(signers), origin_, dir_);
  RETURN_IF_ERROR(checkpointer_->Load(state.size()));
  staging_ = std::make_unique<Staging>(*store_, options_.disk_reserve_bytes);
  std::unique_ptr<Sequencer> sequencer;
  if (options_.make_sequencer) {
    ASSIGN_OR_RETURN(sequencer, options_.make_sequencer(origin_, *staging_));
  } else {
    sequencer = MakeLocalSequencer();
  }
  purger_ = std::make_unique<Purger>(*store_, options_.log);
  forks_ = std::make_unique<ForkKeeper>(*store_, EvidencePath(dir_), options_.log);
  appender_ = std::make_unique<Appender>(
      *store_, std::move(state), options_, std::move(sequencer),
      Appender::Events{
          [this] { authority_->Changed(); }, [this](TreeSize size) { TellListeners(size); },
          [this] { purger_->Notify(); }, [this](const Status& status) { NoteDamage(status); },
          [this](const std::shared_ptr<const AdmittedRun>& run, const Status& why) { forks_->Refused(run, why); }});
  waits_ = std::make_unique<ReadWaits>([this] { return published().size.value; },
                                       [this](ReadWaits::Ready done) { appender_->Barrier(std::move(done)); });
  return appender_->Start();
}

void Ledger::Impl::TellListeners(TreeSize size) {
  const std::lock_guard lock(listeners_mutex_);
  for (const auto& [token, listener] : listeners_) listener(size.value);
  waits_->Grown();
}

StatusOr<TreeSize> Ledger::Impl::Shown() const {
  const TreeSize size = published().size;
  if (size.value > 0) return size;
  return absl::UnavailableError(
      Text("it isn't known yet what may be shown here: ", appender_->refusing(), "; ask another node, or retry"));
}

template <typename Result>
Result Ledger::Impl::Noted(Result result) const {
  if constexpr (std::is_same_v<Result, Status>) {
    NoteDamage(result);
  } else {
    NoteDamage(result.status());
  }
  return result;
}

void Ledger::Impl::NoteDamage(const Status& status) const {
  // Once is enough, and reads that meet it may be many.
  if (!IsProjectionDamage(status) || damage_noted_.exchange(true)) return;
  options_.log(Text(MessageOf(status), "; they will be rebuilt when the ledger is opened again"));
  const Status noted = WriteSmallFile(DamagedProjectionsPath(dir_), "");
  if (noted.ok()) return;
  options_.log(Text("that can't be noted: ", MessageOf(noted)));
  damage_noted_ = false;
}

// --- The front door ---

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::~Ledger() = default;

StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& dir, const LedgerOptions& options) {
  auto impl = std::make_unique<Impl>(dir, options);
  Status opened = impl->Open();
  if (IsProjectionDamage(opened)) {
    // Met before anything could be served, so they are rebuilt at once.
    impl->NoteDamage(opened);
    impl = std::make_unique<Impl>(dir, options);
    opened = impl->Open();
  }
  RETURN_IF_ERROR(opened);
  return std::unique_ptr<Ledger>(new Ledger(std::move(impl)));
}

void Ledger::AppendAsync(v1::Run run, AppendCallback callback) {
  impl_->appender_->Append(std::move(run), std::move(callback));
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
    AppendAsync(std::move(*request.mutable_runs(i)), [wait, i](v1::RunResult result, uint64_t tree_size) {
      const std::lock_guard lock(wait->mutex);
      wait->response.set_tree_size(std::max(wait->response.tree_size(), tree_size));
      *wait->response.mutable_results(i) = std::move(result);
      if (--wait->missing == 0) wait->done.notify_all();
    });
  }
  std::unique_lock lock(wait->mutex);
  wait->done.wait(lock, [&] { return wait->missing == 0; });
  return std::move(wait->response);
}

uint64_t Ledger::AwaitConsistency(const v1::Consistency& consistency, std::chrono::steady_clock::time_point deadline,
                                  Ready ready) {
  return impl_->waits_->Add(consistency, deadline, std::move(ready));
}

void Ledger::CancelAwait(uint64_t token) { impl_->waits_->Cancel(token); }

void Ledger::EndWaiting() { impl_->waits_->EndAll(); }

Status Ledger::Read(const v1::ReadRequest& request, const std::function<bool(v1::ReadResponse)>& on_read) const {
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  return impl_->Noted(ReadEvents(*impl_->store_->View(), size, request, on_read));
}

StatusOr<v1::Event> Ledger::GetEvent(const v1::GetEventRequest& request) const {
  if (request.which_case() == v1::GetEventRequest::WHICH_NOT_SET) {
    return absl::InvalidArgumentError("index: neither it nor event_id is set");
  }
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  const std::unique_ptr<RowReader> rows = impl_->store_->View();
  LeafIndex index(request.index());
  if (request.which_case() == v1::GetEventRequest::kEventId) {
    ASSIGN_OR_RETURN(const EventId id, EventId::FromBytes(request.event_id()));
    StatusOr<std::optional<LeafIndex>> found = impl_->Noted(FindEvent(*rows, id.view()));
    RETURN_IF_ERROR(found.status());
    if (!found->has_value()) return absl::NotFoundError(Text("no event ", id.text()));
    index = **found;
  }
  if (index.value >= size.value) {
    return absl::NotFoundError(Text("no event ", index.value, "; the ledger has ", size.value));
  }
  StatusOr<v1::Event> event = ReadEvent(*rows, index, true);
  if (event.ok()) event->set_tree_size(size.value);
  return event;
}

StatusOr<v1::StreamHead> Ledger::GetStreamHead(const v1::GetStreamHeadRequest& request) const {
  // The size first: the view then includes at least what it says.
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  StatusOr<internal::StreamHead> found = impl_->Noted(FindStreamHeadAt(*impl_->store_->View(), request.stream(), size));
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
  // The size first, as for a stream's head.
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  auto found = impl_->Noted(FindCredential(*impl_->authority_, request.public_key()));
  RETURN_IF_ERROR(found.status());
  if (!found->has_value()) {
    return absl::NotFoundError(Text("no credential was issued for key ", HexEncode(request.public_key())));
  }
  v1::Credential credential;
  credential.set_public_key(request.public_key());
  *credential.mutable_holder() = (*found)->holder();
  credential.set_issued_index((*found)->issued_index());
  if ((*found)->has_revoked_index()) credential.set_revoked_index((*found)->revoked_index());
  credential.set_tree_size(size.value);
  return credential;
}

StatusOr<AgentStanding> Ledger::FindStanding(const v1::Agent& agent) const {
  const Timestamp now = std::max(impl_->options_.clock->Now(), impl_->published().last_recorded);
  return impl_->Noted(anamnesis::FindStanding(*impl_->authority_, agent, now));
}

v1::LedgerStatus Ledger::GetStatus() const {
  const Appender::Published published = impl_->published();
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
  status.set_refusing_appends(impl_->appender_->refusing());
  return status;
}

StatusOr<v1::ConfigurationAnswer> Ledger::GetConfiguration(const v1::GetConfigurationRequest& request) const {
  // The size before the view, so that the view holds all of it.
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  StatusOr<v1::ConfigurationAnswer> answer =
      impl_->Noted(AnswerConfiguration(*impl_->store_->View(), impl_->origin_, size, request));
  if (answer.ok()) answer->set_tree_size(size.value);
  return answer;
}

Status Ledger::FinishErasures() { return impl_->purger_->Finish(); }

StatusOr<v1::CreateBackupResponse> Ledger::CreateBackup(const std::string& dir, const v1::CreateBackupRequest& request,
                                                        const std::function<bool()>& go_on) {
  // What is restored is held against it. Without a key that may sign it is the last one by a key that might.
  const Status signed_now = GetCheckpoint().status();
  if (!absl::IsFailedPrecondition(signed_now)) RETURN_IF_ERROR(signed_now);
  // Otherwise the new generation would hold what was erased.
  // While batches wait for a member a backup may hold what was erased, and says so.
  RETURN_IF_ERROR(impl_->FinishErasuresOfBodies());
  return anamnesis::CreateBackup({impl_->dir_, *impl_->store_, TreeSize(tree_size())}, dir, request.keep(), go_on);
}

StatusOr<v1::BackupList> Ledger::ListBackups(const std::string& dir) const {
  return anamnesis::ListBackups(dir, KnownErasures{*impl_->store_, TreeSize(tree_size())});
}

StatusOr<v1::BackupList> Ledger::DropBackups(const std::string& dir, const v1::DropBackupsRequest& request) {
  return anamnesis::DropBackups(dir, request, KnownErasures{*impl_->store_, TreeSize(tree_size())});
}

StatusOr<v1::Answer> Ledger::Ask(const v1::Question& asked) const {
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  v1::Question question = asked;
  if (question.has_gate() && !question.gate().has_at()) {
    const Timestamp now = std::max(impl_->options_.clock->Now(), impl_->published().last_recorded);
    *question.mutable_gate()->mutable_at() = ToProtoTime(now);
  }
  return impl_->Noted(anamnesis::Ask(*impl_->store_->View(), impl_->origin_, size, question, AskGate));
}

StatusOr<v1::Checkpoint> Ledger::GetCheckpoint() {
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  v1::Checkpoint checkpoint;
  ASSIGN_OR_RETURN(*checkpoint.mutable_note(), impl_->checkpointer_->Sign(size));
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(checkpoint.note()));
  ASSIGN_OR_RETURN(const Checkpoint parsed, ParseCheckpointText(note.text));
  checkpoint.set_tree_size(parsed.size.value);
  return checkpoint;
}

StatusOr<v1::Receipt> Ledger::GetReceipt(const v1::GetReceiptRequest& request) {
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  const LeafIndex index(request.index());
  if (index.value >= size.value) {
    return absl::NotFoundError(Text("index: no event ", index.value, "; the ledger has ", size.value));
  }
  const TreeSize asked(request.tree_size());
  if (asked.value != 0 && (asked > size || index.value >= asked.value)) {
    return absl::OutOfRangeError(Text("tree_size: ", asked.value, " is not above the index ", index.value,
                                      " and at most the ledger's size, ", size.value));
  }
  ASSIGN_OR_RETURN(std::string note, asked.value == 0 ? impl_->checkpointer_->Sign(size)
                                                      : impl_->checkpointer_->SignExactly(asked, size));
  return MakeReceipt(*impl_->store_->View(), index, std::move(note));
}

StatusOr<v1::GetReceiptsResponse> Ledger::GetReceipts(const v1::GetReceiptsRequest& request) {
  RETURN_IF_ERROR(CheckReceiptsRequest(request));
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  ASSIGN_OR_RETURN(const std::string note, impl_->checkpointer_->Sign(size));
  return impl_->Noted(MakeReceipts(*impl_->store_->View(), *impl_->checkpointer_, note, request));
}

StatusOr<v1::GetReceiptsResponse> Ledger::GetReceiptsUnder(const std::string& checkpoint_note,
                                                           const v1::GetReceiptsRequest& request) const {
  RETURN_IF_ERROR(CheckReceiptsRequest(request));
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> keys, impl_->checkpointer_->KnownKeys());
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(checkpoint_note, keys));
  if (checkpoint.size > size) {
    return absl::UnavailableError(
        Text("the checkpoint is over ", checkpoint.size.value, " events, here are ", size.value, "; retry later"));
  }
  return impl_->Noted(MakeReceipts(*impl_->store_->View(), *impl_->checkpointer_, checkpoint_note, request));
}

StatusOr<v1::ConsistencyProof> Ledger::GetConsistencyProof(const v1::GetConsistencyProofRequest& request) const {
  ASSIGN_OR_RETURN(const TreeSize size, impl_->Shown());
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
  proof.set_tree_size(size.value);
  return proof;
}

std::unique_ptr<RowReader> Ledger::View() const {
  return std::make_unique<NotingView>(impl_->store_->View(),
                                      [this](const Status& status) { impl_->NoteDamage(status); });
}

Status Ledger::Mend(const Rows& rows) {
  if (!std::any_of(rows.begin(), rows.end(), Erases)) return impl_->appender_->Mend(rows);
  // Noted with them, so that a crash leaves it to be done.
  Rows noted = rows;
  noted.push_back(NotePurged(0));
  RETURN_IF_ERROR(impl_->purger_->EraseAgain([&] { return impl_->appender_->Mend(noted); }));
  return impl_->FinishErasuresOfBodies();
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

void Ledger::LookAtTime() { impl_->appender_->LookAtTime(); }

void Ledger::StopAppends() { impl_->appender_->Stop(); }

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
