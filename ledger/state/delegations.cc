#include "ledger/state/delegations.h"

#include <algorithm>
#include <vector>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/names.h"
#include "ledger/state/authority.h"
#include "ledger/state/software_items.h"

namespace anamnesis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using internal::DelegationState;

std::string DelegationKey(std::string_view id) { return Text('g', id); }

std::string VersionedName(const v1::EntityRef* entity) {
  return entity == nullptr ? std::string() : Text(entity->id(), "@", entity->version());
}

Status FoldDelegated(const RecordedEvent& event, const v1::AuthorityDelegated& body, RowOverlay& rows) {
  const v1::EventHeader& header = event.header->fields;
  DelegationState state;
  state.set_delegated_index(event.index.value);
  const v1::EntityRef& from = *FindReference(header, "from");
  state.mutable_from()->set_kind(from.kind());
  state.mutable_from()->set_id(from.id());
  const v1::EntityRef& to = *FindReference(header, "to");
  state.mutable_to()->set_kind(to.kind());
  state.mutable_to()->set_id(to.id());
  state.set_role(body.role());
  *state.mutable_scope() = body.scope();
  state.set_uses_max(body.uses_max());
  state.set_valid_until_us(body.valid_until_us());
  state.set_envelope(VersionedName(FindReference(header, "envelope")));
  state.set_protocol(VersionedName(FindReference(header, "protocol")));
  rows.Put(Family::kAuthority, DelegationKey(FindReference(header, "delegation")->id()), state.SerializeAsString());
  return OkStatus();
}

Status FoldDelegationWithdrawn(const RecordedEvent& event, const v1::AuthorityWithdrawn& body, RowOverlay& rows) {
  const std::string& id = FindReference(event.header->fields, "delegation")->id();
  ASSIGN_OR_RETURN(std::optional<DelegationState> state, FindDelegation(rows, id));
  if (!state.has_value() || state->has_withdrawn_index()) return OkStatus();
  state->set_withdrawn_index(event.index.value);
  state->set_withdrawn_from_us(body.effective_from_us() == 0 ? event.recorded.us : body.effective_from_us());
  rows.Put(Family::kAuthority, DelegationKey(id), state->SerializeAsString());
  return OkStatus();
}

Status FoldUse(const v1::EntityRef& delegation, RowOverlay& rows) {
  ASSIGN_OR_RETURN(std::optional<DelegationState> state, FindDelegation(rows, delegation.id()));
  if (!state.has_value()) return OkStatus();
  state->set_uses(state->uses() + 1);
  rows.Put(Family::kAuthority, DelegationKey(delegation.id()), state->SerializeAsString());
  return OkStatus();
}

// The jurisdiction that the event is about; empty when it is about none.
std::string JurisdictionOf(const Message* body) {
  if (body == nullptr) return "";
  const google::protobuf::Reflection& reflection = *body->GetReflection();
  const FieldDescriptor* field = body->GetDescriptor()->FindFieldByName("jurisdiction");
  if (field != nullptr && !field->is_repeated() && field->type() == FieldDescriptor::TYPE_STRING) {
    return reflection.GetString(*body, field);
  }
  const FieldDescriptor* terms = body->GetDescriptor()->FindFieldByName("terms");
  if (terms == nullptr || terms->is_repeated() || terms->message_type() == nullptr) return "";
  return JurisdictionOf(&reflection.GetMessage(*body, terms));
}

template <typename List>
bool Holds(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

StatusOr<std::optional<DelegationState>> FindDelegation(const RowFinder& rows, std::string_view id) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kAuthority, DelegationKey(id)));
  if (!value.has_value()) return std::optional<DelegationState>();
  DelegationState state;
  if (!state.ParseFromString(*value)) {
    return absl::DataLossError("a delegation's row is damaged; rebuild the projections");
  }
  return std::optional<DelegationState>(std::move(state));
}

StatusOr<std::string> WhyNotDelegated(const RowFinder& rows, const DelegationState& delegation, const v1::Agent& agent,
                                      Timestamp at) {
  if (agent.kind() != delegation.to().kind() || agent.id() != delegation.to().id()) {
    return Text("lets ", AgentText(delegation.to()), " act, not ", AgentText(agent));
  }
  if (delegation.has_withdrawn_index() && at.us >= delegation.withdrawn_from_us()) {
    return Text("was withdrawn (leaf ", delegation.withdrawn_index(), ")");
  }
  if (at.us >= delegation.valid_until_us()) {
    return Text("ended at ", FormatTime(Timestamp(delegation.valid_until_us())));
  }
  if (delegation.uses_max() != 0 && delegation.uses() >= delegation.uses_max()) {
    return Text("was used ", delegation.uses(), " times, which is all it allows");
  }
  ASSIGN_OR_RETURN(const bool holds, HoldsRole(rows, delegation.from(), delegation.role(), at));
  if (!holds) {
    return Text(AgentText(delegation.from()), ", who delegated it, doesn't hold ", v1::Role_Name(delegation.role()));
  }
  return std::string();
}

StatusOr<std::string> WhyOutOfScope(const RowFinder& rows, const v1::Scope& scope, const RecordedEvent& event) {
  const v1::EntityRef* item = FindReference(event.header->fields, "item");
  if (item != nullptr && item->kind() == "software_item") {
    ASSIGN_OR_RETURN(const std::vector<std::string> above, ItemAndAbove(rows, item->id()));
    const bool covered = scope.items().empty() || std::any_of(above.begin(), above.end(), [&](const std::string& name) {
                           return Holds(scope.items(), name);
                         });
    if (!covered) return Text("doesn't cover software item \"", item->id(), "\"");
    ASSIGN_OR_RETURN(const ItemClass found, ClassOfItem(rows, item->id()));
    if (scope.class_max() != v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED && found.safety_class > scope.class_max()) {
      return Text("doesn't reach the class of \"", item->id(), "\", ",
                  v1::SoftwareSafetyClass_Name(found.safety_class));
    }
  }
  const std::string jurisdiction = JurisdictionOf(event.body);
  if (!jurisdiction.empty() && !scope.jurisdictions().empty() && !Holds(scope.jurisdictions(), jurisdiction)) {
    return Text("doesn't cover jurisdiction ", jurisdiction);
  }
  return std::string();
}

bool DelegationsReadBody(const EventType& type) {
  return type.body == v1::AuthorityDelegated::descriptor() || type.body == v1::AuthorityWithdrawn::descriptor();
}

Status FoldDelegations(const RecordedEvent& event, RowOverlay& rows) {
  if (const auto* body = BodyAs<v1::AuthorityDelegated>(event.body)) return FoldDelegated(event, *body, rows);
  if (const auto* body = BodyAs<v1::AuthorityWithdrawn>(event.body)) return FoldDelegationWithdrawn(event, *body, rows);
  const v1::EntityRef* used = FindReference(event.header->fields, "delegation");
  return used == nullptr ? OkStatus() : FoldUse(*used, rows);
}

}  // namespace anamnesis
