#include <algorithm>
#include <deque>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"
#include "ledger/query/clause_evidence.h"
#include "ledger/query/dependent_controls.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/test_results.h"
#include "ledger/query/trace_matrix.h"
#include "ledger/query/wording.h"

namespace anamnesis {
namespace {

const int kHazardousSituation = TraceMatrix::ColumnOf("hazardous_situation");
const int kCause = TraceMatrix::ColumnOf("software_cause");
const int kControl = TraceMatrix::ColumnOf("risk_control");
const int kRequirement = TraceMatrix::ColumnOf("requirement");
const int kTest = TraceMatrix::ColumnOf("test");
const int kResult = TraceMatrix::ColumnOf("result");

class Filler {
 public:
  Filler(Facts& facts, const TraceMatrix& matrix, v1::TraceAnswer& answer)
      : facts_(facts), matrix_(matrix), answer_(answer) {}

  Status AddMatrix() {
    for (const TraceElement& element : matrix_.elements()) {
      v1::TraceAnswer::Element& added = *answer_.add_elements();
      added.set_column(std::string(TraceMatrix::ColumnName(element.column)));
      *added.mutable_entity() = element.entity;
      added.mutable_entity()->clear_role();
      ASSIGN_OR_RETURN(*added.mutable_leaf(), facts_.Reference(element.fact->event.index));
      added.set_result(element.result);
    }
    for (const TraceEdge& edge : matrix_.edges()) {
      v1::TraceAnswer::Link& link = *answer_.add_links();
      link.set_from(static_cast<uint32_t>(edge.from));
      link.set_to(static_cast<uint32_t>(edge.to));
      link.set_relation(edge.relation);
      link.set_leaf(edge.leaf.value);
      facts_.Cite(edge.leaf);
      link.set_stale(!edge.why_stale.empty());
      link.set_why_stale(edge.why_stale);
    }
    return OkStatus();
  }

  // Whether each element has what the step asks for.
  void AddCells(const v1::ProcessProfile::TraceStep& step) {
    const int from = TraceMatrix::ColumnOf(step.from());
    const int to = TraceMatrix::ColumnOf(step.to());
    if (from < 0 || to <= from) return;
    for (size_t i = 0; i < matrix_.elements().size(); ++i) {
      if (matrix_.elements()[i].column == from) AddCell(step, i, to);
    }
  }

  // Chains of IEC 62304 7.3.3, one for each cause and control of a hazardous situation.
  void AddChains() {
    for (size_t i = 0; i < matrix_.elements().size(); ++i) {
      if (matrix_.elements()[i].column != kHazardousSituation) continue;
      const std::vector<size_t> causes = Linked(i, kCause);
      const std::vector<size_t> controls = Linked(i, kControl);
      if (causes.empty()) AddChain(i, nullptr, nullptr, "no software cause is recorded");
      for (const size_t cause : causes) {
        std::vector<size_t> of_cause = Linked(cause, kControl);
        // Without controls of its own a cause has those of its situation.
        if (of_cause.empty()) of_cause = controls;
        if (of_cause.empty()) AddChain(i, &cause, nullptr, "no risk control is defined for the cause");
        for (const size_t control : of_cause) AddChain(i, &cause, &control, "");
      }
    }
  }

  // Whatever no path leads back from to a requirement. One that was retired is none to trace any more, but what was
  // made for it is not without a reason.
  void AddOrphans() {
    std::vector<bool> reached(matrix_.elements().size(), false);
    std::deque<size_t> queue;
    for (size_t i = 0; i < reached.size(); ++i) {
      const int column = matrix_.elements()[i].column;
      if (column != kRequirement && (column < kRequirement || !matrix_.IsOfRetired(i))) continue;
      reached[i] = true;
      queue.push_back(i);
    }
    while (!queue.empty()) {
      const size_t at = queue.front();
      queue.pop_front();
      for (const size_t edge : matrix_.EdgesAt(at)) {
        const size_t next = matrix_.OtherEnd(edge, at);
        if (reached[next] || matrix_.elements()[next].column < kRequirement) continue;
        reached[next] = true;
        queue.push_back(next);
      }
    }
    for (size_t i = 0; i < reached.size(); ++i) {
      const int column = matrix_.elements()[i].column;
      if (!reached[i] && column > kRequirement && column <= kTest) answer_.add_orphans(static_cast<uint32_t>(i));
    }
  }

  bool AnyOrphanIn(const std::set<int>& columns) const {
    return std::any_of(answer_.orphans().begin(), answer_.orphans().end(),
                       [&](uint32_t orphan) { return columns.count(matrix_.elements()[orphan].column) > 0; });
  }

  // Of what nothing begins with, no cell is missing: there is nothing to trace.
  void CheckBeginning(int column, std::string_view of, v1::Answer& answer) {
    const auto begins = [&](const TraceElement& element) { return element.column == column; };
    if (std::any_of(matrix_.elements().begin(), matrix_.elements().end(), begins)) return;
    answer_.set_complete(false);
    answer.add_notes(Text("no ", Words(TraceMatrix::ColumnName(column)), " of the ", of,
                          " is recorded, so there is nothing to trace from"));
  }

 private:
  std::vector<size_t> Linked(size_t element, int column) const {
    std::set<size_t> found;
    for (const size_t edge : matrix_.EdgesAt(element)) {
      const size_t other = matrix_.OtherEnd(edge, element);
      if (matrix_.elements()[other].column == column) found.insert(other);
    }
    return {found.begin(), found.end()};
  }

  struct Reached {
    size_t element;
    std::string why_stale;
  };

  // Elements of the column that links lead to, rightwards over the columns between; over a stale link they are stale.
  // What comes before requirements must be linked directly: a test of a requirement doesn't verify a control.
  std::vector<Reached> Reach(size_t start, int to) const {
    const bool direct = matrix_.elements()[start].column < kRequirement;
    std::map<size_t, std::string> seen = {{start, ""}};
    std::deque<size_t> queue = {start};
    std::vector<Reached> found;
    while (!queue.empty()) {
      const size_t at = queue.front();
      queue.pop_front();
      for (const size_t edge : matrix_.EdgesAt(at)) {
        const size_t next = matrix_.OtherEnd(edge, at);
        const int column = matrix_.elements()[next].column;
        const std::string stale = seen[at].empty() ? matrix_.edges()[edge].why_stale : seen[at];
        if (column <= matrix_.elements()[at].column || column > to || (direct && column != to)) continue;
        const auto [place, added] = seen.emplace(next, stale);
        // One way that still holds is enough.
        const bool better = !added && !place->second.empty() && stale.empty();
        if (better) place->second.clear();
        if ((added || better) && column < to) queue.push_back(next);
      }
    }
    for (const auto& [element, stale] : seen) {
      if (matrix_.elements()[element].column == to) found.push_back({element, stale});
    }
    return found;
  }

  void AddCell(const v1::ProcessProfile::TraceStep& step, size_t element, int to) {
    v1::TraceAnswer::Cell& cell = *answer_.add_cells();
    cell.set_element(static_cast<uint32_t>(element));
    cell.set_to_column(step.to());
    cell.set_clause(step.clause());
    const std::vector<Reached> reached = Reach(element, to);
    std::vector<const Fact*> holding;
    const Reached* newest = nullptr;
    for (const Reached& one : reached) {
      cell.add_linked(static_cast<uint32_t>(one.element));
      if (one.why_stale.empty()) holding.push_back(matrix_.elements()[one.element].fact);
      if (newest == nullptr ||
          StandsEarlier(matrix_.elements()[newest->element].fact, matrix_.elements()[one.element].fact)) {
        newest = &one;
      }
    }
    if (newest == nullptr) {
      cell.set_state(step.policy_only() ? v1::TraceAnswer::MISSING_BY_POLICY : v1::TraceAnswer::MISSING_BY_CLAUSE);
      cell.set_text(Text("no ", step.to(), " is linked"));
    } else if (holding.empty()) {
      cell.set_state(v1::TraceAnswer::STALE);
      cell.set_text(newest->why_stale);
    } else {
      cell.set_state(v1::TraceAnswer::LINKED);
      if (to == kResult) cell.set_text(WhyNotShown(element, holding));
    }
    const bool bad = cell.state() == v1::TraceAnswer::MISSING_BY_CLAUSE || cell.state() == v1::TraceAnswer::STALE;
    const bool not_shown = cell.state() == v1::TraceAnswer::LINKED && !cell.text().empty();
    if (bad || not_shown) answer_.set_complete(false);
  }

  // What results that hold leave open. Of each test the last decides, whatever was there before.
  std::string WhyNotShown(size_t element, const std::vector<const Fact*>& results) const {
    for (const auto& [test, last] : LastOfEachTest(results)) {
      const std::string result = TraceMatrix::ResultOf(*last);
      if (result != "PASS") return Text("the last result is ", result);
    }
    return matrix_.elements()[element].column == kControl ? UnverifiedAspect(element) : "";
  }

  void AddChain(size_t situation, const size_t* cause, const size_t* control, std::string missing) {
    v1::TraceAnswer::Chain& chain = *answer_.add_chains();
    *chain.mutable_hazardous_situation() = Entity(situation);
    if (cause != nullptr) {
      *chain.mutable_cause() = Entity(*cause);
      const v1::EntityRef* item = FindReference(matrix_.elements()[*cause].fact->header(), "item");
      if (item != nullptr) *chain.mutable_item() = *item;
      chain.mutable_item()->clear_role();
    }
    if (control != nullptr) {
      *chain.mutable_control() = Entity(*control);
      AddVerifications(*control, chain);
      missing = UnverifiedAspect(*control);
    }
    chain.set_missing_hop(missing);
    if (!missing.empty()) answer_.set_complete(false);
  }

  // A control's verifications, the earliest first.
  struct Verifications {
    std::vector<const Fact*> holding;
    // Why the last of the others doesn't hold.
    std::string why_stale;
  };
  Verifications VerificationsOf(size_t control) const {
    std::vector<std::pair<const Fact*, const TraceEdge*>> found;
    for (const size_t edge : matrix_.EdgesAt(control)) {
      const Fact* fact = matrix_.elements()[matrix_.OtherEnd(edge, control)].fact;
      if (fact->body<v1::RiskControlVerified>() != nullptr) found.emplace_back(fact, &matrix_.edges()[edge]);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return StandsEarlier(a.first, b.first); });
    Verifications verifications;
    for (const auto& [fact, edge] : found) {
      if (edge->why_stale.empty()) verifications.holding.push_back(fact);
      if (!edge->why_stale.empty()) verifications.why_stale = edge->why_stale;
    }
    return verifications;
  }

  void AddVerifications(size_t control, v1::TraceAnswer::Chain& chain) const {
    for (const Fact* fact : VerificationsOf(control).holding) {
      const auto* verified = fact->body<v1::RiskControlVerified>();
      if (verified->result() != v1::RiskControlVerified::PASS) continue;
      const bool implementation = verified->aspect() == v1::RiskControlVerified::IMPLEMENTATION;
      (implementation ? chain.mutable_implementation_verified() : chain.mutable_effectiveness_verified())
          ->Add(fact->event.index.value);
    }
  }

  // What of a control is not verified; empty when both aspects are.
  std::string UnverifiedAspect(size_t control) const {
    const Verifications verifications = VerificationsOf(control);
    std::map<v1::RiskControlVerified::Aspect, v1::RiskControlVerified::Result> last;
    for (const auto& [test, fact] : LastOfEachTest(verifications.holding)) {
      const auto* verified = fact->body<v1::RiskControlVerified>();
      last[verified->aspect()] = verified->result();
    }
    const std::string& stale = verifications.why_stale;
    for (const auto aspect : {v1::RiskControlVerified::IMPLEMENTATION, v1::RiskControlVerified::EFFECTIVENESS}) {
      const auto result = last.find(aspect);
      const std::string name = v1::RiskControlVerified::Aspect_Name(aspect);
      if (result == last.end()) {
        return Text("the control's ", name, " is not verified", stale.empty() ? "" : " any longer: ", stale);
      }
      if (result->second != v1::RiskControlVerified::PASS) return Text("the verification of ", name, " failed");
    }
    return "";
  }

  v1::EntityRef Entity(size_t element) const { return ToEntity(NameOf(matrix_.elements()[element].entity)); }

  Facts& facts_;
  const TraceMatrix& matrix_;
  v1::TraceAnswer& answer_;
};

// An item's own class, or the highest of those that a hazard concerns. What no item says is of class C, as whatever has
// no class.
StatusOr<v1::SoftwareSafetyClass> ClassOfSubject(Facts& facts, const v1::TraceQuestion& question,
                                                 const ItemScope& scope) {
  std::string assigned_to;
  const bool given = question.safety_class() != v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  if (given || question.subject().kind() == "software_item") {
    return ClassFor(facts, question.subject(), question.safety_class(), assigned_to);
  }
  std::set<EntityName> items;
  for (const auto& [leaf, fact] : scope.events) {
    const v1::EntityRef* item = FindReference(fact->header(), "item");
    if (item != nullptr && item->kind() == "software_item") items.insert(NameOf(*item));
  }
  v1::SoftwareSafetyClass highest = items.empty() ? v1::SOFTWARE_SAFETY_CLASS_C : v1::SOFTWARE_SAFETY_CLASS_A;
  for (const EntityName& item : items) {
    ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass of_item,
                     ClassFor(facts, ToEntity(item), v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED, assigned_to));
    highest = std::max(highest, of_item);
  }
  return highest;
}

}  // namespace

Status AnswerTrace(Facts& facts, const v1::TraceQuestion& question, v1::Answer& answer) {
  const bool of_item = question.subject().kind() == "software_item";
  if (!of_item && question.subject().kind() != "hazard") {
    return absl::InvalidArgumentError(
        Text("trace.subject.kind: \"", question.subject().kind(), "\" is neither software_item nor hazard"));
  }
  v1::TraceAnswer& filled = *answer.mutable_trace();
  ASSIGN_OR_RETURN(const ItemScope scope, ScopeOf(facts, question.subject()));
  ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass safety_class, ClassOfSubject(facts, question, scope));
  filled.set_safety_class(safety_class);
  ASSIGN_OR_RETURN(const TraceMatrix matrix, TraceMatrix::Build(facts, scope));
  Filler filler(facts, matrix, filled);
  RETURN_IF_ERROR(filler.AddMatrix());
  if (of_item) {
    ASSIGN_OR_RETURN(const std::vector<v1::TraceAnswer::DependentControl> controls,
                     ControlsDependingOn(facts, question.subject()));
    filled.mutable_dependent_controls()->Add(controls.begin(), controls.end());
  }
  v1::LeafReference adoption;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, v1::PolicyAdopted::PROCESS_PROFILE, answer, &adoption));
  filled.set_complete(policy.has_value());
  if (policy.has_value()) {
    *filled.mutable_profile() = std::move(adoption);
    *filled.mutable_levels() = LevelsOf(policy->body->document().process_profile(), safety_class);
  }
  bool chains = !policy.has_value();
  // Columns that a clause asks to be linked to.
  std::set<int> linked;
  if (policy.has_value()) {
    for (const v1::ProcessProfile::TraceStep& step : policy->body->document().process_profile().trace()) {
      if (!HoldsForClass(step.classes(), safety_class)) continue;
      filler.AddCells(step);
      if (!step.policy_only()) linked.insert(TraceMatrix::ColumnOf(step.to()));
      chains = chains || step.from() == "hazardous_situation";
    }
  }
  // A class that needs no risk trace isn't held against it.
  if (chains) filler.AddChains();
  filler.AddOrphans();
  // Without a profile there is no verdict anyway.
  if (!policy.has_value()) return OkStatus();
  if (of_item) {
    filler.CheckBeginning(kRequirement, "item", answer);
    // A hazard's records need not hold the requirements that its controls' tests are of.
    if (filler.AnyOrphanIn(linked)) filled.set_complete(false);
  } else {
    filler.CheckBeginning(kHazardousSituation, "hazard", answer);
  }
  return OkStatus();
}

}  // namespace anamnesis
