#include "ledger/query/control_closure.h"

#include <deque>
#include <set>

#include "ledger/event/names.h"
#include "ledger/query/any_version.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis {
namespace {

constexpr size_t kDependenciesMax = 1000;

// The entity as it is relied on: of requirements the newest version is what there is to fulfil.
v1::EntityRef ReliedOnName(const v1::EntityRef& ref) {
  v1::EntityRef name;
  name.set_kind(ref.kind());
  name.set_id(ref.id());
  if (ref.kind() == "soup" || ref.kind() == "model") name.set_version(ref.version());
  return name;
}

// The newest definition of a control; nullptr when there is none.
StatusOr<const Fact*> DefinitionOfControl(Facts& facts, const v1::EntityRef& control, IsEarlier earlier) {
  std::vector<const Fact*> definitions;
  for (const std::string_view type : {"risk_control.defined", "risk_control.revised"}) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.Typed(control, type));
    for (const Fact* fact : found) {
      if (FindReference(fact->header(), "control")->id() == control.id()) definitions.push_back(fact);
    }
  }
  return NewestOf(definitions, earlier);
}

class Walk {
 public:
  Walk(Facts& facts, IsEarlier earlier) : facts_(facts), earlier_(earlier) {}

  StatusOr<ControlClosure> From(const v1::EntityRef& control) {
    Reach(control);
    while (!waiting_.empty() && seen_.size() <= kDependenciesMax) {
      const v1::EntityRef next = std::move(waiting_.front());
      waiting_.pop_front();
      RETURN_IF_ERROR(Visit(next));
    }
    if (seen_.size() > kDependenciesMax && closure_.unknown_because.empty()) {
      closure_.unknown_because = Text("relies on more than ", kDependenciesMax, " others");
    }
    return std::move(closure_);
  }

 private:
  void Reach(const v1::EntityRef& ref) {
    v1::EntityRef name = ReliedOnName(ref);
    if (seen_.insert(EntityKeyText(name)).second) waiting_.push_back(std::move(name));
  }

  Status Visit(const v1::EntityRef& ref) {
    ASSIGN_OR_RETURN(const Fact* defined, ReliedOnDefinition(facts_, ref, earlier_));
    closure_.reached.push_back({ref, defined});
    if (defined == nullptr) {
      if (!closure_.unknown_because.empty()) return OkStatus();
      closure_.unknown_because = closure_.reached.size() == 1
                                     ? "is not defined any more"
                                     : Text("relies on ", EntityKeyText(ref), ", of which nothing is recorded");
      return OkStatus();
    }
    for (const v1::EntityRef& next : defined->header().refs()) {
      if (IsReliedOn(ref.kind(), next)) Reach(next);
    }
    return OkStatus();
  }

  Facts& facts_;
  const IsEarlier earlier_;
  std::deque<v1::EntityRef> waiting_;
  std::set<std::string> seen_;
  ControlClosure closure_;
};

}  // namespace

const Fact* ControlClosure::Newest(IsEarlier earlier) const {
  std::vector<const Fact*> facts;
  for (const ReliedOn& each : reached) {
    if (each.defined != nullptr) facts.push_back(each.defined);
  }
  return NewestOf(facts, earlier);
}

StatusOr<const Fact*> ReliedOnDefinition(Facts& facts, const v1::EntityRef& ref, IsEarlier earlier) {
  const v1::EntityRef name = ReliedOnName(ref);
  if (name.kind() == "risk_control") return DefinitionOfControl(facts, name, earlier);
  const bool any_version = name.kind() != "software_item" && name.version().empty();
  ASSIGN_OR_RETURN(const std::vector<const Fact*> found,
                   any_version ? DefinitionsOfAnyVersion(facts, name) : facts.Definitions(name));
  return NewestOf(found, earlier);
}

StatusOr<ControlClosure> ClosureOf(Facts& facts, const v1::EntityRef& control, IsEarlier earlier) {
  return Walk(facts, earlier).From(control);
}

bool IsReliedOn(std::string_view of_kind, const v1::EntityRef& ref) {
  const std::string& role = ref.role();
  if (of_kind == "risk_control") return role == "depends_on" || role == "requirement";
  if (of_kind == "software_item") return role == "depends_on";
  if (of_kind == "model") return role == "item" || role == "soup";
  const bool source = role == "source" && (ref.kind() == "requirement" || ref.kind() == "risk_control");
  return of_kind == "requirement" && (role == "item" || source);
}

}  // namespace anamnesis
