#include "ledger/rules/check_ending.h"

#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/names.h"
#include "ledger/event/refusal.h"
#include "ledger/rules/check_roles.h"
#include "ledger/state/authority.h"

namespace anamnesis {
namespace {

const v1::Agent& Actor(const RecordedEvent& event) { return event.header->fields.actor(); }

v1::Agent Holder(const RecordedEvent& event) {
  const v1::EntityRef& ref = *FindReference(event.header->fields, "holder");
  v1::Agent holder;
  holder.set_kind(ref.kind());
  holder.set_id(ref.id());
  return holder;
}

bool IsOwn(const RecordedEvent& event) {
  const v1::Agent holder = Holder(event);
  return holder.kind() == Actor(event).kind() && holder.id() == Actor(event).id();
}

// A stranger, and be it a device whose key was stolen, could else end everybody's keys; and as of long ago, which makes
// all doubtful that they ever sealed.
Status CheckReportingLost(const RecordedEvent& event, const v1::CredentialReportedLost& body, const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential, FindCredential(rows, body.public_key()));
  const bool seals = credential.has_value() && credential->purpose() == v1::CredentialIssued::SEAL;
  std::string_view what;
  if (!seals) {
    what = "reporting a key for checkpoints lost";
  } else if (!IsOwn(event)) {
    ASSIGN_OR_RETURN(const bool administers, HoldsRole(rows, Holder(event), v1::ADMINISTRATOR, event.recorded));
    if (administers) what = "reporting the key of an administrator lost";
    const bool over = body.lost_since_us() != 0 && body.lost_since_us() < event.recorded.us;
    if (over) what = "reporting somebody else's key lost as of a time that is over";
  }
  if (what.empty()) return OkStatus();
  return CheckRoles({Actor(event), event.recorded, nullptr}, {v1::ADMINISTRATOR}, event, what, rows);
}

// Whoever administers may withdraw the role from everybody else, and so is left to do it.
Status CheckWithdrawn(const RecordedEvent& event, const v1::RoleWithdrawn& body) {
  if (body.role() != v1::ADMINISTRATOR || !IsOwn(event)) return OkStatus();
  return Refuse(v1::NOT_THE_WRITER, "header.actor",
                Text("nobody withdraws ADMINISTRATOR from themself, or none might be left; grant it to somebody else, "
                     "who withdraws it from ",
                     AgentText(Actor(event))));
}

// An administrator ends keys with one that stays.
Status CheckKeeps(const RecordedEvent& event, std::string_view ended, const PublicKey& sealed_by,
                  const RowFinder& rows) {
  ASSIGN_OR_RETURN(const bool administers, HoldsRole(rows, Actor(event), v1::ADMINISTRATOR, event.recorded));
  if (!administers || !IsOwn(event)) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential, FindCredential(rows, sealed_by.view()));
  // Be it by an event before this one in its run, and be it with an overlap.
  const bool ends = credential.has_value() && credential->has_revoked_index();
  if (ended != sealed_by.view() && !ends) return OkStatus();
  return Refuse(v1::NOT_THE_WRITER, "body.public_key",
                Text("an administrator ends keys with one that stays, and not with that one itself, or none might be "
                     "left; put another in its place with credential.rotated, which ends it at once, and say it by "
                     "that one"));
}

// A key that is over already, in the place of an administrator's, leaves none either.
Status CheckRotated(const RecordedEvent& event, const v1::CredentialRotated& body, const RowFinder& rows) {
  const bool over = body.valid_until_us() != 0 && body.valid_until_us() <= event.recorded.us;
  if (!over || !IsOwn(event)) return OkStatus();
  ASSIGN_OR_RETURN(const bool administers, HoldsRole(rows, Actor(event), v1::ADMINISTRATOR, event.recorded));
  if (!administers) return OkStatus();
  return Refuse(v1::NOT_THE_WRITER, "body.valid_until_us",
                "an administrator doesn't put a key that has ended in the place of one of theirs");
}

}  // namespace

Status CheckEnding(const RecordedEvent& event, const PublicKey& sealed_by, const RowFinder& rows) {
  if (const auto* body = BodyAs<v1::CredentialReportedLost>(event.body)) {
    RETURN_IF_ERROR(CheckReportingLost(event, *body, rows));
    return CheckKeeps(event, body->public_key(), sealed_by, rows);
  }
  if (const auto* body = BodyAs<v1::CredentialRevoked>(event.body)) {
    return CheckKeeps(event, body->public_key(), sealed_by, rows);
  }
  if (const auto* body = BodyAs<v1::CredentialRotated>(event.body)) return CheckRotated(event, *body, rows);
  if (const auto* body = BodyAs<v1::RoleWithdrawn>(event.body)) return CheckWithdrawn(event, *body);
  return OkStatus();
}

}  // namespace anamnesis
