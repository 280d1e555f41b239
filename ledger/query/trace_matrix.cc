#include "ledger/query/trace_matrix.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/control_closure.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/software_changes.h"

namespace anamnesis {
namespace {

constexpr std::array<std::string_view, 10> kColumns = {"hazard",         "hazardous_situation",
                                                       "software_cause", "risk_control",
                                                       "requirement",    "architecture",
                                                       "design",         "code",
                                                       "test",           "result"};

// The column of a kind of entity; -1 for kinds that the matrix doesn't hold. What is built or learned counts as code.
int ColumnOfKind(std::string_view kind) {
  if (kind == "code_revision" || kind == "model" || kind == "artifact") kind = "code";
  if (kind == "test_case") kind = "test";
  if (kind == "test_run") kind = "result";
  return TraceMatrix::ColumnOf(kind);
}

}  // namespace

int TraceMatrix::ColumnOf(std::string_view name) {
  const auto found = std::find(kColumns.begin(), kColumns.end(), name);
  return found == kColumns.end() ? -1 : static_cast<int>(found - kColumns.begin());
}

std::string_view TraceMatrix::ColumnName(int column) { return kColumns[static_cast<size_t>(column)]; }

std::string TraceMatrix::ResultOf(const Fact& fact) {
  if (const auto* run = fact.body<v1::TestRunCompleted>()) return v1::TestRunCompleted::Result_Name(run->result());
  if (const auto* verified = fact.body<v1::RiskControlVerified>()) {
    return v1::RiskControlVerified::Result_Name(verified->result());
  }
  return "";
}

const size_t* TraceMatrix::Find(const v1::EntityRef& entity) const {
  const auto found = places_.find(NameOf(entity));
  return found == places_.end() ? nullptr : &found->second;
}

void TraceMatrix::AddEdge(size_t from, size_t to, std::string relation, LeafIndex leaf, std::string why_stale) {
  if (elements_[from].column > elements_[to].column) std::swap(from, to);
  edges_at_[from].push_back(edges_.size());
  edges_at_[to].push_back(edges_.size());
  edges_.push_back({from, to, std::move(relation), leaf, std::move(why_stale)});
}

void TraceMatrix::AddElements(const ItemScope& scope) {
  std::map<EntityName, TraceElement> newest;
  for (const Fact* fact : EarliestFirst(scope.events)) {
    if (fact->type() == "requirement.retired") retired_.insert(NameOf(fact->header().refs(0)));
    const v1::EntityRef* subject = SubjectOf(*fact);
    if (subject == nullptr || ColumnOfKind(subject->kind()) < 0 || !scope.Has(NameOf(*subject))) continue;
    retired_.erase(NameOf(*subject));
    const auto known = newest.find(NameOf(*subject));
    const size_t definitions = known == newest.end() ? 1 : known->second.definitions + 1;
    newest[NameOf(*subject)] = {ColumnOfKind(subject->kind()), *subject, fact, ResultOf(*fact), definitions};
  }
  for (auto& [name, element] : newest) {
    if (retired_.count(name) == 0) elements_.push_back(std::move(element));
  }
  std::stable_sort(elements_.begin(), elements_.end(),
                   [](const TraceElement& a, const TraceElement& b) { return a.column < b.column; });
  for (size_t i = 0; i < elements_.size(); ++i) places_[NameOf(elements_[i].entity)] = i;
}

// Each verification of a control is a result of its own, beside the test runs that it rests on.
void TraceMatrix::AddVerifications(const ItemScope& scope) {
  edges_at_.resize(elements_.size());
  for (const auto& [leaf, fact] : scope.events) {
    if (fact->type() != "risk_control.verified") continue;
    const v1::EntityRef& control = *FindReference(fact->header(), "control");
    const size_t* place = Find(control);
    if (place == nullptr) continue;
    const size_t from = *place;
    elements_.push_back({ColumnOf("result"), control, fact, ResultOf(*fact)});
    edges_at_.emplace_back();
    AddEdge(from, elements_.size() - 1, "verified", LeafIndex(leaf));
    for (const v1::EntityRef& ref : fact->header().refs()) {
      const size_t* run = ref.role() == "test_run" ? Find(ref) : nullptr;
      if (run != nullptr) AddEdge(from, *run, "test_run", LeafIndex(leaf));
    }
  }
}

std::string TraceMatrix::WhyOlder(const Fact& by, const v1::EntityRef& named) const {
  const TraceElement& now = elements_[*Find(named)];
  const std::string& current = now.entity.version();
  if (current.empty()) return "";
  const bool unsaid = named.version().empty();
  const bool older = unsaid ? now.definitions > 1 && StandsEarlier(&by, now.fact) : named.version() != current;
  if (!older) return "";
  return Text(EntityKeyText(named), unsaid ? " as it was then" : "", ", which is at ", current, " now");
}

// The links that the newest event of an element states by what it refers to.
void TraceMatrix::AddReferences(const Fact& fact, size_t element) {
  static const auto* roles =
      new std::set<std::string_view>{"hazard", "hazardous_situation", "cause", "requirement", "source", "test_case"};
  for (const v1::EntityRef& ref : fact.header().refs()) {
    if (roles->count(ref.role()) == 0) continue;
    if (retired_.count(NameOf(ref)) > 0) of_retired_.insert(element);
    const size_t* other = Find(ref);
    if (other == nullptr || *other == element) continue;
    const std::string older = WhyOlder(fact, ref);
    AddEdge(*other, element, ref.role(), fact.event.index, older.empty() ? "" : Text("made for ", older));
  }
}

void TraceMatrix::AddTraceLinks(const ItemScope& scope) {
  using Link = std::tuple<EntityName, EntityName, v1::TraceRelation>;
  std::map<Link, std::vector<const Fact*>> links;
  for (const Fact* fact : EarliestFirst(scope.events)) {
    const auto* linked = fact->body<v1::TraceLinked>();
    const auto* withdrawn = fact->body<v1::TraceWithdrawn>();
    if (linked == nullptr && withdrawn == nullptr) continue;
    const EntityName from = NameOf(*FindReference(fact->header(), "from"));
    const EntityName to = NameOf(*FindReference(fact->header(), "to"));
    if (linked != nullptr) links[{from, to, linked->relation()}].push_back(fact);
    if (withdrawn != nullptr) links.erase({from, to, withdrawn->relation()});
  }
  for (const auto& [link, stated_by] : links) AddTraceLink(stated_by);
}

// One edge, whatever number of events state it for one version or another: the last that holds now, or else the last.
void TraceMatrix::AddTraceLink(const std::vector<const Fact*>& stated_by) {
  const v1::EventHeader& header = stated_by.back()->header();
  const v1::EntityRef& from_ref = *FindReference(header, "from");
  const v1::EntityRef& to_ref = *FindReference(header, "to");
  const size_t* from = Find(from_ref);
  const size_t* to = Find(to_ref);
  if (from != nullptr && retired_.count(NameOf(to_ref)) > 0) of_retired_.insert(*from);
  if (to != nullptr && retired_.count(NameOf(from_ref)) > 0) of_retired_.insert(*to);
  if (from == nullptr || to == nullptr || *from == *to) return;
  const auto older = [&](const Fact& fact) {
    const std::string of_from = WhyOlder(fact, *FindReference(fact.header(), "from"));
    return of_from.empty() ? WhyOlder(fact, *FindReference(fact.header(), "to")) : of_from;
  };
  const auto holds =
      std::find_if(stated_by.rbegin(), stated_by.rend(), [&](const Fact* one) { return older(*one).empty(); });
  const Fact& last = holds == stated_by.rend() ? *stated_by.back() : **holds;
  const std::string why = older(last);
  AddEdge(*from, *to, v1::TraceRelation_Name(last.body<v1::TraceLinked>()->relation()), last.event.index,
          why.empty() ? "" : Text("made for ", why));
}

// A result of an older version of something that it says it verified is none of what there is now.
std::string TraceMatrix::WhyVerifiedOlder(const Fact& result) const {
  for (const v1::EntityRef& ref : result.header().refs()) {
    if (ref.role() != "verified" || Find(ref) == nullptr) continue;
    const std::string older = WhyOlder(result, ref);
    if (!older.empty()) return Text("of ", older);
  }
  return "";
}

Status TraceMatrix::MarkStale(Facts& facts, const ItemScope& scope) {
  SoftwareChanges changes(facts, scope);
  for (TraceEdge& edge : edges_) {
    const TraceElement& result = elements_[edge.to];
    if (result.column != ColumnOf("result") || !edge.why_stale.empty()) continue;
    edge.why_stale = WhyVerifiedOlder(*result.fact);
    if (!edge.why_stale.empty()) continue;
    ASSIGN_OR_RETURN(const Fact* change, changes.LastConcerning(*result.fact));
    if (change == nullptr || !StandsEarlier(result.fact, change)) continue;
    edge.why_stale = Text("leaf ", change->event.index.value, " ", change->type(), " changed the software since");
  }
  return OkStatus();
}

// What shows that a control works shows it of the control as it was then.
Status TraceMatrix::MarkRevised(Facts& facts, const ItemScope& scope) {
  std::map<size_t, const Fact*> changes;
  for (TraceEdge& edge : edges_) {
    const TraceElement& control = elements_[edge.from];
    const bool shows = control.column == ColumnOf("risk_control") && elements_[edge.to].column == ColumnOf("result");
    if (!shows || !edge.why_stale.empty()) continue;
    const auto [place, is_new] = changes.emplace(edge.from, nullptr);
    if (is_new) {
      ASSIGN_OR_RETURN(const ControlClosure closure, ClosureOf(facts, control.entity, StandsEarlier));
      place->second = closure.Newest(StandsEarlier);
    }
    const Fact* change = place->second;
    if (change == nullptr || !StandsEarlier(scope.events.at(edge.leaf.value), change)) continue;
    facts.Cite(change->event.index);
    const v1::EntityRef* changed = SubjectOf(*change);
    const bool itself = changed != nullptr && NameOf(*changed) == NameOf(control.entity);
    edge.why_stale = Text("leaf ", change->event.index.value, " ", change->type(), " changed ",
                          itself ? "the control since" : "what the control relies on since");
  }
  return OkStatus();
}

StatusOr<TraceMatrix> TraceMatrix::Build(Facts& facts, const ItemScope& scope) {
  TraceMatrix matrix;
  matrix.AddElements(scope);
  const size_t entities = matrix.elements_.size();
  matrix.AddVerifications(scope);
  for (size_t i = 0; i < entities; ++i) matrix.AddReferences(*matrix.elements_[i].fact, i);
  matrix.AddTraceLinks(scope);
  RETURN_IF_ERROR(matrix.MarkStale(facts, scope));
  RETURN_IF_ERROR(matrix.MarkRevised(facts, scope));
  return matrix;
}

}  // namespace anamnesis
