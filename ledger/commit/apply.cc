#include "ledger/commit/apply.h"

#include <algorithm>
#include <utility>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/commit/roll_digest.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/leaf.h"
#include "ledger/event/refusal.h"
#include "ledger/gate/decide.h"
#include "ledger/gate/standing_check.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/rules/check_run.h"
#include "ledger/state/erasures.h"
#include "ledger/state/merged_rows.h"
#include "ledger/state/policies.h"
#include "ledger/state/project.h"
#include "ledger/state/refused_attempts.h"
#include "ledger/state/remembered_rows.h"
#include "ledger/state/standing_rows.h"
#include "ledger/state/standing_times.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

constexpr std::string_view kEventIdDomain("anamnesis.ledger-event.v1\0", 26);
constexpr std::string_view kNonceDomain("anamnesis.ledger-nonce.v1\0", 26);

constexpr size_t kAttemptMessageBytesMax = 1024;

// The nearest time that events may name: a broken clock must not stop the ledger.
Timestamp InRange(Timestamp time) { return std::clamp(time, kTimestampMin, Timestamp(kTimestampLimit.us - 1)); }

// What the batch has for the standing check. Times that come while it is applied count: each event is recorded a
// microsecond after the one before at the latest, and the ledger has one more to say of each at most.
StandingOutlook OutlookOf(const LedgerState& state, const Batch& batch) {
  StandingOutlook outlook;
  outlook.size = state.size();
  outlook.since = state.last_recorded;
  outlook.until = std::max(InRange(batch.proposed), state.last_recorded);
  outlook.until.us += static_cast<int64_t>(2 + batch.own_events.size());
  for (const auto& run : batch.runs) outlook.until.us += static_cast<int64_t>(2 * run->events.size());
  for (const std::shared_ptr<const AdmittedRun>& run : batch.runs) {
    for (const AdmittedEvent& event : run->events) {
      if (!CanChangeDecisions(event.header.fields, *event.type)) continue;
      outlook.has_cause = true;
      outlook.activates_artifact |= ActivatesArtifact(event.header.fields, *event.type);
      outlook.adopts_policy |= event.type->body == v1::PolicyAdopted::descriptor();
    }
  }
  return outlook;
}

// When time alone next changes what runs; nullopt where nothing adapted ever ran.
StatusOr<std::optional<Timestamp>> NextTime(const RowFinder& rows, Timestamp after, TreeSize size) {
  ASSIGN_OR_RETURN(const bool any_unit, AnyStandingUnit(rows));
  if (!any_unit) return std::optional<Timestamp>();
  return NextStandingTime(rows, after, size);
}

void PutApplied(const LedgerState& state, const Digest& root, RowOverlay& rows) {
  internal::AppliedState applied;
  applied.set_revision(state.revision.value);
  applied.set_tree_size(state.size().value);
  applied.set_root(root.bytes());
  applied.set_last_recorded_us(state.last_recorded.us);
  applied.set_state_digest(state.digest.digest.bytes());
  applied.set_digest_revision(state.digest.revision.value);
  rows.PutUnread(Family::kMeta, std::string(kAppliedKey), applied.SerializeAsString());
}

bool AsksGate(const AdmittedRun& run) {
  return std::any_of(run.events.begin(), run.events.end(),
                     [](const AdmittedEvent& event) { return event.type->body == v1::GateRequested::descriptor(); });
}

// Works through one batch.
class Application {
 public:
  Application(const LedgerState& state, const RowFinder& rows, const RowReader* stored, Timestamp proposed)
      : state_(state),
        before_(rows),
        size_before_(state.size()),
        remembered_(rows),
        rows_(std::make_unique<RowOverlay>(remembered_)),
        stored_(stored),
        proposed_(InRange(proposed)) {}

  Status AppendOwnEvent(const OwnEvent& own);
  Status NoteClockStep(int64_t step_us);
  StatusOr<RunVerdict> ApplyRun(const AdmittedRun& run);
  Status HoldAgainstGate(Timestamp since);
  bool recorded_own() const { return recorded_own_; }
  void Keep(const BatchName& name, const std::optional<std::string>& note);
  StatusOr<CommitBatch> Finish(Revision revision, bool changes, std::vector<RunVerdict> verdicts);

 private:
  // The time up to which this batch holds what runs against the gate.
  Timestamp Now() const { return std::max(proposed_, state_.last_recorded); }
  Status CheckUntil(Timestamp since, Timestamp now);
  Timestamp NextRecorded() const { return std::max(proposed_, Timestamp(state_.last_recorded.us + 1)); }
  // An event put into the rows that is no leaf of the tree yet.
  struct PutEvent {
    Digest leaf;
    Timestamp recorded;
    bool erases = false;
  };
  StatusOr<PutEvent> Put(const RecordedEvent& event, std::string_view header, const v1::Body& body,
                         const std::optional<SealView>& seal, const std::vector<BrokenRule>* broken);
  void Grow(const PutEvent& put);
  bool Erase(const RecordedEvent& event);
  StatusOr<RunVerdict> RecordRun(const AdmittedRun& run);
  Status NoteAttempt(const AdmittedRun& run, const Status& refusal);
  Status DecideRequests(const AdmittedRun& run, const RunVerdict& verdict);
  StatusOr<RunVerdict> Existing(const AlreadyRecorded& indexes) const;
  Status CheckSeen(const v1::EventHeader& header, TreeSize& seen_in_run);

  LedgerState state_;
  const RowFinder& before_;
  const TreeSize size_before_;
  // The last of the roots that were asked for: events mostly name the same.
  TreeSize seen_size_;
  Digest seen_root_;
  const RememberedRows remembered_;
  std::unique_ptr<RowOverlay> rows_;
  // What `rows_` is in front of, where a run asks the gate.
  const RowReader* stored_;
  Timestamp proposed_;
  bool erased_ = false;
  bool recorded_own_ = false;
  bool work_left_ = false;
  // Leaves of writers that a rule of the gate reads.
  std::vector<LeafIndex> causes_;
};

StatusOr<Application::PutEvent> Application::Put(const RecordedEvent& event, std::string_view header,
                                                 const v1::Body& body, const std::optional<SealView>& seal,
                                                 const std::vector<BrokenRule>* broken) {
  std::string leaf = EncodeLeaf(event.recorded, header, seal);
  PutEvent put{LeafHash(leaf), event.recorded};
  // Readable at once: a later event of the batch may correct this one.
  rows_->Put(Family::kLeaves, LeafKey(event.index), std::move(leaf));
  rows_->Put(Family::kBodies, LeafKey(event.index), body.nonce() + body.content());
  RETURN_IF_ERROR(Project(event, *rows_, broken));
  put.erases = Erase(event);
  return put;
}

void Application::Grow(const PutEvent& put) {
  state_.frontier.Append(put.leaf);
  state_.last_recorded = put.recorded;
  erased_ |= put.erases;
}

bool Application::Erase(const RecordedEvent& event) {
  const std::vector<LeafIndex> erased = ErasedBy(event);
  if (erased.empty()) return false;
  for (const LeafIndex index : erased) rows_->Put(Family::kBodies, LeafKey(index), "");
  std::string next;
  AppendBigEndian64(next, event.index.value + 1);
  rows_->Put(Family::kMeta, std::string(kErasedKey), std::move(next));
  return true;
}

StatusOr<RunVerdict> Application::Existing(const AlreadyRecorded& indexes) const {
  RunVerdict verdict;
  verdict.already_recorded = true;
  for (LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(*rows_, index));
    verdict.indexes.push_back(index);
    verdict.recorded.push_back(event.recorded);
  }
  return verdict;
}

StatusOr<RunVerdict> Application::ApplyRun(const AdmittedRun& run) {
  rows_->Mark();
  StatusOr<RunVerdict> verdict = RecordRun(run);
  if (verdict.ok()) {
    rows_->Keep();
    if (!verdict->already_recorded) RETURN_IF_ERROR(DecideRequests(run, *verdict));
    return verdict;
  }
  if (!RefusalDetailOf(verdict.status()).has_value()) return verdict.status();
  rows_->TakeBack();
  RETURN_IF_ERROR(NoteAttempt(run, verdict.status()));
  RunVerdict refused;
  refused.status = verdict.status();
  return refused;
}

// A checkpoint bounds the recorded time from below, so it must be one that this ledger can have signed: over leaves
// from before the batch, which are all that can be settled yet. Roots cost reads that everybody waits for, so a run
// names one; `seen_in_run` is the one that events before it in the run name, or 0.
Status Application::CheckSeen(const v1::EventHeader& header, TreeSize& seen_in_run) {
  const TreeSize size(header.seen_tree_size());
  if (size.value == 0) return OkStatus();
  if (size > size_before_) {
    return Refuse(v1::REFERENCE_INVALID, "header.seen_tree_size",
                  Text("is ", size.value, ", and no checkpoint of this ledger can be over more than ",
                       size_before_.value, " events yet; name one that was verified, or none"));
  }
  if (seen_in_run.value != 0 && size != seen_in_run) {
    return Refuse(v1::REFERENCE_INVALID, "header.seen_tree_size",
                  Text("is ", size.value, ", and an event before it in the run names ", seen_in_run.value,
                       "; a run names one checkpoint: seal the event in a run of its own"));
  }
  seen_in_run = size;
  if (size != seen_size_) {
    const StoredTiles tiles(before_);
    ASSIGN_OR_RETURN(seen_root_, RootAt(TileNodeReader(tiles), size));
    seen_size_ = size;
  }
  if (header.seen_root() == seen_root_.view()) return OkStatus();
  return Refuse(
      v1::REFERENCE_INVALID, "header.seen_root",
      Text("is ", HexEncode(header.seen_root()), ", the root over the first ", size.value, " events is ",
           seen_root_.hex(),
           "; a checkpoint that says otherwise is forged, another ledger's, or from before this one was restored "
           "from a backup and lost the end of its log: keep it"));
}

// Puts the run's events into the rows as they are checked, and then into the tree: the tree has nothing of a run that
// is refused.
StatusOr<RunVerdict> Application::RecordRun(const AdmittedRun& run) {
  RunCheck check(run, *rows_, state_.size());
  const Timestamp first = NextRecorded();
  ASSIGN_OR_RETURN(const std::optional<AlreadyRecorded> existing, check.Begin(first));
  if (existing.has_value()) return Existing(*existing);
  RunVerdict verdict;
  std::vector<PutEvent> put;
  TreeSize seen;
  const size_t count = run.events.size();
  put.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const AdmittedEvent& admitted = run.events[i];
    const RecordedEvent event{LeafIndex(state_.size().value + i), Timestamp(first.us + static_cast<int64_t>(i)),
                              &admitted.header, admitted.type, admitted.body.get()};
    RETURN_IF_ERROR(AtPlace(CheckSeen(admitted.header.fields, seen), 0, i));
    ASSIGN_OR_RETURN(const std::vector<BrokenRule> broken, check.Check(event));
    std::optional<SealView> seal;
    if (i + 1 == count) seal = SealView{run.run.seal().statement(), run.run.seal().signature()};
    const int place = static_cast<int>(i);
    ASSIGN_OR_RETURN(put.emplace_back(), Put(event, run.run.headers(place), run.run.bodies(place), seal, &broken));
    verdict.indexes.push_back(event.index);
    verdict.recorded.push_back(event.recorded);
    for (const BrokenRule& rule : broken) {
      v1::EventFinding& finding = verdict.findings.emplace_back();
      finding.set_event_index(static_cast<uint32_t>(i));
      *finding.mutable_finding() = rule.finding;
    }
  }
  for (size_t i = 0; i < count; ++i) {
    Grow(put[i]);
    if (CanChangeDecisions(run.events[i].header.fields, *run.events[i].type)) causes_.push_back(verdict.indexes[i]);
  }
  return verdict;
}

// The ledger's answers come right after the run, in the order of its requests, over all leaves before them.
Status Application::DecideRequests(const AdmittedRun& run, const RunVerdict& verdict) {
  if (!AsksGate(run)) return OkStatus();
  CHECK(stored_ != nullptr);
  for (size_t i = 0; i < run.events.size(); ++i) {
    const auto* asked = BodyAs<v1::GateRequested>(run.events[i].body.get());
    if (asked == nullptr) continue;
    const v1::EventHeader& header = run.events[i].header.fields;
    const GateRequest request = RequestOf(header, *asked, verdict.recorded[i]);
    const MergedRows rows(*rows_, *stored_);
    Facts facts(rows, state_.size());
    ASSIGN_OR_RETURN(const v1::GateDecided decision, Decide(facts, request));
    ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy, PolicyInForce(*rows_, v1::PolicyAdopted::GATE));
    RETURN_IF_ERROR(AppendOwnEvent({"gate.decided", decision.SerializeAsString(),
                                    DecisionReferences(run.events[i].header.event_id.text(), request,
                                                       policy.has_value() ? &policy->name : nullptr)}));
  }
  return OkStatus();
}

// The ledger's own records about what runs come after all runs of the batch, over all leaves before them. Recording
// them takes time too: what comes meanwhile is looked at before the batch ends, since the next one begins after it.
Status Application::HoldAgainstGate(Timestamp since) {
  CHECK(stored_ != nullptr);
  while (true) {
    const Timestamp now = Now();
    RETURN_IF_ERROR(CheckUntil(since, now));
    ASSIGN_OR_RETURN(const std::optional<Timestamp> next, NextStandingTime(*rows_, now, state_.size()));
    if (!next.has_value() || *next > state_.last_recorded) break;
    since = now;
  }
  ASSIGN_OR_RETURN(const std::optional<internal::StandingWork> work, StandingWorkOf(*rows_));
  work_left_ = work.has_value() && work->tasks_size() > 0;
  return OkStatus();
}

Status Application::CheckUntil(Timestamp since, Timestamp now) {
  StandingBatch batch;
  batch.causes = std::exchange(causes_, {});
  batch.since = since;
  batch.now = now;
  batch.id_at = [this](LeafIndex index) { return LedgerEventId(state_.origin, index).text(); };
  std::vector<StandingRecord> records;
  {
    const MergedRows rows(*rows_, *stored_);
    ASSIGN_OR_RETURN(records, CheckStanding(rows, state_.size(), batch));
  }
  for (StandingRecord& record : records) {
    RETURN_IF_ERROR(AppendOwnEvent({std::move(record.type), std::move(record.content), std::move(record.refs)}));
    recorded_own_ = true;
  }
  return OkStatus();
}

// Attempts that failed for want of authority are part of the record (21 CFR 11.300(d)).
Status Application::NoteAttempt(const AdmittedRun& run, const Status& refusal) {
  if (state_.size().value == 0) return OkStatus();
  const v1::RefusalDetail detail = RefusalDetailOf(refusal).value_or(v1::RefusalDetail());
  const bool of_signature = detail.reason() == v1::KEY_UNKNOWN || detail.reason() == v1::KEY_NOT_VALID ||
                            detail.reason() == v1::SIGNATURE_INCOMPLETE;
  const bool of_access = detail.reason() == v1::NOT_THE_WRITER || detail.reason() == v1::ROLE_MISSING ||
                         detail.reason() == v1::OUT_OF_SCOPE || detail.reason() == v1::ENTITY_TAKEN;
  if (!of_signature && !of_access) return OkStatus();
  ASSIGN_OR_RETURN(const bool record,
                   AttemptIsToBeRecorded(*rows_, detail.reason(), run.seal.key.view(), NextRecorded()));
  if (!record) return OkStatus();
  const AdmittedEvent& event = run.events[std::min<size_t>(detail.event_index(), run.events.size() - 1)];
  const auto describe = [&](auto& content) {
    content.set_attempted_type(event.type->name());
    content.set_attempted_stream(run.stream());
    content.set_reason(v1::RefusalReason_Name(detail.reason()));
    content.set_rule_id(detail.rule());
    content.set_message(Utf8Prefix(MessageOf(refusal), kAttemptMessageBytesMax));
    content.set_attempted_header_digest(event.header.digest.bytes());
    content.set_key_id(std::string(run.seal.key.view()));
    return content.SerializeAsString();
  };
  OwnEvent own;
  v1::SignatureAttemptFailed failed;
  v1::AccessDenied denied;
  own.type = of_signature ? "signature.attempt_failed" : "access.denied";
  own.content = of_signature ? describe(failed) : describe(denied);
  v1::EntityRef& who = own.refs.emplace_back();
  who.set_role("attempted_by");
  who.set_kind(event.header.fields.actor().kind());
  who.set_id(event.header.fields.actor().id());
  return AppendOwnEvent(own);
}

Status Application::AppendOwnEvent(const OwnEvent& own) {
  const LeafIndex index(state_.size().value);
  const EventId id = LedgerEventId(state_.origin, index);
  v1::Body body;
  body.set_nonce(LedgerEventNonce(id));
  body.set_content(own.content);

  ASSIGN_OR_RETURN(const internal::StreamHead head, FindStreamHead(*rows_, kLedgerStream));
  v1::EventHeader header;
  header.set_event_id(id.bytes());
  header.set_stream(std::string(kLedgerStream));
  header.set_stream_position(head.position() + 1);
  header.set_previous_header_digest(head.digest());
  header.set_type(own.type);
  header.set_schema_version(1);
  header.set_occurred_earliest_us(InRange(NextRecorded()).us);
  header.set_occurred_latest_us(InRange(NextRecorded()).us);
  header.mutable_actor()->set_kind("organisation");
  header.mutable_actor()->set_id("ledger");
  for (const v1::EntityRef& ref : own.refs) *header.add_refs() = ref;
  header.set_body_size(body.content().size());
  header.set_body_commitment(BodyCommitment(body.nonce(), body.content()).bytes());

  const std::string header_bytes = header.SerializeAsString();
  AdmittedEvent event;
  RETURN_IF_ERROR(ParseHeader(header_bytes, event.header));
  event.type = Vocabulary::Get().Find(header.type(), header.schema_version());
  if (event.type == nullptr || !event.type->options->ledger_decided()) {
    return absl::InvalidArgumentError(Text("the ledger decides no event of type \"", own.type, "\""));
  }
  ASSIGN_OR_RETURN(event.body, ParseBody(*event.type, body.content()));
  const RecordedEvent recorded{index, NextRecorded(), &event.header, event.type, event.body.get()};
  ASSIGN_OR_RETURN(const PutEvent put, Put(recorded, header_bytes, body, std::nullopt, nullptr));
  Grow(put);
  return OkStatus();
}

Status Application::NoteClockStep(int64_t step_us) {
  if (step_us == 0 || state_.size().value == 0) return OkStatus();
  v1::ClockAnomalyDetected content;
  content.set_proposed_us(proposed_.us);
  content.set_last_recorded_us(InRange(state_.last_recorded).us);
  content.set_step_us(step_us);
  return AppendOwnEvent({"clock.anomaly_detected", content.SerializeAsString()});
}

void Application::Keep(const BatchName& name, const std::optional<std::string>& note) {
  if (note.has_value()) rows_->PutUnread(Family::kMeta, std::string(kNoteKey), *note);
  if (name.session == 0) return;
  std::string number;
  AppendBigEndian64(number, name.number);
  rows_->PutUnread(Family::kMeta, AppliedBatchKey(name.session), std::move(number));
}

StatusOr<CommitBatch> Application::Finish(Revision revision, bool changes, std::vector<RunVerdict> verdicts) {
  state_.revision = revision;
  const Digest root = state_.frontier.Root();
  if (changes) {
    state_.digest.revision = revision;
    state_.digest.size = state_.size();
    state_.digest.root = root;
    state_.digest.digest = RollDigest(state_.digest.digest, state_.digest, state_.last_recorded, rows_->rows());
  }
  for (TileUpdate& tile : state_.frontier.TakeChangedTiles()) {
    // The next batch may be applied before these are written, and name a checkpoint.
    rows_->Put(Family::kTiles, TileKey(tile.id), std::move(tile.bytes));
  }
  PutApplied(state_, root, *rows_);
  std::optional<Timestamp> next_due = Now();
  if (!work_left_) {
    ASSIGN_OR_RETURN(next_due, NextTime(*rows_, Now(), state_.size()));
  }
  rows_->Rebase(before_);
  return CommitBatch{std::move(state_), std::move(rows_), std::move(verdicts), erased_, work_left_, next_due};
}

}  // namespace

std::string TileKey(const TileId& tile) {
  std::string key;
  AppendBigEndian32(key, tile.level);
  AppendBigEndian64(key, tile.index);
  return key;
}

std::string AppliedBatchKey(uint64_t session) {
  std::string key(kAppliedBatchPrefix);
  AppendBigEndian64(key, session);
  return key;
}

EventId LedgerEventId(std::string_view origin, LeafIndex index) {
  return EventId::MakeVersion8(Sha256({kEventIdDomain, origin, LeafKey(index)}).view());
}

std::string LedgerEventNonce(const EventId& id) { return Sha256({kNonceDomain, id.view()}).bytes(); }

StatusOr<std::optional<Timestamp>> NextDue(const LedgerState& state, const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<internal::StandingWork> work, StandingWorkOf(rows));
  if (work.has_value() && work->tasks_size() > 0) return std::optional<Timestamp>(state.last_recorded);
  return NextTime(rows, state.last_recorded, state.size());
}

CommitBatch MoveOn(const LedgerState& state, const RowFinder& rows, Revision revision) {
  CHECK(revision.value > state.revision.value);
  CommitBatch moved;
  moved.next = state;
  moved.next.revision = revision;
  moved.rows = std::make_unique<RowOverlay>(rows);
  PutApplied(moved.next, moved.next.frontier.Root(), *moved.rows);
  return moved;
}

StatusOr<bool> ReadsRanges(const LedgerState& state, const Batch& batch, const RowFinder& rows) {
  const bool asks = std::any_of(batch.runs.begin(), batch.runs.end(), [](const auto& run) { return AsksGate(*run); });
  if (asks) return true;
  return HasStandingWork(rows, OutlookOf(state, batch));
}

StatusOr<CommitBatch> Apply(const LedgerState& state, const RowFinder& rows, Revision revision, const Batch& batch,
                            const BatchName& name, const std::optional<std::string>& note, const RowReader* stored) {
  CHECK(revision.value > state.revision.value);
  Application application(state, rows, stored, batch.proposed);
  RETURN_IF_ERROR(application.NoteClockStep(batch.clock_step_us));
  for (const OwnEvent& own : batch.own_events) RETURN_IF_ERROR(application.AppendOwnEvent(own));
  // By the rows from before, as ReadsRanges.
  ASSIGN_OR_RETURN(const bool standing, HasStandingWork(rows, OutlookOf(state, batch)));
  std::vector<RunVerdict> verdicts;
  verdicts.reserve(batch.runs.size());
  for (const std::shared_ptr<const AdmittedRun>& run : batch.runs) {
    ASSIGN_OR_RETURN(RunVerdict verdict, application.ApplyRun(*run));
    verdicts.push_back(std::move(verdict));
  }
  if (standing) RETURN_IF_ERROR(application.HoldAgainstGate(state.last_recorded));
  application.Keep(name, note);
  // What a ledger of one process ordered to look at the time changes nothing where nothing came of it.
  const bool changes = name.session != 0 || note.has_value() || !batch.runs.empty() || batch.clock_step_us != 0 ||
                       application.recorded_own();
  return application.Finish(revision, changes, std::move(verdicts));
}

}  // namespace anamnesis
