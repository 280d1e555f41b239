#include "ledger/gate/closure.h"

#include <algorithm>
#include <deque>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/edges.h"

namespace anamnesis::gate {
namespace {

// How far dependencies of a risk control, and trees of items, are followed.
constexpr size_t kDependenciesMax = 1000;
constexpr size_t kItemsMax = 10'000;

// The items that directly contain one: by what identified it, and by what decomposed another into it.
StatusOr<std::vector<std::string>> Containing(Facts& facts, const std::string& item) {
  std::vector<std::string> found;
  const v1::EntityRef name = ToEntity({"software_item", item});
  ASSIGN_OR_RETURN(const Fact* identified, facts.Definition(name));
  const v1::EntityRef* parent = identified == nullptr ? nullptr : FindReference(identified->header(), "parent");
  if (parent != nullptr) found.push_back(parent->id());
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> parted,
                   ReferencesTo(facts.rows(), name.kind(), item, "", "part", facts.size(), kItemsMax));
  for (const LeafIndex index : parted) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    const bool decomposes = fact->counts() && fact->type() == "software_item.decomposed";
    if (decomposes) found.push_back(FindReference(fact->header(), "item")->id());
  }
  return found;
}

// The parts of an item that say so themselves, and theirs.
StatusOr<std::set<std::string>> PartsOf(Facts& facts, const std::string& item) {
  std::set<std::string> parts;
  std::deque<std::string> waiting = {item};
  while (!waiting.empty()) {
    const std::string next = std::move(waiting.front());
    waiting.pop_front();
    ASSIGN_OR_RETURN(const std::vector<const Fact*> naming,
                     facts.Typed(ToEntity({"software_item", next}), "software_item.identified"));
    for (const Fact* fact : naming) {
      const v1::EntityRef* parent = FindReference(fact->header(), "parent");
      if (parent == nullptr || parent->id() != next) continue;
      const std::string& part = FindReference(fact->header(), "item")->id();
      if (parts.insert(part).second) waiting.push_back(part);
    }
    if (parts.size() > kItemsMax) return absl::ResourceExhaustedError(Text("too many items are parts of ", item));
  }
  return parts;
}

// The newest definition of a control.
StatusOr<const Fact*> DefinitionOfControl(Facts& facts, const v1::EntityRef& control) {
  const v1::EntityRef bare = Bare(control, true);
  const Fact* newest = nullptr;
  for (const std::string_view type : {"risk_control.defined", "risk_control.revised"}) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.Typed(bare, type));
    for (const Fact* fact : found) {
      if (FindReference(fact->header(), "control")->id() != control.id()) continue;
      if (newest == nullptr || newest->event.index < fact->event.index) newest = fact;
    }
  }
  return newest;
}

// Everything that a control relies on.
class Closure {
 public:
  // `affected` is what contains the item, and itself.
  Closure(Facts& facts, const std::string& item, const std::set<std::string>& affected)
      : facts_(facts), item_(item), affected_(affected) {}

  // Fills in all but the name; whether the control is affected.
  StatusOr<bool> Follow(AffectedControl& control) {
    Reach(control.control);
    while (!waiting_.empty() && control.unknown_because.empty()) {
      const v1::EntityRef next = std::move(waiting_.front());
      waiting_.pop_front();
      RETURN_IF_ERROR(Visit(next, control));
    }
    return meets_ || !control.unknown_because.empty();
  }

 private:
  void Reach(const v1::EntityRef& ref) {
    // Of requirements the newest version is what there is to fulfil.
    const bool versioned = ref.kind() == "soup" || ref.kind() == "model";
    v1::EntityRef name = Bare(ref, !versioned);
    if (seen_.insert(EntityKeyText(name)).second) waiting_.push_back(std::move(name));
  }

  StatusOr<const Fact*> DefinitionOf(const v1::EntityRef& ref) {
    if (ref.kind() == "risk_control") return DefinitionOfControl(facts_, ref);
    if (ref.kind() == "software_item" || !ref.version().empty()) return facts_.Definition(ref);
    return NewestDefinition(facts_, ref);
  }

  Status Visit(const v1::EntityRef& ref, AffectedControl& control) {
    ASSIGN_OR_RETURN(const Fact* defined, DefinitionOf(ref));
    if (ref.kind() == "software_item") RETURN_IF_ERROR(Meet(ref.id()));
    if (defined == nullptr) {
      control.unknown_because = Text("relies on ", EntityKeyText(ref), ", of which nothing is recorded");
      if (control.defined == nullptr) control.unknown_because = "is not defined any more";
      return OkStatus();
    }
    if (control.defined == nullptr) control.defined = defined;
    if (control.changed == nullptr || control.changed->event.index < defined->event.index) control.changed = defined;
    for (const v1::EntityRef& next : defined->header().refs()) {
      if (IsReliedOn(ref.kind(), next)) Reach(next);
      // SOUP belongs to the items that use it; it relies on none of them.
      if (ref.kind() == "soup" && next.role() == "item") RETURN_IF_ERROR(Meet(next.id()));
    }
    if (seen_.size() > kDependenciesMax) {
      control.unknown_because = Text("relies on more than ", kDependenciesMax, " others");
    }
    return OkStatus();
  }

  // Whether what defines an entity of a kind names by this reference something that it relies on.
  static bool IsReliedOn(std::string_view of_kind, const v1::EntityRef& ref) {
    const std::string& role = ref.role();
    if (of_kind == "risk_control") return role == "depends_on" || role == "requirement";
    if (of_kind == "software_item") return role == "depends_on";
    if (of_kind == "model") return role == "item" || role == "soup";
    const bool source = role == "source" && (ref.kind() == "requirement" || ref.kind() == "risk_control");
    return of_kind == "requirement" && (role == "item" || source);
  }

  // The item is what is adapted, contains that, or is a part of it.
  Status Meet(const std::string& item) {
    if (meets_) return OkStatus();
    ASSIGN_OR_RETURN(const std::set<std::string> above, ItemAndContaining(facts_, item));
    meets_ = affected_.count(item) > 0 || above.count(item_) > 0;
    return OkStatus();
  }

  Facts& facts_;
  const std::string& item_;
  const std::set<std::string>& affected_;
  std::deque<v1::EntityRef> waiting_;
  std::set<std::string> seen_;
  bool meets_ = false;
};

}  // namespace

StatusOr<std::set<std::string>> ItemAndContaining(Facts& facts, const std::string& item) {
  std::set<std::string> items = {item};
  std::deque<std::string> waiting = {item};
  while (!waiting.empty()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> containing, Containing(facts, waiting.front()));
    waiting.pop_front();
    for (const std::string& each : containing) {
      if (items.insert(each).second) waiting.push_back(each);
    }
    if (items.size() > kItemsMax) return absl::ResourceExhaustedError(Text("too many items contain ", item));
  }
  return items;
}

StatusOr<const Fact*> RiskControlSet(Subject& s) {
  if (s.envelopes.empty()) return nullptr;
  const v1::EntityRef* set = FindReference(s.envelopes.front().approved->header(), "risk_control_set");
  if (set == nullptr) return nullptr;
  return NewestDefinition(s.facts, *set);
}

StatusOr<std::vector<AffectedControl>> AffectedControls(Subject& s) {
  std::vector<AffectedControl> affected;
  if (s.item == nullptr) return affected;
  ASSIGN_OR_RETURN(const std::set<std::string> items, ItemAndContaining(s.facts, s.item->id()));
  std::map<std::string, v1::EntityRef> candidates;
  ASSIGN_OR_RETURN(const Fact* set, RiskControlSet(s));
  if (set != nullptr) {
    for (const v1::EntityRef& ref : set->header().refs()) {
      if (ref.role() == "member") candidates[ref.id()] = Bare(ref, true);
    }
  }
  // Those that name an affected item themselves may be missing from the set.
  ASSIGN_OR_RETURN(std::set<std::string> named, PartsOf(s.facts, s.item->id()));
  named.insert(items.begin(), items.end());
  for (const std::string& id : named) {
    const v1::EntityRef item = ToEntity({"software_item", id});
    for (const std::string_view type : {"risk_control.defined", "risk_control.revised"}) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> facts, s.facts.Typed(item, type));
      for (const Fact* fact : facts) {
        const v1::EntityRef& control = *FindReference(fact->header(), "control");
        candidates[control.id()] = Bare(control, true);
      }
    }
  }
  for (const auto& [id, control] : candidates) {
    AffectedControl each;
    each.control = control;
    ASSIGN_OR_RETURN(const bool meets, Closure(s.facts, s.item->id(), items).Follow(each));
    if (meets) affected.push_back(std::move(each));
  }
  return affected;
}

}  // namespace anamnesis::gate
