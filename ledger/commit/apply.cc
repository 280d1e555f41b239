#include "ledger/commit/apply.h"

#include <algorithm>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/commit/roll_digest.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/leaf.h"
#include "ledger/event/refusal.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/rules/check_run.h"
#include "ledger/state/project.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

constexpr std::string_view kEventIdDomain("anamnesis.ledger-event.v1\0", 26);
constexpr std::string_view kNonceDomain("anamnesis.ledger-nonce.v1\0", 26);

// The nearest time that events may name: a broken clock must not stop the ledger.
Timestamp InRange(Timestamp time) { return std::clamp(time, kTimestampMin, Timestamp(kTimestampLimit.us - 1)); }

// Works through one batch.
class Application {
 public:
  Application(const LedgerState& state, const RowFinder& stored, Timestamp proposed)
      : state_(state), rows_(std::make_unique<RowOverlay>(stored)), proposed_(InRange(proposed)) {}

  Status AppendOwnEvent(const OwnEvent& own);
  Status NoteClockStep(int64_t step_us);
  StatusOr<RunVerdict> ApplyRun(const AdmittedRun& run);
  void Keep(const BatchName& name, const std::optional<std::string>& note);
  CommitBatch Finish(Revision revision, bool changes, std::vector<RunVerdict> verdicts);

 private:
  Timestamp NextRecorded() const { return std::max(proposed_, Timestamp(state_.last_recorded.us + 1)); }
  Status AppendEvent(const AdmittedEvent& event, std::string_view header, const v1::Body& body,
                     const std::optional<SealView>& seal);
  StatusOr<RunVerdict> Existing(const AlreadyRecorded& indexes) const;

  LedgerState state_;
  std::unique_ptr<RowOverlay> rows_;
  Timestamp proposed_;
};

Status Application::AppendEvent(const AdmittedEvent& event, std::string_view header, const v1::Body& body,
                                const std::optional<SealView>& seal) {
  const LeafIndex index(state_.size().value);
  const Timestamp recorded = NextRecorded();
  std::string leaf = EncodeLeaf(recorded, header, seal);
  state_.frontier.Append(LeafHash(leaf));
  state_.last_recorded = recorded;
  // Readable at once: a later event of the batch may correct this one.
  rows_->Put(Family::kLeaves, LeafKey(index), std::move(leaf));
  rows_->Put(Family::kBodies, LeafKey(index), body.nonce() + body.content());
  return Project({index, recorded, &event.header, event.type, event.body.get()}, *rows_);
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
  StatusOr<std::optional<AlreadyRecorded>> checked = CheckRun(run, *rows_, state_.size(), NextRecorded());
  if (!checked.ok()) {
    if (!RefusalDetailOf(checked.status()).has_value()) return checked.status();
    RunVerdict refused;
    refused.status = checked.status();
    return refused;
  }
  if (checked->has_value()) return Existing(**checked);
  RunVerdict verdict;
  const size_t count = run.events.size();
  for (size_t i = 0; i < count; ++i) {
    std::optional<SealView> seal;
    if (i + 1 == count) seal = SealView{run.run.seal().statement(), run.run.seal().signature()};
    verdict.indexes.emplace_back(state_.size().value);
    const int place = static_cast<int>(i);
    RETURN_IF_ERROR(AppendEvent(run.events[i], run.run.headers(place), run.run.bodies(place), seal));
    verdict.recorded.push_back(state_.last_recorded);
  }
  return verdict;
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
  header.set_body_size(body.content().size());
  header.set_body_commitment(BodyCommitment(body.nonce(), body.content()).bytes());

  const std::string header_bytes = header.SerializeAsString();
  AdmittedEvent event;
  ASSIGN_OR_RETURN(event.header, ParseHeader(header_bytes));
  event.type = Vocabulary::Get().Find(header.type(), header.schema_version());
  if (event.type == nullptr || !event.type->options->ledger_decided()) {
    return absl::InvalidArgumentError(Text("the ledger decides no event of type \"", own.type, "\""));
  }
  ASSIGN_OR_RETURN(event.body, ParseBody(*event.type, body.content()));
  return AppendEvent(event, header_bytes, body, std::nullopt);
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

CommitBatch Application::Finish(Revision revision, bool changes, std::vector<RunVerdict> verdicts) {
  state_.revision = revision;
  const Digest root = state_.frontier.Root();
  if (changes) {
    state_.digest.revision = revision;
    state_.digest.size = state_.size();
    state_.digest.root = root;
    state_.digest.digest = RollDigest(state_.digest.digest, state_.digest, state_.last_recorded, rows_->rows());
  }
  for (TileUpdate& tile : state_.frontier.TakeChangedTiles()) {
    rows_->PutUnread(Family::kTiles, TileKey(tile.id), std::move(tile.bytes));
  }
  internal::AppliedState applied;
  applied.set_revision(revision.value);
  applied.set_tree_size(state_.size().value);
  applied.set_root(root.bytes());
  applied.set_last_recorded_us(state_.last_recorded.us);
  applied.set_state_digest(state_.digest.digest.bytes());
  applied.set_digest_revision(state_.digest.revision.value);
  rows_->PutUnread(Family::kMeta, std::string(kAppliedKey), applied.SerializeAsString());
  return {std::move(state_), std::move(rows_), std::move(verdicts)};
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

StatusOr<CommitBatch> Apply(const LedgerState& state, const RowFinder& rows, Revision revision, const Batch& batch,
                            const BatchName& name, const std::optional<std::string>& note) {
  CHECK(revision.value > state.revision.value);
  Application application(state, rows, batch.proposed);
  RETURN_IF_ERROR(application.NoteClockStep(batch.clock_step_us));
  for (const OwnEvent& own : batch.own_events) RETURN_IF_ERROR(application.AppendOwnEvent(own));
  std::vector<RunVerdict> verdicts;
  verdicts.reserve(batch.runs.size());
  for (const std::shared_ptr<const AdmittedRun>& run : batch.runs) {
    ASSIGN_OR_RETURN(RunVerdict verdict, application.ApplyRun(*run));
    verdicts.push_back(std::move(verdict));
  }
  application.Keep(name, note);
  // Where nodes note that nothing was ordered is each one's own affair.
  const bool changes = name.session != 0 || note.has_value() || !batch.runs.empty() || batch.clock_step_us != 0;
  return application.Finish(revision, changes, std::move(verdicts));
}

}  // namespace anamnesis
