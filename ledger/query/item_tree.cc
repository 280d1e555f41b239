#include "ledger/query/item_tree.h"

#include <deque>

#include "ledger/query/item_scope.h"
#include "ledger/state/edges.h"

namespace anamnesis {
namespace {

constexpr size_t kItemsMax = 10'000;

}  // namespace

StatusOr<std::vector<ContainingItem>> DirectlyContaining(Facts& facts, const std::string& item) {
  std::vector<ContainingItem> found;
  const v1::EntityRef name = ToEntity({"software_item", item});
  ASSIGN_OR_RETURN(const Fact* identified, facts.Definition(name));
  const v1::EntityRef* parent = identified == nullptr ? nullptr : FindReference(identified->header(), "parent");
  if (parent != nullptr) found.push_back({parent->id(), identified});
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> parted,
                   ReferencesTo(facts.rows(), name.kind(), item, "", "part", facts.size(), kItemsMax));
  for (const LeafIndex index : parted) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    const bool decomposes = fact->counts() && fact->type() == "software_item.decomposed";
    if (decomposes) found.push_back({FindReference(fact->header(), "item")->id(), fact});
  }
  return found;
}

StatusOr<std::set<std::string>> ItemAndContaining(Facts& facts, const std::string& item) {
  std::set<std::string> items = {item};
  std::deque<std::string> waiting = {item};
  while (!waiting.empty()) {
    ASSIGN_OR_RETURN(const std::vector<ContainingItem> containing, DirectlyContaining(facts, waiting.front()));
    waiting.pop_front();
    for (const ContainingItem& each : containing) {
      if (items.insert(each.id).second) waiting.push_back(each.id);
    }
    if (items.size() > kItemsMax) return absl::ResourceExhaustedError(Text("too many items contain ", item));
  }
  return items;
}

StatusOr<std::set<std::string>> ItemAndParts(Facts& facts, const std::string& item) {
  std::set<std::string> items = {item};
  std::deque<std::string> waiting = {item};
  const auto add = [&](const std::string& id) {
    if (items.insert(id).second) waiting.push_back(id);
  };
  while (!waiting.empty()) {
    const v1::EntityRef next = ToEntity({"software_item", waiting.front()});
    waiting.pop_front();
    ASSIGN_OR_RETURN(const std::vector<const Fact*> children,
                     facts.OfType(next, "parent", "software_item.identified", kQuestionEventsMax));
    for (const Fact* child : children) add(FindReference(child->header(), "item")->id());
    ASSIGN_OR_RETURN(const std::vector<const Fact*> divided,
                     facts.OfType(next, "item", "software_item.decomposed", kQuestionEventsMax));
    for (const Fact* fact : divided) {
      for (const v1::EntityRef& ref : fact->header().refs()) {
        if (ref.role() == "part") add(ref.id());
      }
    }
  }
  return items;
}

}  // namespace anamnesis
