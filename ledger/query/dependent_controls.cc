#include "ledger/query/dependent_controls.h"

#include <deque>
#include <map>

#include "ledger/query/item_scope.h"

namespace anamnesis {
namespace {

class Search {
 public:
  explicit Search(Facts& facts) : facts_(facts) {}

  StatusOr<std::vector<v1::TraceAnswer::DependentControl>> From(const EntityName& start) {
    Reach(start, start);
    std::vector<v1::TraceAnswer::DependentControl> found;
    while (!queue_.empty()) {
      const EntityName entity = queue_.front();
      queue_.pop_front();
      RETURN_IF_ERROR(Step(entity, found));
    }
    return found;
  }

 private:
  void Reach(const EntityName& entity, const EntityName& over) {
    if (over_.emplace(entity, over).second) queue_.push_back(entity);
  }

  // What relies on the entity: whatever says so, whatever it is a part of, and what is made for it.
  Status Step(const EntityName& entity, std::vector<v1::TraceAnswer::DependentControl>& found) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(ToEntity(entity), "", kQuestionEventsMax));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts()) continue;
      const v1::EntityRef* item = FindReference(fact->header(), "item");
      const bool relies = Names(*fact, "depends_on", entity);
      if (fact->type() == "software_item.identified" && relies) Use(*fact, NameOf(*item), entity);
      if (fact->type() == "software_item.identified" && NameOf(*item) == entity) {
        const v1::EntityRef* parent = FindReference(fact->header(), "parent");
        if (parent != nullptr) Use(*fact, NameOf(*parent), entity);
      }
      const bool made_for = (fact->type() == "model.registered" || fact->type() == "requirement.approved" ||
                             fact->type() == "requirement.revised") &&
                            item != nullptr && NameOf(*item) == entity;
      if (made_for) Use(*fact, NameOf(*DefinedBy(*fact)), entity);
      const bool uses_soup = (fact->type() == "soup.identified" || fact->type() == "soup.version_changed") &&
                             Names(*fact, "soup", entity) && item != nullptr;
      if (uses_soup) Use(*fact, NameOf(*item), entity);
      const bool is_control = fact->type() == "risk_control.defined" || fact->type() == "risk_control.revised";
      if (is_control && relies) RETURN_IF_ERROR(AddControl(*FindReference(fact->header(), "control"), entity, found));
    }
    return OkStatus();
  }

  static bool Names(const Fact& fact, std::string_view role, const EntityName& entity) {
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (ref.role() == role && NameOf(ref) == entity) return true;
    }
    return false;
  }

  void Use(const Fact& fact, const EntityName& next, const EntityName& entity) {
    facts_.Cite(fact.event.index);
    Reach(next, entity);
  }

  // Unless its newest definition no longer relies on the entity.
  Status AddControl(const v1::EntityRef& control, const EntityName& entity,
                    std::vector<v1::TraceAnswer::DependentControl>& found) {
    if (controls_.count(control.id()) > 0) return OkStatus();
    const v1::EntityRef any = ToEntity(NameOf(control));
    const Fact* newest = nullptr;
    for (const std::string_view type : {"risk_control.defined", "risk_control.revised"}) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> facts, facts_.OfType(any, "control", type, kQuestionEventsMax));
      if (facts.empty()) continue;
      if (newest == nullptr || newest->event.index < facts.back()->event.index) newest = facts.back();
    }
    if (newest == nullptr || !Names(*newest, "depends_on", entity)) return OkStatus();
    controls_.insert(control.id());
    facts_.Cite(newest->event.index);
    v1::TraceAnswer::DependentControl dependent;
    *dependent.mutable_control() = any;
    dependent.set_leaf(newest->event.index.value);
    for (EntityName at = entity;; at = over_.at(at)) {
      *dependent.add_path() = ToEntity(at);
      if (over_.at(at) == at) break;
    }
    found.push_back(std::move(dependent));
    return OkStatus();
  }

  Facts& facts_;
  std::deque<EntityName> queue_;
  // From what each was reached; the start from itself.
  std::map<EntityName, EntityName> over_;
  std::set<std::string> controls_;
};

}  // namespace

StatusOr<std::vector<v1::TraceAnswer::DependentControl>> ControlsDependingOn(Facts& facts,
                                                                             const v1::EntityRef& entity) {
  return Search(facts).From(NameOf(entity));
}

}  // namespace anamnesis
