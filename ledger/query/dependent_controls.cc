#include "ledger/query/dependent_controls.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "ledger/query/control_closure.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/item_tree.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis {
namespace {

bool Names(const Fact& fact, std::string_view role, const EntityName& entity) {
  const auto& refs = fact.header().refs();
  return std::any_of(refs.begin(), refs.end(),
                     [&](const v1::EntityRef& ref) { return ref.role() == role && NameOf(ref) == entity; });
}

bool ReliesOn(const Fact& definition, std::string_view kind, const EntityName& entity) {
  const auto& refs = definition.header().refs();
  return std::any_of(refs.begin(), refs.end(),
                     [&](const v1::EntityRef& ref) { return NameOf(ref) == entity && IsReliedOn(kind, ref); });
}

class Search {
 public:
  explicit Search(Facts& facts) : facts_(facts) {}

  StatusOr<std::vector<v1::TraceAnswer::DependentControl>> From(const EntityName& start) {
    above_.insert(start);
    below_.insert(start);
    Reach(start, start);
    while (!queue_.empty()) {
      const EntityName entity = queue_.front();
      queue_.pop_front();
      RETURN_IF_ERROR(Step(entity));
    }
    return std::move(found_);
  }

 private:
  void Reach(const EntityName& entity, const EntityName& over) {
    if (over_.emplace(entity, over).second) queue_.push_back(entity);
  }

  void Use(const Fact& fact, const EntityName& next, const EntityName& entity) {
    facts_.Cite(fact.event.index);
    Reach(next, entity);
  }

  // What may behave differently once the entity does.
  Status Step(const EntityName& entity) {
    if (entity.first == "software_item") RETURN_IF_ERROR(AddContaining(entity));
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(ToEntity(entity), "", kQuestionEventsMax));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts()) continue;
      if (below_.count(entity) > 0) AddParts(*fact, entity);
      const v1::EntityRef* defined = SubjectOf(*fact);
      if (defined == nullptr || NameOf(*defined) == entity) continue;
      if (ReliesOn(*fact, defined->kind(), entity)) RETURN_IF_ERROR(AddRelying(*defined, entity));
      // SOUP doesn't rely on the items that use it, but who relies on it relies on their part of it.
      const bool is_own = above_.count(entity) > 0 || below_.count(entity) > 0;
      if (is_own && defined->kind() == "soup" && Names(*fact, "item", entity)) Use(*fact, NameOf(*defined), entity);
    }
    return OkStatus();
  }

  Status AddContaining(const EntityName& item) {
    ASSIGN_OR_RETURN(const std::vector<ContainingItem> containing, DirectlyContaining(facts_, item.second));
    for (const ContainingItem& each : containing) {
      const EntityName name("software_item", each.id);
      if (above_.count(item) > 0) above_.insert(name);
      Use(*each.said_by, name, item);
    }
    return OkStatus();
  }

  // A change of an item may change any part of it.
  void AddParts(const Fact& fact, const EntityName& item) {
    const auto add = [&](const EntityName& part) {
      below_.insert(part);
      Use(fact, part, item);
    };
    const bool is_part = fact.type() == "software_item.identified" && Names(fact, "parent", item);
    if (is_part) add(NameOf(*FindReference(fact.header(), "item")));
    if (fact.type() != "software_item.decomposed" || !Names(fact, "item", item)) return;
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (ref.role() == "part") add(NameOf(ref));
    }
  }

  // Unless its newest definition no longer relies on the entity.
  Status AddRelying(const v1::EntityRef& relying, const EntityName& entity) {
    ASSIGN_OR_RETURN(const Fact* newest, ReliedOnDefinition(facts_, relying, StandsEarlier));
    if (newest == nullptr || !ReliesOn(*newest, relying.kind(), entity)) return OkStatus();
    const bool is_new = over_.count(NameOf(relying)) == 0;
    Use(*newest, NameOf(relying), entity);
    if (is_new && relying.kind() == "risk_control") AddControl(*newest, NameOf(relying));
    return OkStatus();
  }

  void AddControl(const Fact& newest, const EntityName& control) {
    v1::TraceAnswer::DependentControl& dependent = found_.emplace_back();
    *dependent.mutable_control() = ToEntity(control);
    dependent.set_leaf(newest.event.index.value);
    for (EntityName at = control; over_.at(at) != at;) {
      at = over_.at(at);
      *dependent.add_path() = ToEntity(at);
    }
  }

  Facts& facts_;
  std::deque<EntityName> queue_;
  // From what each was reached; the start from itself.
  std::map<EntityName, EntityName> over_;
  // The start with what contains it, and with its parts.
  std::set<EntityName> above_;
  std::set<EntityName> below_;
  std::vector<v1::TraceAnswer::DependentControl> found_;
};

}  // namespace

StatusOr<std::vector<v1::TraceAnswer::DependentControl>> ControlsDependingOn(Facts& facts,
                                                                             const v1::EntityRef& entity) {
  return Search(facts).From(NameOf(entity));
}

}  // namespace anamnesis
