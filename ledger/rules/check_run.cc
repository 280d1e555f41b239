#include "ledger/rules/check_run.h"

#include <map>
#include <set>
#include <string>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/limits.h"
#include "ledger/event/leaf.h"
#include "ledger/event/names.h"
#include "ledger/event/refusal.h"
#include "ledger/rules/check_authority.h"
#include "ledger/rules/check_correction.h"
#include "ledger/state/authority.h"
#include "ledger/state/corrections.h"
#include "ledger/state/project.h"
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
  if (head.position() > 0 && !SameAgent(head.writer(), credential->holder())) {
    return Refuse(v1::NOT_THE_WRITER, "header.stream",
                  Text("\"", run.stream(), "\" is the stream of ", AgentText(head.writer()), "; use one of your own"));
  }
  return OkStatus();
}

// What a run may name: events of the ledger, and earlier events of the run itself.
class Links {
 public:
  explicit Links(const RowFinder& rows) : rows_(rows) {}

  // Checks the run's next event.
  Status Check(const RecordedEvent& event) {
    const v1::EventHeader& header = event.header->fields;
    for (int i = 0; i < header.causes_size(); ++i) {
      RETURN_IF_ERROR(Exists(Text("header.causes[", i, "]"), header.causes(i)));
    }
    if (!header.role_grant().empty()) RETURN_IF_ERROR(Exists("header.role_grant", header.role_grant()));
    if (!header.corrects().empty()) RETURN_IF_ERROR(CheckCorrects(event));
    earlier_.insert(event.header->event_id.view());
    return OkStatus();
  }

 private:
  Status Exists(std::string_view field, const std::string& id) const {
    if (earlier_.contains(id)) return OkStatus();
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(rows_, id));
    if (index.has_value()) return OkStatus();
    return Refuse(v1::REFERENCE_INVALID, field,
                  Text("no event ", EventId::FromBytes(id)->text(), " in the ledger; append it first"));
  }

  // A correction may name only events recorded before its run, so that what it changes is settled.
  Status CheckCorrects(const RecordedEvent& event) {
    const std::string& id = event.header->fields.corrects();
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(rows_, id));
    if (!index.has_value()) {
      return Refuse(v1::REFERENCE_INVALID, "header.corrects",
                    Text("no event ", EventId::FromBytes(id)->text(), " was in the ledger before this run"));
    }
    ASSIGN_OR_RETURN(const LoadedEvent corrected, LoadEvent(rows_, *index));
    if (event.type->body != v1::RecordCorrected::descriptor() && event.type->body != corrected.type->body) {
      return Refuse(v1::REFERENCE_INVALID, "header.corrects",
                    Text("a ", event.type->name(), " can't take the place of a ", corrected.type->name(), " (leaf ",
                         index->value, "); retract that with record.corrected"));
    }
    ASSIGN_OR_RETURN(const std::vector<LoadedEvent> chain, CorrectedChain(rows_, corrected.view()));
    if (chain.size() + 2 > limits::kCorrectionDepthMax) {
      return RefuseOverLimit("header.corrects", limits::kCorrectionDepthMax, chain.size() + 2);
    }
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows_, *index));
    const size_t corrections = correctors.size() + ++corrections_[id];
    if (corrections > limits::kCorrectionsPerEventMax) {
      return RefuseOverLimit("header.corrects", limits::kCorrectionsPerEventMax, corrections);
    }
    return CheckCorrection(event, corrected, chain, rows_);
  }

  const RowFinder& rows_;
  // Ids of the run's events checked so far, and how often each event was corrected by them.
  std::set<std::string_view> earlier_;
  std::map<std::string_view, size_t> corrections_;
};

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

Status CheckCredentials(const AdmittedEvent& event, const RowFinder& rows) {
  const v1::EventHeader& header = event.header.fields;
  if (const auto* body = BodyAs<v1::CredentialIssued>(event.body.get())) {
    return CheckNewKey("body.public_key", body->public_key(), rows);
  }
  if (const auto* body = BodyAs<v1::CredentialRevoked>(event.body.get())) {
    return CheckOldKey("body.public_key", body->public_key(), header, rows);
  }
  if (const auto* body = BodyAs<v1::CredentialReportedLost>(event.body.get())) {
    return CheckOldKey("body.public_key", body->public_key(), header, rows);
  }
  if (const auto* body = BodyAs<v1::CredentialRotated>(event.body.get())) {
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

// Checks a run's events one after another, each against the log and the events of the run before it.
class RunEvents {
 public:
  RunEvents(const AdmittedRun& run, const RowFinder& rows, TreeSize size, Timestamp first_recorded)
      : run_(run), size_(size), first_recorded_(first_recorded), rows_(rows), links_(rows) {}

  StatusOr<std::vector<std::vector<BrokenRule>>> Check() {
    std::vector<std::vector<BrokenRule>> broken(run_.events.size());
    for (size_t i = 0; i < run_.events.size(); ++i) {
      const Status checked = CheckOne(i, broken[i]);
      if (!checked.ok()) return AtPlace(checked, 0, i);
      if (i + 1 < run_.events.size()) RETURN_IF_ERROR(Remember(i));
    }
    return broken;
  }

 private:
  // Recorded times follow each other as Apply makes them.
  RecordedEvent At(size_t i) const {
    const AdmittedEvent& event = run_.events[i];
    return {LeafIndex(size_.value + i), Timestamp(first_recorded_.us + static_cast<int64_t>(i)), &event.header,
            event.type, event.body.get()};
  }

  Status CheckOne(size_t i, std::vector<BrokenRule>& broken) {
    const RecordedEvent event = At(i);
    RETURN_IF_ERROR(CheckCredentials(run_.events[i], rows_));
    if (size_.value > 0) RETURN_IF_ERROR(CheckAuthority(event, rows_));
    RETURN_IF_ERROR(links_.Check(event));
    ASSIGN_OR_RETURN(broken, BrokenRules(event, rows_));
    for (const BrokenRule& rule : broken) {
      if (rule.consequence != v1::REFUSED) continue;
      const std::optional<uint64_t> existing =
          rule.existing.has_value() ? std::optional<uint64_t>(rule.existing->value) : std::nullopt;
      return RefuseByRule(rule.reason, rule.finding, existing);
    }
    return OkStatus();
  }

  // Puts what later events of the run are held against: all that the rules will find there when the run is recorded, or
  // they would be told something else then.
  Status Remember(size_t i) {
    const RecordedEvent event = At(i);
    const int place = static_cast<int>(i);
    const v1::Body& body = run_.run.bodies(place);
    rows_.Put(Family::kLeaves, LeafKey(event.index), EncodeLeaf(event.recorded, run_.run.headers(place), std::nullopt));
    rows_.Put(Family::kBodies, LeafKey(event.index), body.nonce() + body.content());
    return FoldForRules(event, rows_);
  }

  const AdmittedRun& run_;
  const TreeSize size_;
  const Timestamp first_recorded_;
  RowOverlay rows_;
  Links links_;
};

}  // namespace

StatusOr<CheckedRun> CheckRun(const AdmittedRun& run, const RowFinder& rows, TreeSize size, Timestamp first_recorded) {
  CheckedRun checked;
  ASSIGN_OR_RETURN(const internal::StreamHead head, FindStreamHead(rows, run.stream()));
  ASSIGN_OR_RETURN(checked.existing, FindRetry(run, head, rows));
  if (checked.existing.has_value()) return checked;
  const bool continues = run.first_position().value == head.position() + 1 &&
                         run.events.front().header.previous_digest.view() == head.digest();
  if (!continues) return ChainBroken(run, head);
  if (size.value == 0) {
    RETURN_IF_ERROR(CheckFounding(run));
  } else {
    RETURN_IF_ERROR(CheckWriter(run, head, rows, first_recorded));
  }
  ASSIGN_OR_RETURN(checked.broken, RunEvents(run, rows, size, first_recorded).Check());
  return checked;
}

}  // namespace anamnesis
