#include "ledger/rules/check_authority.h"

#include <algorithm>
#include <string>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/names.h"
#include "ledger/event/refusal.h"
#include "ledger/state/authority.h"
#include "ledger/state/delegations.h"
#include "ledger/state/signatures.h"

namespace anamnesis {
namespace {

Status OutOfScope(std::string_view field, std::string_view message) {
  return Refuse(v1::OUT_OF_SCOPE, field, Text(message, "; ask an administrator for a wider scope"));
}

bool SameVersion(const std::string& name, const v1::EntityRef* entity) {
  return name.empty() || (entity != nullptr && name == Text(entity->id(), "@", entity->version()));
}

// The event is written under the delegation that it refers to.
Status CheckDelegation(const RecordedEvent& event, const v1::EntityRef& ref, const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<internal::DelegationState> delegation, FindDelegation(rows, ref.id()));
  if (!delegation.has_value()) {
    return Refuse(v1::REFERENCE_INVALID, "header.refs", Text("no delegation \"", ref.id(), "\" is recorded"));
  }
  const std::string name = Text("delegation \"", ref.id(), "\" ");
  const v1::EventHeader& header = event.header->fields;
  ASSIGN_OR_RETURN(const std::string why, WhyNotDelegated(rows, *delegation, header.actor(), event.recorded));
  if (!why.empty()) return Refuse(v1::ROLE_MISSING, "header.refs", name + why);
  const auto& allowed = event.type->options->writer_roles();
  if (std::find(allowed.begin(), allowed.end(), delegation->role()) == allowed.end()) {
    return Refuse(
        v1::ROLE_MISSING, "header.refs",
        Text(name, "is of ", v1::Role_Name(delegation->role()), ", which may not write ", event.type->name()));
  }
  if (!SameVersion(delegation->envelope(), FindReference(header, "envelope"))) {
    return OutOfScope("header.refs", Text(name, "is for envelope ", delegation->envelope()));
  }
  if (!SameVersion(delegation->protocol(), FindReference(header, "protocol"))) {
    return OutOfScope("header.refs", Text(name, "is for protocol ", delegation->protocol()));
  }
  ASSIGN_OR_RETURN(const std::string outside, WhyOutOfScope(rows, delegation->scope(), event));
  if (!outside.empty()) return OutOfScope("header.refs", name + outside);
  // Nobody hands on more than they have.
  ASSIGN_OR_RETURN(const std::optional<v1::Scope> own,
                   ScopeOfRole(rows, delegation->from(), delegation->role(), event.recorded));
  ASSIGN_OR_RETURN(const std::string beyond, WhyOutOfScope(rows, own.value_or(v1::Scope()), event));
  if (!beyond.empty()) return OutOfScope("header.refs", Text("the role of who gave ", name, beyond));
  return OkStatus();
}

Status CheckRoles(const RecordedEvent& event, const RowFinder& rows) {
  const auto& allowed = event.type->options->writer_roles();
  if (allowed.empty()) return OkStatus();
  const v1::EventHeader& header = event.header->fields;
  std::string names;
  std::string outside;
  for (const int number : allowed) {
    const auto role = static_cast<v1::Role>(number);
    ASSIGN_OR_RETURN(const std::optional<v1::Scope> scope, ScopeOfRole(rows, header.actor(), role, event.recorded));
    names += (names.empty() ? "" : " or ") + v1::Role_Name(role);
    if (!scope.has_value()) continue;
    ASSIGN_OR_RETURN(const std::string why, WhyOutOfScope(rows, *scope, event));
    if (why.empty()) return OkStatus();
    outside = Text("the role ", v1::Role_Name(role), " of ", AgentText(header.actor()), " ", why);
  }
  if (const v1::EntityRef* delegation = FindReference(header, "delegation")) {
    return CheckDelegation(event, *delegation, rows);
  }
  if (!outside.empty()) return OutOfScope("header.actor", outside);
  return Refuse(v1::ROLE_MISSING, "header.actor",
                Text(AgentText(header.actor()), " doesn't hold ", names, ", which ", event.type->name(), " asks for"));
}

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

}  // namespace

Status CheckAuthority(const RecordedEvent& event, const RowFinder& rows) {
  RETURN_IF_ERROR(CheckRoles(event, rows));
  if (const auto* body = BodyAs<v1::AuthorityDelegated>(event.body)) {
    RETURN_IF_ERROR(CheckDelegating(event, *body, rows));
  }
  ASSIGN_OR_RETURN(const std::string unsigned_because, WhyNotSigned(rows, event));
  if (unsigned_because.empty()) return OkStatus();
  return Refuse(v1::SIGNATURE_INCOMPLETE, "body.signature", unsigned_because);
}

}  // namespace anamnesis
