#include "tests/support/test_run.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/seal.h"

namespace anamnesis {
namespace {

constexpr std::array kAllFamilies = {Family::kMeta,     Family::kLeaves,    Family::kBodies,       Family::kTiles,
                                     Family::kEventIds, Family::kStreams,   Family::kStreamEvents, Family::kTypeEvents,
                                     Family::kEdges,    Family::kAuthority, Family::kCorrections,  Family::kTimelines,
                                     Family::kStaged,   Family::kEntities,  Family::kFindings};

Digest Derived(std::string_view what, std::string_view name, uint64_t number) {
  return Sha256({what, "/", name, "/", std::to_string(number)});
}

}  // namespace

PrivateKey KeyOfSeed(uint64_t seed) { return PrivateKey::FromSeed(Derived("key", "", seed).view()).value(); }

EventId DerivedId(std::string_view name, uint64_t number) {
  std::array<uint8_t, 10> random;
  std::memcpy(random.data(), Derived("id", name, number).data(), random.size());
  return EventId::MakeVersion7(static_cast<uint64_t>(kTestStart.us / 1000) + number, random);
}

std::string DerivedNonce(std::string_view name, uint64_t number) { return Derived("nonce", name, number).bytes(); }

v1::Agent MakeAgent(std::string_view kind, std::string_view id) {
  v1::Agent agent;
  agent.set_kind(std::string(kind));
  agent.set_id(std::string(id));
  return agent;
}

EventDraft EnrolPerson(std::string_view id) {
  v1::PersonEnrolled body;
  body.set_printed_name(Text("Person ", id));
  body.set_identity_check(v1::PersonEnrolled::DOCUMENT);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "person", "person", id);
  return draft;
}

EventDraft IssueKey(std::string_view holder_kind, std::string_view holder_id, const PublicKey& key, int64_t from_us,
                    int64_t until_us) {
  v1::CredentialIssued body;
  body.set_public_key(key.bytes());
  body.set_purpose(v1::CredentialIssued::SEAL);
  body.set_valid_from_us(from_us);
  body.set_valid_until_us(until_us);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "holder", holder_kind, holder_id);
  return draft;
}

EventDraft RevokeKey(std::string_view holder_kind, std::string_view holder_id, const PublicKey& key,
                     int64_t effective_from_us) {
  v1::CredentialRevoked body;
  body.set_public_key(key.bytes());
  body.set_effective_from_us(effective_from_us);
  EventDraft draft = Draft(std::move(body));
  draft.header.set_rationale("lost");
  AddReference(draft, "holder", holder_kind, holder_id);
  return draft;
}

EventDraft GrantRole(std::string_view person, v1::Role role, int64_t from_us, int64_t until_us) {
  v1::RoleGranted body;
  body.set_role(role);
  body.set_valid_from_us(from_us);
  body.set_valid_until_us(until_us);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "holder", "person", person);
  return draft;
}

EventDraft WithdrawRole(std::string_view person, v1::Role role) {
  v1::RoleWithdrawn body;
  body.set_role(role);
  EventDraft draft = Draft(std::move(body));
  draft.header.set_rationale("left");
  AddReference(draft, "holder", "person", person);
  return draft;
}

EventDraft ReferToDocument(std::string_view document) {
  v1::DocumentReferenced body;
  body.set_title(Text("Document ", document));
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "document", "document", document);
  return draft;
}

EventDraft Commission(std::string_view unit) {
  v1::DeviceUnitCommissioned body;
  body.set_serial_number(Text("SN-", unit));
  body.set_jurisdiction("DE");
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "unit", "device_unit", unit);
  AddReference(draft, "device_model", "device_model", "monitor");
  return draft;
}

EventDraft Activate(std::string_view unit, std::string_view surface, std::string_view artifact) {
  v1::ArtifactActivated body;
  body.set_surface(std::string(surface));
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "unit", "device_unit", unit);
  AddReference(draft, "artifact", "model", artifact, "1");
  return draft;
}

EventDraft Deactivate(std::string_view unit, std::string_view surface) {
  v1::ArtifactDeactivated body;
  body.set_surface(std::string(surface));
  body.set_reason(v1::ArtifactDeactivated::PLANNED);
  EventDraft draft = Draft(std::move(body));
  draft.header.set_rationale("planned");
  AddReference(draft, "unit", "device_unit", unit);
  return draft;
}

EventDraft Correct(const EventId& corrected, v1::RecordCorrected::Kind kind) {
  v1::RecordCorrected body;
  body.set_kind(kind);
  EventDraft draft = Draft(std::move(body));
  draft.header.set_corrects(corrected.bytes());
  draft.header.set_rationale("was wrong");
  return draft;
}

EventDraft MoveInTime(const EventId& corrected, Timestamp earliest, Timestamp latest) {
  v1::RecordCorrected body;
  body.set_kind(v1::RecordCorrected::OCCURRED_AT);
  body.set_occurred_earliest_us(earliest.us);
  body.set_occurred_latest_us(latest.us);
  EventDraft draft = Correct(corrected, v1::RecordCorrected::OCCURRED_AT);
  draft.body = std::make_shared<v1::RecordCorrected>(std::move(body));
  return draft;
}

TestWriter::TestWriter(std::string_view kind, std::string_view id, uint64_t key_seed, std::string_view origin,
                       std::string_view stream)
    : origin_(origin),
      stream_(stream.empty() ? Text(kind, "/", id) : std::string(stream)),
      agent_(MakeAgent(kind, id)),
      key_(KeyOfSeed(key_seed)) {}

v1::Run TestWriter::Write(const std::vector<EventDraft>& drafts) {
  RunBuilder builder(origin_, stream_, agent_, StreamPosition(ids_.size()),
                     digests_.empty() ? Digest() : digests_.back());
  const std::string name = Text(stream_, key_.public_key().hex());
  for (const EventDraft& draft : drafts) {
    const uint64_t number = ++made_;
    ids_.push_back(DerivedId(name, number));
    const Status added = builder.Add(draft, ids_.back(), DerivedNonce(name, number));
    if (!added.ok()) std::fprintf(stderr, "%s\n", added.ToString().c_str());
    CHECK(added.ok());
  }
  v1::Run run = builder.Seal(key_, kTestStart);
  for (const std::string& header : run.headers()) digests_.push_back(Sha256(header));
  return run;
}

void TestWriter::RewindTo(uint64_t position) {
  ids_.resize(position);
  digests_.resize(position);
}

void Reseal(v1::Run& run, const PrivateKey& key, std::string_view origin) {
  const std::vector<std::string_view> headers(run.headers().begin(), run.headers().end());
  v1::EventHeader first;
  CHECK(!headers.empty() && first.ParseFromString(run.headers(0)));
  *run.mutable_seal() = MakeSeal(key, origin, first.stream(), first.stream_position(), headers, kTestStart);
}

void ChangeHeader(v1::Run& run, int place, const std::function<void(v1::EventHeader&)>& change) {
  v1::EventHeader header;
  CHECK(header.ParseFromString(run.headers(place)));
  change(header);
  run.set_headers(place, header.SerializeAsString());
  for (int i = place + 1; i < run.headers_size(); ++i) {
    CHECK(header.ParseFromString(run.headers(i)));
    header.set_previous_header_digest(Sha256(run.headers(i - 1)).bytes());
    run.set_headers(i, header.SerializeAsString());
  }
}

std::vector<EventDraft> FoundingDrafts(const TestWriter& administrator) {
  const std::string& id = administrator.agent().id();
  return {EnrolPerson(id), IssueKey("person", id, administrator.key().public_key()), GrantRole(id, v1::ADMINISTRATOR)};
}

TestLedger::TestLedger(std::unique_ptr<Store> store) : store_(std::move(store)) { state_.origin = kTestOrigin; }

StatusOr<RunVerdict> TestLedger::Append(const v1::Run& run) { return AppendAt(next_, run); }

StatusOr<RunVerdict> TestLedger::AppendAt(Timestamp proposed, const v1::Run& run) {
  ASSIGN_OR_RETURN(AdmittedRun admitted, AdmitRun(run, kTestOrigin));
  Batch batch;
  batch.proposed = proposed;
  batch.runs.push_back(std::make_shared<const AdmittedRun>(std::move(admitted)));
  CommitBatch commit = Commit(batch);
  RETURN_IF_ERROR(commit.verdicts.at(0).status);
  return std::move(commit.verdicts[0]);
}

CommitBatch TestLedger::Commit(const Batch& batch) {
  StatusOr<CommitBatch> commit =
      Apply(state_, *store_, Revision(state_.revision.value + 1), batch, {}, std::nullopt, store_.get());
  if (!commit.ok()) std::fprintf(stderr, "%s\n", commit.status().ToString().c_str());
  CHECK(commit.ok());
  CHECK(store_->Write(commit->rows->rows(), true).ok());
  state_ = commit->next;
  // A test may propose any time at all.
  next_ = Timestamp(std::min(batch.proposed.us, kTimestampLimit.us) + 1000000);
  return *std::move(commit);
}

std::vector<std::tuple<Family, std::string, std::string>> AllRows(const RowReader& rows) {
  std::vector<std::tuple<Family, std::string, std::string>> all;
  for (Family family : kAllFamilies) {
    const Status scanned = rows.Scan(family, "", "", [&](std::string_view key, std::string_view value) {
      all.emplace_back(family, key, value);
      return true;
    });
    CHECK(scanned.ok());
  }
  return all;
}

}  // namespace anamnesis
