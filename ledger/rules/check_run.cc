#include "ledger/rules/check_run.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/limits.h"
#include "ledger/event/names.h"
#include "ledger/event/refusal.h"
#include "ledger/rules/check_authority.h"
#include "ledger/rules/check_correction.h"
#include "ledger/state/authority.h"
#include "ledger/state/corrections.h"
#include "ledger/state/signatures.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

bool SameAgent(const v1::Agent& a, const v1::Agent& b) { return a.kind() == b.kind() && a.id() == b.id(); }

Status IdTaken(const EventId& id, LeafIndex existing) {
  v1::RefusalDetail detail;
  detail.set_reason(v1::EVENT_ID_TAKEN);
  detail.set_field("header.event_id");
  detail.set_existing_index(existing.value);
  return Refuse(detail, Text(id.text(), " is the id of another event (leaf ", existing.value, "); make a new UUIDv7"));
}

Status ChainBroken(const AdmittedRun& run, const internal::StreamHead& head) {
  v1::RefusalDetail detail;
  detail.set_reason(v1::CHAIN_BROKEN);
  detail.set_field("header.stream_position");
  detail.set_stream(run.stream());
  detail.set_submitted_position(run.first_position().value);
  detail.set_head_position(head.position());
  detail.set_head_digest(head.digest());
  const uint64_t first = run.first_position().value;
  const std::string_view why = first <= head.position()       ? ", where another event is, and would fork it"
                               : first == head.position() + 1 ? " but names another previous header"
                                                              : ", and what is between is missing";
  return Refuse(detail, Text("stream \"", run.stream(), "\" stands at position ", head.position(),
                             "; the run starts at ", first, why, "; read the stream's head and chain to it"));
}

// Finds which of the run's events the ledger has. All: a retry. None: fresh. Some, or the same id on other bytes:
// refused.
StatusOr<std::optional<AlreadyRecorded>> FindRetry(const AdmittedRun& run, const internal::StreamHead& head,
                                                   const RowFinder& rows) {
  AlreadyRecorded existing;
  std::set<std::string_view> ids;
  for (size_t i = 0; i < run.events.size(); ++i) {
    const ParsedHeader& header = run.events[i].header;
    if (!ids.insert(header.event_id.view()).second) {
      return AtPlace(Refuse(v1::EVENT_ID_TAKEN, "header.event_id", "occurs twice in the run"), 0, i);
    }
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(rows, header.event_id.view()));
    if (!index.has_value()) continue;
    ASSIGN_OR_RETURN(const LoadedEvent recorded, LoadEvent(rows, *index));
    if (recorded.header.digest != header.digest) return AtPlace(IdTaken(header.event_id, *index), 0, i);
    existing.push_back(*index);
  }
  if (existing.empty()) return std::optional<AlreadyRecorded>();
  if (existing.size() != run.events.size()) return ChainBroken(run, head);
  return std::optional<AlreadyRecorded>(std::move(existing));
}

// The kind in the name of a stream KIND/ID, where KIND is a kind of agents; empty for every other name.
std::string_view KindInName(std::string_view stream) {
  static constexpr std::array<std::string_view, 6> kKinds = {"device_unit", "node", "organisation",
                                                             "person",      "site", "software"};
  const size_t slash = stream.find('/');
  const std::string_view kind = slash == stream.npos ? std::string_view() : stream.substr(0, slash);
  return std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end() ? std::string_view() : kind;
}

// Whether a stream with this name can be the agent's. One named after an agent is that agent's, and so is what is below
// it (KIND/ID/...); every other name is free.
bool CanBeStreamOf(std::string_view stream, const v1::Agent& agent) {
  const std::string_view kind = KindInName(stream);
  if (kind.empty()) return true;
  const std::string_view rest = stream.substr(kind.size() + 1);
  return kind == agent.kind() && (rest == agent.id() || rest.starts_with(agent.id() + "/"));
}

// Of several whose it can be, the first to write has it. Who took one that can't be theirs, before names were looked
// at, gives way to the agent of its name.
Status CheckStream(const std::string& stream, const internal::StreamHead& head, const v1::Agent& writer) {
  if (!CanBeStreamOf(stream, writer)) {
    const std::string_view kind = KindInName(stream);
    const std::string_view rest = std::string_view(stream).substr(kind.size() + 1);
    return Refuse(v1::NOT_THE_WRITER, "header.stream",
                  Text("\"", stream, "\" is the stream of ", kind, ":", rest.substr(0, rest.find('/')),
                       " by its name; use one of your own, as \"", writer.kind(), "/", writer.id(), "\""));
  }
  const bool taken = head.position() > 0 && !SameAgent(head.writer(), writer) && CanBeStreamOf(stream, head.writer());
  if (!taken) return OkStatus();
  return Refuse(v1::NOT_THE_WRITER, "header.stream",
                Text("\"", stream, "\" is the stream of ", AgentText(head.writer()), "; use one of your own"));
}

Status CheckWriter(const AdmittedRun& run, const internal::StreamHead& head, const RowFinder& rows,
                   Timestamp first_recorded) {
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential,
                   FindCredential(rows, run.seal.key.view()));
  if (!credential.has_value()) {
    return Refuse(v1::KEY_UNKNOWN, "seal.key_id",
                  Text("no credential was issued for key ", run.seal.key.hex(), "; an administrator must issue one"));
  }
  if (const std::string why = WhyCannotSeal(*credential, first_recorded); !why.empty()) {
    return Refuse(v1::KEY_NOT_VALID, "seal.key_id", Text("key ", run.seal.key.hex(), " ", why));
  }
  for (size_t i = 0; i < run.events.size(); ++i) {
    const v1::Agent& actor = run.events[i].header.fields.actor();
    if (SameAgent(actor, credential->holder())) continue;
    return AtPlace(Refuse(v1::NOT_THE_WRITER, "header.actor",
                          Text("is ", AgentText(actor), ", the key belongs to ", AgentText(credential->holder()))),
                   0, i);
  }
  return CheckStream(run.stream(), head, credential->holder());
}

Status Exists(std::string_view field, const std::string& id, const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(rows, id));
  if (index.has_value()) return OkStatus();
  return Refuse(v1::REFERENCE_INVALID, field,
                Text("no event ", EventId::FromBytes(id)->text(), " in the ledger; append it first"));
}

// A correction may name only events recorded before its run, of `first` as the first leaf, so that what it changes is
// settled.
Status CheckCorrects(const RecordedEvent& event, LeafIndex first, const RowFinder& rows) {
  const std::string& id = event.header->fields.corrects();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(rows, id));
  if (!index.has_value() || index->value >= first.value) {
    return Refuse(v1::REFERENCE_INVALID, "header.corrects",
                  Text("no event ", EventId::FromBytes(id)->text(), " was in the ledger before this run"));
  }
  ASSIGN_OR_RETURN(const LoadedEvent corrected, LoadEvent(rows, *index));
  if (event.type->body != v1::RecordCorrected::descriptor() && event.type->body != corrected.type->body) {
    return Refuse(v1::REFERENCE_INVALID, "header.corrects",
                  Text("a ", event.type->name(), " can't take the place of a ", corrected.type->name(), " (leaf ",
                       index->value, "); retract that with record.corrected"));
  }
  ASSIGN_OR_RETURN(const std::vector<LoadedEvent> chain, CorrectedChain(rows, corrected.view()));
  if (chain.size() + 2 > limits::kCorrectionDepthMax) {
    return RefuseOverLimit("header.corrects", limits::kCorrectionDepthMax, chain.size() + 2);
  }
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows, *index));
  if (correctors.size() + 1 > limits::kCorrectionsPerEventMax) {
    return RefuseOverLimit("header.corrects", limits::kCorrectionsPerEventMax, correctors.size() + 1);
  }
  return CheckCorrection(event, corrected, chain, rows);
}

// What an event may name: events of the ledger, and earlier events of its run.
Status CheckLinks(const RecordedEvent& event, LeafIndex first, const RowFinder& rows) {
  const v1::EventHeader& header = event.header->fields;
  for (int i = 0; i < header.causes_size(); ++i) {
    RETURN_IF_ERROR(Exists(Text("header.causes[", i, "]"), header.causes(i), rows));
  }
  if (!header.role_grant().empty()) RETURN_IF_ERROR(Exists("header.role_grant", header.role_grant(), rows));
  return header.corrects().empty() ? OkStatus() : CheckCorrects(event, first, rows);
}

// A key has one credential for ever: re-issuing it would hide a revocation.
Status CheckNewKey(std::string_view field, const std::string& key, const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential, FindCredential(rows, key));
  if (!credential.has_value()) return OkStatus();
  return Refuse(v1::ENTITY_TAKEN, field, Text("key ", HexEncode(key), " has a credential already; make a new key"));
}

Status CheckOldKey(std::string_view field, const std::string& key, const v1::EventHeader& header,
                   const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential, FindCredential(rows, key));
  if (!credential.has_value()) {
    return Refuse(v1::REFERENCE_INVALID, field, Text("no credential was issued for key ", HexEncode(key)));
  }
  const v1::EntityRef& holder = *FindReference(header, "holder");
  if (holder.kind() == credential->holder().kind() && holder.id() == credential->holder().id()) return OkStatus();
  return Refuse(v1::REFERENCE_INVALID, "header.refs",
                Text("key ", HexEncode(key), " belongs to ", AgentText(credential->holder()), ", not to ",
                     holder.kind(), ":", holder.id()));
}

Status CheckCredentials(const RecordedEvent& event, const RowFinder& rows) {
  const v1::EventHeader& header = event.header->fields;
  if (const auto* body = BodyAs<v1::CredentialIssued>(event.body)) {
    return CheckNewKey("body.public_key", body->public_key(), rows);
  }
  if (const auto* body = BodyAs<v1::CredentialRevoked>(event.body)) {
    return CheckOldKey("body.public_key", body->public_key(), header, rows);
  }
  if (const auto* body = BodyAs<v1::CredentialReportedLost>(event.body)) {
    return CheckOldKey("body.public_key", body->public_key(), header, rows);
  }
  if (const auto* body = BodyAs<v1::CredentialRotated>(event.body)) {
    RETURN_IF_ERROR(CheckNewKey("body.new_public_key", body->new_public_key(), rows));
    return CheckOldKey("body.old_public_key", body->old_public_key(), header, rows);
  }
  return OkStatus();
}

// The first run of a ledger makes its first administrator: the person who seals it, with the key that seals it. Nobody
// can be asked for a role yet, so the run itself must say who its writer is.
Status CheckFounding(const AdmittedRun& run) {
  bool enrolled = false;
  bool issued = false;
  bool administrator = false;
  for (const AdmittedEvent& event : run.events) {
    const v1::EventHeader& header = event.header.fields;
    if (!SameAgent(header.actor(), run.events.front().header.fields.actor())) {
      return Refuse(v1::NOT_THE_WRITER, "header.actor", "all events of the founding run have one actor");
    }
    const auto is_actor = [&](const v1::EntityRef* ref) {
      return ref != nullptr && ref->kind() == header.actor().kind() && ref->id() == header.actor().id();
    };
    if (event.type->body == v1::PersonEnrolled::descriptor() && is_actor(FindReference(header, "person"))) {
      enrolled = true;
    }
    if (!is_actor(FindReference(header, "holder"))) continue;
    if (const auto* body = BodyAs<v1::CredentialIssued>(event.body.get())) {
      if (body->public_key() == run.seal.key.view() && body->purpose() == v1::CredentialIssued::SEAL) issued = true;
    }
    if (const auto* body = BodyAs<v1::RoleGranted>(event.body.get())) {
      administrator |= body->role() == v1::ADMINISTRATOR;
    }
  }
  if (enrolled && issued && administrator) return OkStatus();
  return Refuse(v1::NOT_FOUNDED, "run",
                "the first run of a ledger must hold person.enrolled, credential.issued for the key that seals it and "
                "role.granted ADMINISTRATOR, all of its actor; see `anamnesis init`");
}

// Whoever signs a record by hand signs that record, not others along with it (format.md section 3).
Status CheckSignedAlone(const AdmittedRun& run, const RecordedEvent& event) {
  if (run.events.size() == 1 || SignatureOf(event) == nullptr) return OkStatus();
  return Refuse(v1::SIGNATURE_INCOMPLETE, "body.signature",
                Text("stands in a run of ", run.events.size(),
                     " events; what a person signs is a run of its own: append this event alone"));
}

Status CheckEvent(const RecordedEvent& event, const PublicKey& sealed_by, LeafIndex first, const RowFinder& rows,
                  std::vector<BrokenRule>& broken) {
  RETURN_IF_ERROR(CheckCredentials(event, rows));
  if (first.value > 0) RETURN_IF_ERROR(CheckAuthority(event, sealed_by, rows));
  RETURN_IF_ERROR(CheckLinks(event, first, rows));
  ASSIGN_OR_RETURN(broken, BrokenRules(event, rows));
  for (const BrokenRule& rule : broken) {
    if (rule.consequence != v1::REFUSED) continue;
    const std::optional<uint64_t> existing =
        rule.existing.has_value() ? std::optional<uint64_t>(rule.existing->value) : std::nullopt;
    return RefuseByRule(rule.reason, rule.finding, existing);
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::optional<AlreadyRecorded>> RunCheck::Begin(Timestamp first_recorded) {
  ASSIGN_OR_RETURN(const internal::StreamHead head, FindStreamHead(rows_, run_.stream()));
  ASSIGN_OR_RETURN(std::optional<AlreadyRecorded> existing, FindRetry(run_, head, rows_));
  if (existing.has_value()) return existing;
  const bool continues = run_.first_position().value == head.position() + 1 &&
                         run_.events.front().header.previous_digest.view() == head.digest();
  if (!continues) return ChainBroken(run_, head);
  RETURN_IF_ERROR(size_.value == 0 ? CheckFounding(run_) : CheckWriter(run_, head, rows_, first_recorded));
  return existing;
}

StatusOr<std::vector<BrokenRule>> RunCheck::Check(const RecordedEvent& event) const {
  std::vector<BrokenRule> broken;
  RETURN_IF_ERROR(AtPlace(CheckSignedAlone(run_, event), 0, event.index.value - size_.value));
  const Status checked = CheckEvent(event, run_.seal.key, LeafIndex(size_.value), rows_, broken);
  if (!checked.ok()) return AtPlace(checked, 0, event.index.value - size_.value);
  return broken;
}

}  // namespace anamnesis
