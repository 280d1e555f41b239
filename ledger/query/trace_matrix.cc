#include "ledger/query/trace_matrix.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/control_closure.h"
#include "ledger/query/place_in_time.h"

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

// Events that change what tests are about.
bool ChangesSoftware(const Fact& fact) {
  static const auto* types = new std::set<std::string_view>{"code.revision_recorded", "model.registered",
                                                            "build.completed", "soup.version_changed"};
  return types->count(fact.type()) > 0;
}

std::string ItemOf(const Fact& fact) {
  const v1::EntityRef* item = FindReference(fact.header(), "item");
  return item == nullptr || item->kind() != "software_item" ? "" : item->id();
}

// Child to parent, from the item's own records.
std::map<std::string, std::string> ParentsOf(const ItemScope& scope) {
  std::map<std::string, std::string> parents;
  for (const auto& [leaf, fact] : scope.events) {
    const v1::EntityRef* parent = FindReference(fact->header(), "parent");
    if (fact->type() == "software_item.identified" && parent != nullptr) parents[ItemOf(*fact)] = parent->id();
  }
  return parents;
}

// Whether a change of `changed` is a change of what `tested` is about: itself or a part of it. Empty: not said.
bool Concerns(const std::map<std::string, std::string>& parents, std::string changed, const std::string& tested) {
  if (changed.empty() || tested.empty()) return true;
  for (size_t depth = 0; depth <= parents.size(); ++depth) {
    if (changed == tested) return true;
    const auto above = parents.find(changed);
    if (above == parents.end()) return false;
    changed = above->second;
  }
  return false;
}

std::string ResultOf(const Fact& fact) {
  if (const auto* run = fact.body<v1::TestRunCompleted>()) return v1::TestRunCompleted::Result_Name(run->result());
  if (const auto* verified = fact.body<v1::RiskControlVerified>()) {
    return v1::RiskControlVerified::Result_Name(verified->result());
  }
  return "";
}

}  // namespace

int TraceMatrix::ColumnOf(std::string_view name) {
  const auto found = std::find(kColumns.begin(), kColumns.end(), name);
  return found == kColumns.end() ? -1 : static_cast<int>(found - kColumns.begin());
}

std::string_view TraceMatrix::ColumnName(int column) { return kColumns[static_cast<size_t>(column)]; }

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
  std::set<EntityName> retired;
  for (const Fact* fact : EarliestFirst(scope.events)) {
    if (fact->type() == "requirement.retired") retired.insert(NameOf(fact->header().refs(0)));
    const v1::EntityRef* subject = SubjectOf(*fact);
    if (subject == nullptr || ColumnOfKind(subject->kind()) < 0 || !scope.Has(NameOf(*subject))) continue;
    retired.erase(NameOf(*subject));
    newest[NameOf(*subject)] = {ColumnOfKind(subject->kind()), *subject, fact, ResultOf(*fact)};
  }
  for (auto& [name, element] : newest) {
    if (retired.count(name) == 0) elements_.push_back(std::move(element));
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

// The links that the newest event of an element states by what it refers to.
void TraceMatrix::AddReferences(const Fact& fact, size_t element) {
  static const auto* roles =
      new std::set<std::string_view>{"hazard", "hazardous_situation", "cause", "requirement", "source", "test_case"};
  for (const v1::EntityRef& ref : fact.header().refs()) {
    const size_t* other = roles->count(ref.role()) > 0 ? Find(ref) : nullptr;
    if (other == nullptr || *other == element) continue;
    const std::string& current = elements_[*other].entity.version();
    const bool older = !ref.version().empty() && ref.version() != current && !current.empty();
    AddEdge(*other, element, ref.role(), fact.event.index,
            older ? Text("made for ", EntityKeyText(ref), ", which is at ", current, " now") : "");
  }
}

void TraceMatrix::AddTraceLinks(const ItemScope& scope) {
  using Link = std::tuple<EntityName, EntityName, v1::TraceRelation>;
  std::map<Link, LeafIndex> links;
  for (const Fact* fact : EarliestFirst(scope.events)) {
    const auto* linked = fact->body<v1::TraceLinked>();
    const auto* withdrawn = fact->body<v1::TraceWithdrawn>();
    if (linked == nullptr && withdrawn == nullptr) continue;
    const EntityName from = NameOf(*FindReference(fact->header(), "from"));
    const EntityName to = NameOf(*FindReference(fact->header(), "to"));
    if (linked != nullptr) links[{from, to, linked->relation()}] = fact->event.index;
    if (withdrawn != nullptr) links.erase({from, to, withdrawn->relation()});
  }
  for (const auto& [link, leaf] : links) {
    const size_t* from = Find(ToEntity(std::get<0>(link)));
    const size_t* to = Find(ToEntity(std::get<1>(link)));
    if (from != nullptr && to != nullptr && *from != *to) {
      AddEdge(*from, *to, v1::TraceRelation_Name(std::get<2>(link)), leaf);
    }
  }
}

void TraceMatrix::MarkStale(const ItemScope& scope) {
  const std::map<std::string, std::string> parents = ParentsOf(scope);
  std::vector<const Fact*> changes;
  for (const Fact* fact : EarliestFirst(scope.events)) {
    if (ChangesSoftware(*fact)) changes.push_back(fact);
  }
  for (TraceEdge& edge : edges_) {
    const TraceElement& result = elements_[edge.to];
    if (result.column != ColumnOf("result") || !edge.why_stale.empty()) continue;
    // From the last change backwards, so that most results are decided by the first one looked at.
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
      if (!StandsEarlier(result.fact, *change)) break;
      if (!Concerns(parents, ItemOf(**change), ItemOf(*result.fact))) continue;
      edge.why_stale =
          Text("leaf ", (*change)->event.index.value, " ", (*change)->type(), " changed the software since");
      break;
    }
  }
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
  matrix.MarkStale(scope);
  RETURN_IF_ERROR(matrix.MarkRevised(facts, scope));
  return matrix;
}

}  // namespace anamnesis
