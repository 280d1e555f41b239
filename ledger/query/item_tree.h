#ifndef ANAMNESIS_LEDGER_QUERY_ITEM_TREE_H_
#define ANAMNESIS_LEDGER_QUERY_ITEM_TREE_H_

// What contains a software item and what it consists of. An item is part of the one that its last identification names
// as parent, and of every one that was decomposed into it. (The one path along which a safety class is handed down is
// ItemAndAbove, ledger/state/software_items.h.) Pure.

#include <set>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis {

struct ContainingItem {
  std::string id;
  // What says that the item is part of it.
  const Fact* said_by = nullptr;
};

// The items that directly contain one.
StatusOr<std::vector<ContainingItem>> DirectlyContaining(Facts& facts, const std::string& item);

// The ids of the item and of those that contain it. RESOURCE_EXHAUSTED: there are too many.
StatusOr<std::set<std::string>> ItemAndContaining(Facts& facts, const std::string& item);

// The ids of the item, of its parts, and of theirs: whatever ever said so and still counts.
StatusOr<std::set<std::string>> ItemAndParts(Facts& facts, const std::string& item);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ITEM_TREE_H_
