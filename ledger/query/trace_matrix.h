#ifndef ANAMNESIS_LEDGER_QUERY_TRACE_MATRIX_H_
#define ANAMNESIS_LEDGER_QUERY_TRACE_MATRIX_H_

// The trace matrix of what belongs to an item: elements in columns from hazards to results, and the links between them
// that references and trace links state. Of several versions the newest counts, with what it names. A result is stale
// once the software that it is about changed, or when it is of an older version of what it verified; what shows that a
// risk control works, once the control or something that it relies on was defined anew; and any other link when it was
// made for an older version of an end. A reference without a version means the one in force then. Pure.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/status.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

struct TraceElement {
  int column = 0;
  v1::EntityRef entity;
  // The event that last defined it, or that is the result.
  const Fact* fact = nullptr;
  std::string result;
  // How many events defined it.
  size_t definitions = 1;
};

struct TraceEdge {
  size_t from = 0;
  size_t to = 0;
  std::string relation;
  LeafIndex leaf;
  std::string why_stale;
};

class TraceMatrix {
 public:
  // Fails as Facts does.
  static StatusOr<TraceMatrix> Build(Facts& facts, const ItemScope& scope);

  // hazard, hazardous_situation, software_cause, risk_control, requirement, architecture, design, code, test, result;
  // -1 for any other name.
  static int ColumnOf(std::string_view name);
  static std::string_view ColumnName(int column);
  // PASS, FAIL or BLOCKED; empty for what is no result.
  static std::string ResultOf(const Fact& fact);

  const std::vector<TraceElement>& elements() const { return elements_; }
  const std::vector<TraceEdge>& edges() const { return edges_; }
  // Places in edges() of those at an element.
  const std::vector<size_t>& EdgesAt(size_t element) const { return edges_at_[element]; }
  size_t OtherEnd(size_t edge, size_t element) const {
    return edges_[edge].from == element ? edges_[edge].to : edges_[edge].from;
  }
  // Whether a link joins the element to a requirement that was retired, which is no element itself.
  bool IsOfRetired(size_t element) const { return of_retired_.contains(element); }

 private:
  void AddElements(const ItemScope& scope);
  void AddVerifications(const ItemScope& scope);
  void AddReferences(const Fact& fact, size_t element);
  void AddTraceLinks(const ItemScope& scope);
  void AddTraceLink(const std::vector<const Fact*>& stated_by);
  Status MarkStale(Facts& facts, const ItemScope& scope);
  Status MarkRevised(Facts& facts, const ItemScope& scope);
  void AddEdge(size_t from, size_t to, std::string relation, LeafIndex leaf, std::string why_stale = "");
  const size_t* Find(const v1::EntityRef& entity) const;
  // Why what the event says of the entity that it names is said of an older version than there is; empty when it isn't.
  std::string WhyOlder(const Fact& by, const v1::EntityRef& named) const;
  std::string WhyVerifiedOlder(const Fact& result) const;

  std::vector<TraceElement> elements_;
  std::vector<TraceEdge> edges_;
  std::vector<std::vector<size_t>> edges_at_;
  std::map<EntityName, size_t> places_;
  std::set<EntityName> retired_;
  std::set<size_t> of_retired_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_TRACE_MATRIX_H_
