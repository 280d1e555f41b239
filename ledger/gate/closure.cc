#include "ledger/gate/closure.h"

#include <algorithm>
#include <deque>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/control_closure.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/item_tree.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis::gate {
namespace {

constexpr size_t kItemsMax = 10'000;

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

// Whether what is relied on is the item, contains it, or is a part of it. `affected` is what contains the item, and
// itself.
StatusOr<bool> Meets(Facts& facts, const std::vector<ReliedOn>& relied_on, const std::string& item,
                     const std::set<std::string>& affected) {
  const auto meets = [&](const std::string& met) -> StatusOr<bool> {
    if (affected.count(met) > 0) return true;
    ASSIGN_OR_RETURN(const std::set<std::string> above, ItemAndContaining(facts, met));
    return above.count(item) > 0;
  };
  for (const ReliedOn& each : relied_on) {
    std::vector<std::string> met;
    if (each.entity.kind() == "software_item") met.push_back(each.entity.id());
    // SOUP belongs to the items that use it; it relies on none of them.
    if (each.entity.kind() == "soup" && each.defined != nullptr) {
      for (const v1::EntityRef& ref : each.defined->header().refs()) {
        if (ref.role() == "item") met.push_back(ref.id());
      }
    }
    for (const std::string& one : met) {
      ASSIGN_OR_RETURN(const bool does, meets(one));
      if (does) return true;
    }
  }
  return false;
}

// Fills in all but the name; whether the control is affected.
StatusOr<bool> Follow(Facts& facts, const std::string& item, const std::set<std::string>& affected,
                      AffectedControl& control) {
  ASSIGN_OR_RETURN(const ControlClosure closure, ClosureOf(facts, control.control, RecordedEarlier));
  control.defined = closure.defined();
  control.changed = closure.Newest(RecordedEarlier);
  control.unknown_because = closure.unknown_because;
  if (!control.unknown_because.empty()) return true;
  return Meets(facts, closure.reached, item, affected);
}

}  // namespace

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
    ASSIGN_OR_RETURN(const bool meets, Follow(s.facts, s.item->id(), items, each));
    if (meets) affected.push_back(std::move(each));
  }
  return affected;
}

}  // namespace anamnesis::gate
