#ifndef ANAMNESIS_LEDGER_STATE_SOFTWARE_ITEMS_H_
#define ANAMNESIS_LEDGER_STATE_SOFTWARE_ITEMS_H_

// The tree of software items and their safety classes (IEC 62304:2006+A1:2015 clause 4.3): an item has the newest class
// that was assigned to it; without one its parent's; and where nobody up the tree has one, C.
//
// An item is part of what the newest event said that still counts: its own software_item.identified, or a
// software_item.decomposed of the item above. Newest is by place in time (place_in_time.h): what is told afterwards of
// long ago changes nothing that was said since. Both class and parent are found as of a size, by the corrections below
// it, so that a decision computed again finds the class that it was made for.
//
// Rows of kEntities: "i" || item id -> SoftwareItemState; "p" || item id -> of each event that gave it a parent, in log
// order, be64 index || parent's id || zero byte.

#include <string_view>
#include <vector>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/signature.pb.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

struct ItemClass {
  // A, B or C.
  v1::SoftwareSafetyClass safety_class = v1::SOFTWARE_SAFETY_CLASS_C;
  // The item whose class it is: the one asked for or one above it; empty when none has one.
  std::string assigned_to;
  // What assigned it; meaningless when `assigned_to` is empty.
  LeafIndex evidence;
  // What says that each item on the way up is part of the next.
  std::vector<LeafIndex> parts;
};

// An item and those above it.
struct ItemPath {
  // From the bottom up.
  std::vector<std::string> items;
  // What says that each is part of the next.
  std::vector<LeafIndex> parts;
};

// Trees are followed so far up; deeper ones count as without a class.
inline constexpr size_t kItemDepthMax = 64;

// As known at the end of the log that `rows` holds.
StatusOr<ItemClass> ClassOfItem(const RowFinder& rows, std::string_view item);
// As known at `size`: what was recorded from there on is not seen.
StatusOr<ItemClass> ClassOfItemAt(const RowFinder& rows, std::string_view item, TreeSize size);

// The item and those above it as known at `size`.
StatusOr<ItemPath> ItemAndAbove(const RowFinder& rows, std::string_view item, TreeSize size = TreeSize(UINT64_MAX));

// The class of the item that the event is about (its reference with role "item"); C for events about none.
StatusOr<v1::SoftwareSafetyClass> ClassOfEvent(const RowFinder& rows, const v1::EventHeader& header);

// Whether `safety_class` is one for which a requirement "from this class on" holds.
bool AppliesFrom(v1::SafetyClass from, v1::SoftwareSafetyClass safety_class);

Status FoldSoftwareItems(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_SOFTWARE_ITEMS_H_
