#include "ledger/state/delegations.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/names.h"
#include "ledger/state/authority.h"
#include "ledger/state/corrections.h"
#include "ledger/state/edges.h"
#include "ledger/state/entities.h"
#include "ledger/state/last_counting.h"
#include "ledger/state/projection_damage.h"
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

void Keep(const DelegationState& state, std::string_view id, RowOverlay& rows) {
  rows.Put(Family::kAuthority, DelegationKey(id), state.SerializeAsString());
}

// Of several withdrawals the one with the earliest effect: who says a later time can't pre-empt who says an earlier
// one.
void AddWithdrawal(const RecordedEvent& event, const v1::AuthorityWithdrawn& body, DelegationState& state) {
  const int64_t from_us = body.effective_from_us() == 0 ? event.recorded.us : body.effective_from_us();
  if (state.has_withdrawn_index() && state.withdrawn_from_us() <= from_us) return;
  state.set_withdrawn_index(event.index.value);
  state.set_withdrawn_from_us(from_us);
}

// Finds anew which withdrawal ends the delegation, of those that count.
Status FindWithdrawal(std::string_view id, const RowFinder& rows, DelegationState& state) {
  v1::EntityRef delegation;
  delegation.set_kind("delegation");
  delegation.set_id(std::string(id));
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> withdrawals,
                   AllCounting(rows, TypedEdgesPrefix(delegation, "authority.withdrawn")));
  state.clear_withdrawn_index();
  state.clear_withdrawn_from_us();
  for (const LeafIndex index : withdrawals) {
    ASSIGN_OR_RETURN(const LoadedEvent each, LoadEvent(rows, index));
    const auto* body = BodyAs<v1::AuthorityWithdrawn>(each.body.get());
    if (body != nullptr) AddWithdrawal(each.view(), *body, state);
  }
  return OkStatus();
}

// One that takes the place of another goes on where that stands: with its uses and its withdrawals.
Status FoldDelegated(const RecordedEvent& event, const v1::AuthorityDelegated& body, RowOverlay& rows) {
  const v1::EventHeader& header = event.header->fields;
  const std::string& id = FindReference(header, "delegation")->id();
  ASSIGN_OR_RETURN(const std::optional<DelegationState> before, FindDelegation(rows, id));
  DelegationState state;
  if (before.has_value()) state.set_uses(before->uses());
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
  RETURN_IF_ERROR(FindWithdrawal(id, rows, state));
  Keep(state, id, rows);
  return OkStatus();
}

Status FoldDelegationWithdrawn(const RecordedEvent& event, const v1::AuthorityWithdrawn& body, RowOverlay& rows) {
  const std::string& id = FindReference(event.header->fields, "delegation")->id();
  ASSIGN_OR_RETURN(std::optional<DelegationState> state, FindDelegation(rows, id));
  if (!state.has_value()) return OkStatus();
  AddWithdrawal(event, body, *state);
  Keep(*state, id, rows);
  return OkStatus();
}

// A correction can take a withdrawal back, or let it count again.
Status FoldCorrectedWithdrawals(const RecordedEvent& event, RowOverlay& rows) {
  if (event.header->fields.corrects().empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::vector<LoadedEvent> chain, CorrectedChain(rows, event));
  for (const LoadedEvent& corrected : chain) {
    if (corrected.type->body != v1::AuthorityWithdrawn::descriptor()) continue;
    const std::string& id = FindReference(corrected.header.fields, "delegation")->id();
    ASSIGN_OR_RETURN(std::optional<DelegationState> state, FindDelegation(rows, id));
    if (!state.has_value()) continue;
    RETURN_IF_ERROR(FindWithdrawal(id, rows, *state));
    Keep(*state, id, rows);
  }
  return OkStatus();
}

Status FoldUse(const v1::EntityRef& delegation, RowOverlay& rows) {
  ASSIGN_OR_RETURN(std::optional<DelegationState> state, FindDelegation(rows, delegation.id()));
  if (!state.has_value()) return OkStatus();
  state->set_uses(state->uses() + 1);
  Keep(*state, delegation.id(), rows);
  return OkStatus();
}

// What a body says about where it has effect: its field `jurisdiction` or `jurisdictions`, or that of its `terms`.
std::optional<std::vector<std::string>> JurisdictionsOf(const Message* body) {
  if (body == nullptr) return std::nullopt;
  const google::protobuf::Reflection& reflection = *body->GetReflection();
  const FieldDescriptor* one = body->GetDescriptor()->FindFieldByName("jurisdiction");
  if (one != nullptr && !one->is_repeated() && one->type() == FieldDescriptor::TYPE_STRING) {
    const std::string& named = reflection.GetString(*body, one);
    return named.empty() ? std::vector<std::string>() : std::vector<std::string>{named};
  }
  const FieldDescriptor* several = body->GetDescriptor()->FindFieldByName("jurisdictions");
  if (several != nullptr && several->is_repeated() && several->type() == FieldDescriptor::TYPE_STRING) {
    std::vector<std::string> named;
    for (int i = 0; i < reflection.FieldSize(*body, several); ++i) {
      named.push_back(reflection.GetRepeatedString(*body, several, i));
    }
    return named;
  }
  const FieldDescriptor* terms = body->GetDescriptor()->FindFieldByName("terms");
  if (terms == nullptr || terms->is_repeated() || terms->message_type() == nullptr) return std::nullopt;
  return JurisdictionsOf(&reflection.GetMessage(*body, terms));
}

v1::SoftwareSafetyClass ClassIn(const Message* body) {
  const FieldDescriptor* field = body == nullptr ? nullptr : body->GetDescriptor()->FindFieldByName("safety_class");
  const bool is_class = field != nullptr && !field->is_repeated() &&
                        field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
                        field->enum_type() == v1::SoftwareSafetyClass_descriptor();
  if (!is_class) return v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  return static_cast<v1::SoftwareSafetyClass>(body->GetReflection()->GetEnumValue(*body, field));
}

bool Defines(const EventType& type, std::string_view role) {
  return std::any_of(type.options->refs().begin(), type.options->refs().end(),
                     [&](const v1::ReferenceRule& rule) { return rule.role() == role && rule.defines(); });
}

// Finds out what an event is about, over the records that it refers to.
class MatterFinder {
 public:
  MatterFinder(const RowFinder& rows, Matter& matter) : rows_(rows), matter_(matter) {}

  Status Find(const RecordedEvent& event) {
    matter_.safety_class = ClassIn(event.body);
    matter_.jurisdictions = JurisdictionsOf(event.body);
    return FollowAll(event, 0);
  }

 private:
  // From an event to a hold, to the artifact that it is on, to that one's item.
  static constexpr size_t kDepthMax = 3;

  Status FollowAll(const RecordedEvent& event, size_t depth) {
    for (const v1::EntityRef& ref : event.header->fields.refs()) {
      const size_t known = matter_.items.size();
      RETURN_IF_ERROR(Follow(event, ref, depth));
      // Each of several: what is about a site as well is not about one item only.
      if (IsScope(ref) && matter_.items.size() == known) matter_.items_unknown = true;
    }
    return OkStatus();
  }

  static bool IsScope(const v1::EntityRef& ref) { return ref.role() == "scope" || ref.role() == "affected"; }

  Status Follow(const RecordedEvent& event, const v1::EntityRef& ref, size_t depth) {
    const std::string& kind = ref.kind();
    const bool is_about = ref.role() == kind || IsScope(ref);
    if (kind == "software_item" && (ref.role() == "item" || IsScope(ref))) matter_.items.push_back(ref.id());
    const bool stands_against = kind == "hold" || (is_about && (kind == "problem" || kind == "field_action"));
    // It does so everywhere.
    if (stands_against) AddJurisdictions({});
    const bool has_item = is_about && (kind == "artifact" || kind == "certification" || stands_against);
    const bool has_place = is_about && (kind == "authorisation" || kind == "change_plan");
    if (!(has_item || has_place) || Defines(*event.type, ref.role()) || depth >= kDepthMax) return OkStatus();
    const size_t known = matter_.items.size();
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindDefinition(rows_, ref));
    if (index.has_value()) {
      ASSIGN_OR_RETURN(const LoadedEvent defined, LoadEvent(rows_, *index));
      if (has_place) {
        const std::optional<std::vector<std::string>> places = JurisdictionsOf(defined.body.get());
        if (places.has_value()) AddJurisdictions(*places);
      }
      RETURN_IF_ERROR(FollowAll(defined.view(), depth + 1));
    }
    if (has_item && matter_.items.size() == known) matter_.items_unknown = true;
    return OkStatus();
  }

  // Whoever changes what holds in one jurisdiction so that it holds in another changes both. None named is all.
  void AddJurisdictions(const std::vector<std::string>& places) {
    std::optional<std::vector<std::string>>& known = matter_.jurisdictions;
    if (!known.has_value() || places.empty()) {
      known = places;
    } else if (!known->empty()) {
      known->insert(known->end(), places.begin(), places.end());
    }
  }

  const RowFinder& rows_;
  Matter& matter_;
};

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
    return ProjectionDamage("a delegation's row is damaged");
  }
  return std::optional<DelegationState>(std::move(state));
}

StatusOr<std::string> WhyNotDelegated(const RowFinder& rows, const DelegationState& delegation, const v1::Agent& agent,
                                      Timestamp at) {
  if (agent.kind() != delegation.to().kind() || agent.id() != delegation.to().id()) {
    return Text("lets ", AgentText(delegation.to()), " act, not ", AgentText(agent));
  }
  ASSIGN_OR_RETURN(const bool counts, StillCounts(rows, LeafIndex(delegation.delegated_index())));
  if (!counts) return Text("was taken back (leaf ", delegation.delegated_index(), ")");
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

StatusOr<Matter> MatterOf(const RowFinder& rows, const RecordedEvent& event) {
  Matter matter;
  RETURN_IF_ERROR(MatterFinder(rows, matter).Find(event));
  return matter;
}

StatusOr<std::string> WhyOutOfScope(const RowFinder& rows, const v1::Scope& scope, const Matter& matter,
                                    TreeSize size) {
  const bool has_class_max = scope.class_max() != v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  if (matter.items_unknown && (has_class_max || !scope.items().empty())) {
    return std::string("covers some software items only, and nothing says which one this is about");
  }
  if (has_class_max && matter.safety_class > scope.class_max()) {
    return Text("doesn't reach ", v1::SoftwareSafetyClass_Name(matter.safety_class));
  }
  for (const std::string& item : matter.items) {
    ASSIGN_OR_RETURN(const ItemPath path, ItemAndAbove(rows, item, size));
    const bool covered =
        scope.items().empty() || std::any_of(path.items.begin(), path.items.end(),
                                             [&](const std::string& name) { return Holds(scope.items(), name); });
    if (!covered) return Text("doesn't cover software item \"", item, "\"");
    if (!has_class_max) continue;
    ASSIGN_OR_RETURN(const ItemClass found, ClassOfItemAt(rows, item, size));
    if (found.safety_class <= scope.class_max()) continue;
    return Text("doesn't reach the class of \"", item, "\", ", v1::SoftwareSafetyClass_Name(found.safety_class));
  }
  if (!matter.jurisdictions.has_value() || scope.jurisdictions().empty()) return std::string();
  if (matter.jurisdictions->empty()) return std::string("doesn't cover all jurisdictions, where this has effect");
  for (const std::string& jurisdiction : *matter.jurisdictions) {
    if (!Holds(scope.jurisdictions(), jurisdiction)) return Text("doesn't cover jurisdiction ", jurisdiction);
  }
  return std::string();
}

bool IsOfVersion(std::string_view limit, const v1::EntityRef* entity) {
  return limit.empty() || (entity != nullptr && limit == VersionedName(entity));
}

bool DelegationsReadBody(const EventType& type) {
  return type.body == v1::AuthorityDelegated::descriptor() || type.body == v1::AuthorityWithdrawn::descriptor();
}

Status FoldDelegations(const RecordedEvent& event, RowOverlay& rows) {
  if (const auto* body = BodyAs<v1::AuthorityDelegated>(event.body)) return FoldDelegated(event, *body, rows);
  if (const auto* body = BodyAs<v1::AuthorityWithdrawn>(event.body)) {
    RETURN_IF_ERROR(FoldDelegationWithdrawn(event, *body, rows));
    return FoldCorrectedWithdrawals(event, rows);
  }
  RETURN_IF_ERROR(FoldCorrectedWithdrawals(event, rows));
  const v1::EntityRef* used = FindReference(event.header->fields, "delegation");
  return used == nullptr ? OkStatus() : FoldUse(*used, rows);
}

}  // namespace anamnesis
