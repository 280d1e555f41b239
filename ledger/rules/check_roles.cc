#include "ledger/rules/check_roles.h"

#include <algorithm>
#include <optional>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/names.h"
#include "ledger/event/refusal.h"
#include "ledger/event/scope.h"
#include "ledger/state/authority.h"
#include "ledger/state/delegations.h"

namespace anamnesis {
namespace {

// Only who is authorised may write or sign: 21 CFR 11.10(g).
Status Unauthorised(v1::RefusalReason reason, std::string_view rule, std::string_view field, std::string_view message,
                    std::string_view remedy) {
  v1::Finding finding;
  finding.set_rule(std::string(rule));
  finding.set_field(std::string(field));
  finding.set_clause("21 CFR 11.10(g)");
  finding.set_message(std::string(message));
  finding.set_remedy(std::string(remedy));
  return RefuseByRule(reason, finding, std::nullopt);
}

Status OutOfScope(std::string_view field, std::string_view message) {
  return Unauthorised(v1::OUT_OF_SCOPE, "SCOPE", field, message, "ask an administrator for a wider scope");
}

Status NoRole(std::string_view field, std::string_view message) {
  return Unauthorised(v1::ROLE_MISSING, "ROLE", field, message,
                      "let somebody who holds it write this, or ask an administrator for it");
}

class RoleCheck {
 public:
  RoleCheck(const Writer& writer, const std::vector<v1::Role>& roles, const RecordedEvent& about, std::string_view what,
            const RowFinder& rows)
      : writer_(writer), roles_(roles), about_(about), what_(what), rows_(rows) {}

  Status Run() {
    ASSIGN_OR_RETURN(matter_, MatterOf(rows_, about_));
    return writer_.delegation == nullptr ? CheckOwn() : CheckDelegated(*writer_.delegation);
  }

 private:
  Status CheckOwn() {
    std::string names;
    std::string outside;
    for (const v1::Role role : roles_) {
      names += (names.empty() ? "" : " or ") + v1::Role_Name(role);
      ASSIGN_OR_RETURN(const std::vector<v1::Scope> scopes, ScopesOfRole(rows_, writer_.agent, role, writer_.at));
      for (const v1::Scope& scope : scopes) {
        ASSIGN_OR_RETURN(const std::string why, WhyNotCovered(role, scope));
        if (why.empty()) return OkStatus();
        outside = Text("the role ", v1::Role_Name(role), " of ", AgentText(writer_.agent), " ", why);
      }
    }
    if (!outside.empty()) return OutOfScope("header.actor", outside);
    return NoRole("header.actor",
                  Text(AgentText(writer_.agent), " doesn't hold ", names, ", which ", what_, " asks for"));
  }

  // What is about no item and no place, such as a policy or an erasure, has its effect on all of them; and who
  // administers a part only could give themselves the rest.
  StatusOr<std::string> WhyNotCovered(v1::Role role, const v1::Scope& scope) const {
    const bool about_all = matter_.items.empty() && !matter_.items_unknown && !matter_.jurisdictions.has_value();
    const bool asks_all = role == v1::ADMINISTRATOR || about_.type->options->writer_roles_size() > 0;
    if (about_all && asks_all && !IsUnlimited(scope)) {
      return Text("has limits, and ", what_, " has none");
    }
    return WhyOutOfScope(rows_, scope, matter_);
  }

  Status CheckDelegated(const v1::EntityRef& ref) {
    ASSIGN_OR_RETURN(const std::optional<internal::DelegationState> delegation, FindDelegation(rows_, ref.id()));
    if (!delegation.has_value()) {
      return Refuse(v1::REFERENCE_INVALID, "header.refs", Text("no delegation \"", ref.id(), "\" is recorded"));
    }
    const std::string name = Text("delegation \"", ref.id(), "\" ");
    ASSIGN_OR_RETURN(const std::string why, WhyNotDelegated(rows_, *delegation, writer_.agent, writer_.at));
    if (!why.empty()) return NoRole("header.refs", name + why);
    if (std::find(roles_.begin(), roles_.end(), delegation->role()) == roles_.end()) {
      return NoRole("header.refs",
                    Text(name, "is of ", v1::Role_Name(delegation->role()), ", which may not write ", what_));
    }
    const v1::EventHeader& header = about_.header->fields;
    if (!IsOfVersion(delegation->envelope(), FindReference(header, "envelope"))) {
      return OutOfScope("header.refs", Text(name, "is for envelope ", delegation->envelope()));
    }
    if (!IsOfVersion(delegation->protocol(), FindReference(header, "protocol"))) {
      return OutOfScope("header.refs", Text(name, "is for protocol ", delegation->protocol()));
    }
    ASSIGN_OR_RETURN(const std::string outside, WhyOutOfScope(rows_, delegation->scope(), matter_));
    if (!outside.empty()) return OutOfScope("header.refs", name + outside);
    // Nobody hands on more than they have.
    ASSIGN_OR_RETURN(const std::vector<v1::Scope> own,
                     ScopesOfRole(rows_, delegation->from(), delegation->role(), writer_.at));
    std::string beyond;
    for (const v1::Scope& scope : own) {
      ASSIGN_OR_RETURN(beyond, WhyOutOfScope(rows_, scope, matter_));
      if (beyond.empty()) return OkStatus();
    }
    return OutOfScope("header.refs", Text("the role of who gave ", name, beyond));
  }

  const Writer& writer_;
  const std::vector<v1::Role>& roles_;
  const RecordedEvent& about_;
  const std::string_view what_;
  const RowFinder& rows_;
  Matter matter_;
};

}  // namespace

Status CheckRoles(const Writer& writer, const std::vector<v1::Role>& roles, const RecordedEvent& about,
                  std::string_view what, const RowFinder& rows) {
  return RoleCheck(writer, roles, about, what, rows).Run();
}

std::vector<v1::Role> WriterRoles(const EventType& type) {
  std::vector<v1::Role> roles;
  for (const int number : type.options->writer_roles()) roles.push_back(static_cast<v1::Role>(number));
  return roles;
}

std::vector<v1::Role> RolesAskedOf(const RecordedEvent& event) {
  const v1::Agent& actor = event.header->fields.actor();
  const auto is_actor = [&actor](const v1::EntityRef* ref) {
    return ref != nullptr && ref->kind() == actor.kind() && ref->id() == actor.id();
  };
  const v1::EntityRef* unit = FindReference(event.header->fields, "unit");
  const bool of_itself = event.type->options->observation() && actor.kind() == "device_unit" && is_actor(unit);
  const bool own_key = event.type->body == v1::CredentialReportedLost::descriptor() &&
                       is_actor(FindReference(event.header->fields, "holder"));
  return of_itself || own_key ? std::vector<v1::Role>() : WriterRoles(*event.type);
}

}  // namespace anamnesis
