#include "ledger/rules/check_run.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"
#include "ledger/state/authority.h"
#include "ledger/state/corrections.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

bool SameAgent(const v1::Agent& a, const v1::Agent& b) { return a.kind() == b.kind() && a.id() == b.id(); }

std::string AgentText(const v1::Agent& agent) { return Text(agent.kind(), ":", agent.id()); }

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
  return Refuse(detail,
                Text("stream \"", run.stream(), "\" stands at position ", head.position(), "; the run starts at ",
                     run.first_position().value,
                     run.first_position().value == head.position() + 1 ? " but names another previous header" : "",
                     "; read the stream's head and chain to it"));
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

Status CheckRoles(const AdmittedEvent& event, const RowFinder& rows, Timestamp recorded) {
  const auto& allowed = event.type->options->writer_roles();
  if (allowed.empty()) return OkStatus();
  std::string names;
  for (const int role : allowed) {
    ASSIGN_OR_RETURN(const bool holds,
                     HoldsRole(rows, event.header.fields.actor(), static_cast<v1::Role>(role), recorded));
    if (holds) return OkStatus();
    names += (names.empty() ? "" : " or ") + v1::Role_Name(role);
  }
  return Refuse(v1::ROLE_MISSING, "header.actor",
                Text(AgentText(event.header.fields.actor()), " doesn't hold ", names, ", which ", event.type->name(),
                     " asks for"));
}

// What a run may name: events of the ledger, and earlier events of the run itself.
class Links {
 public:
  explicit Links(const RowFinder& rows) : rows_(rows) {}

  // Checks the run's next event.
  Status Check(const AdmittedEvent& event) {
    const v1::EventHeader& header = event.header.fields;
    for (int i = 0; i < header.causes_size(); ++i) {
      RETURN_IF_ERROR(Exists(Text("header.causes[", i, "]"), header.causes(i)));
    }
    if (!header.role_grant().empty()) RETURN_IF_ERROR(Exists("header.role_grant", header.role_grant()));
    if (!header.corrects().empty()) RETURN_IF_ERROR(CheckCorrects(event));
    earlier_.insert(event.header.event_id.view());
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
  Status CheckCorrects(const AdmittedEvent& event) {
    const std::string& id = event.header.fields.corrects();
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
    return OkStatus();
  }

  const RowFinder& rows_;
  // Ids of the run's events checked so far, and how often each event was corrected by them.
  std::set<std::string_view> earlier_;
  std::map<std::string_view, size_t> corrections_;
};

// A key has one credential for ever: re-issuing it would hide a revocation.
Status CheckCredentials(const AdmittedRun& run, const RowFinder& rows) {
  std::set<std::string_view> issued;
  for (size_t i = 0; i < run.events.size(); ++i) {
    const AdmittedEvent& event = run.events[i];
    if (const auto* body = BodyAs<v1::CredentialIssued>(event.body.get())) {
      const std::string& key = body->public_key();
      ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential, FindCredential(rows, key));
      if (credential.has_value() || !issued.insert(key).second) {
        return AtPlace(Refuse(v1::ENTITY_TAKEN, "body.public_key",
                              Text("key ", HexEncode(key), " has a credential already; make a new key")),
                       0, i);
      }
    }
    if (const auto* body = BodyAs<v1::CredentialRevoked>(event.body.get())) {
      const std::string& key = body->public_key();
      ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential, FindCredential(rows, key));
      if (!credential.has_value()) {
        return AtPlace(
            Refuse(v1::REFERENCE_INVALID, "body.public_key", Text("no credential was issued for key ", HexEncode(key))),
            0, i);
      }
    }
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

}  // namespace

StatusOr<std::optional<AlreadyRecorded>> CheckRun(const AdmittedRun& run, const RowFinder& rows, TreeSize size,
                                                  Timestamp first_recorded) {
  ASSIGN_OR_RETURN(const internal::StreamHead head, FindStreamHead(rows, run.stream()));
  ASSIGN_OR_RETURN(std::optional<AlreadyRecorded> retry, FindRetry(run, head, rows));
  if (retry.has_value()) return retry;
  const bool continues = run.first_position().value == head.position() + 1 &&
                         run.events.front().header.previous_digest.view() == head.digest();
  if (!continues) return ChainBroken(run, head);
  const bool founding = size.value == 0;
  if (founding) {
    RETURN_IF_ERROR(CheckFounding(run));
  } else {
    RETURN_IF_ERROR(CheckWriter(run, head, rows, first_recorded));
  }
  RETURN_IF_ERROR(CheckCredentials(run, rows));
  Links links(rows);
  for (size_t i = 0; i < run.events.size(); ++i) {
    if (!founding) {
      const Status roles = CheckRoles(run.events[i], rows, first_recorded);
      if (!roles.ok()) return AtPlace(roles, 0, i);
    }
    const Status linked = links.Check(run.events[i]);
    if (!linked.ok()) return AtPlace(linked, 0, i);
  }
  return std::optional<AlreadyRecorded>();
}

}  // namespace anamnesis
