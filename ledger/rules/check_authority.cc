#include "ledger/rules/check_authority.h"

#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/names.h"
#include "ledger/event/refusal.h"
#include "ledger/rules/check_ending.h"
#include "ledger/rules/check_roles.h"
#include "ledger/state/authority.h"
#include "ledger/state/delegations.h"
#include "ledger/state/signatures.h"

namespace anamnesis {
namespace {

// Only who holds a role can delegate it, for themselves.
Status CheckDelegating(const RecordedEvent& event, const v1::AuthorityDelegated& body, const RowFinder& rows) {
  const v1::EventHeader& header = event.header->fields;
  const v1::EntityRef& from = *FindReference(header, "from");
  if (from.kind() != header.actor().kind() || from.id() != header.actor().id()) {
    return Refuse(v1::NOT_THE_WRITER, "header.refs",
                  Text("role \"from\" is ", from.kind(), ":", from.id(), ", the writer is ", AgentText(header.actor()),
                       "; people delegate their own authority only"));
  }
  ASSIGN_OR_RETURN(const bool holds, HoldsRole(rows, header.actor(), body.role(), event.recorded));
  if (holds) return OkStatus();
  return Refuse(
      v1::ROLE_MISSING, "body.role",
      Text(AgentText(header.actor()), " doesn't hold ", v1::Role_Name(body.role()), " and can't delegate it"));
}

// Who gave it ends it, or who answers for the system: a stranger could end what others rely on, or say of a withdrawal
// to come that it is far off.
Status CheckWithdrawing(const RecordedEvent& event, const RowFinder& rows) {
  const v1::Agent& actor = event.header->fields.actor();
  const std::string& id = FindReference(event.header->fields, "delegation")->id();
  ASSIGN_OR_RETURN(const std::optional<internal::DelegationState> delegation, FindDelegation(rows, id));
  if (delegation.has_value() && actor.kind() == delegation->from().kind() && actor.id() == delegation->from().id()) {
    return OkStatus();
  }
  return CheckRoles({actor, event.recorded, nullptr}, {v1::QUALITY_OFFICER, v1::ADMINISTRATOR}, event,
                    "withdrawing what somebody else delegated", rows);
}

}  // namespace

Status CheckAuthority(const RecordedEvent& event, const PublicKey& sealed_by, const RowFinder& rows) {
  const v1::EventHeader& header = event.header->fields;
  if (const std::vector<v1::Role> roles = RolesAskedOf(event); !roles.empty()) {
    const Writer writer{header.actor(), event.recorded, FindReference(header, "delegation")};
    RETURN_IF_ERROR(CheckRoles(writer, roles, event, event.type->name(), rows));
  }
  if (const auto* body = BodyAs<v1::AuthorityDelegated>(event.body)) {
    RETURN_IF_ERROR(CheckDelegating(event, *body, rows));
  }
  if (BodyAs<v1::AuthorityWithdrawn>(event.body) != nullptr) RETURN_IF_ERROR(CheckWithdrawing(event, rows));
  RETURN_IF_ERROR(CheckEnding(event, sealed_by, rows));
  ASSIGN_OR_RETURN(const std::string unsigned_because, WhyNotSigned(rows, event));
  if (unsigned_because.empty()) return OkStatus();
  return Refuse(v1::SIGNATURE_INCOMPLETE, "body.signature", unsigned_because);
}

}  // namespace anamnesis
