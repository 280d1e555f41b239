#include "ledger/gate/runs_with.h"

#include <set>
#include <string>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/item_tree.h"

namespace anamnesis::gate {
namespace {

// Each entity once.
class List {
 public:
  void Add(const v1::EntityRef& ref) {
    if (seen_.insert(EntityKeyText(ref)).second) entities_.push_back(Bare(ref));
  }
  void Add(const v1::EntityRef* ref) {
    if (ref != nullptr) Add(*ref);
  }
  void AddInRole(const Fact* fact, std::string_view role) {
    if (fact == nullptr) return;
    for (const v1::EntityRef& ref : fact->header().refs()) {
      if (ref.role() == role) Add(ref);
    }
  }
  std::vector<v1::EntityRef> Take() { return std::move(entities_); }

 private:
  std::vector<v1::EntityRef> entities_;
  std::set<std::string> seen_;
};

// The baseline, what it consists of beside software items, and the releases that are on it or of it.
Status AddBaseline(Subject& s, List& list) {
  for (const v1::ConfigurationItem& item : s.configuration.items()) {
    const bool known = item.has_item() && item.confidence() != v1::UNKNOWN;
    if (known && item.item().kind() == "release") list.Add(item.item());
  }
  if (s.baseline == nullptr) return OkStatus();
  list.Add(s.baseline->item());
  if (s.baseline_fact != nullptr) {
    for (const v1::EntityRef& ref : s.baseline_fact->header().refs()) {
      // Of the items only those are affected that contain what adapts.
      if (ref.role() == "member" && ref.kind() != "software_item") list.Add(ref);
    }
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> releases,
                   TypedOfEither(s.facts, s.baseline->item(), "release.approved"));
  for (const Fact* fact : releases) list.AddInRole(fact, "release");
  return OkStatus();
}

Status AddRunsWith(Subject& s, List& list) {
  list.Add(s.request.artifact);
  list.Add(ToEntity({"device_unit", s.request.unit}));
  if (s.item != nullptr) {
    ASSIGN_OR_RETURN(const std::set<std::string> items, ItemAndContaining(s.facts, s.item->id()));
    for (const std::string& item : items) list.Add(ToEntity({"software_item", item}));
  }
  list.Add(s.place.device_model);
  list.Add(s.produced == nullptr ? nullptr : FindReference(s.produced->header(), "model"));
  list.AddInRole(s.substrate_fact, "soup");
  return AddBaseline(s, list);
}

}  // namespace

StatusOr<std::vector<v1::EntityRef>> RunsWith(Subject& s) {
  List list;
  RETURN_IF_ERROR(AddRunsWith(s, list));
  return list.Take();
}

StatusOr<std::vector<v1::EntityRef>> RestsOn(Subject& s) {
  List list;
  RETURN_IF_ERROR(AddRunsWith(s, list));
  list.Add(s.item);
  if (s.place.site != nullptr) list.Add(ToEntity({"site", s.place.site->id()}));
  for (const EnvelopeInForce& envelope : s.envelopes) list.Add(envelope.ref);
  list.AddInRole(s.certified, "certification");
  list.AddInRole(s.certified, "protocol");
  return list.Take();
}

}  // namespace anamnesis::gate
