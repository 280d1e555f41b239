#ifndef ANAMNESIS_LEDGER_STATE_SOFTWARE_ITEMS_H_
#define ANAMNESIS_LEDGER_STATE_SOFTWARE_ITEMS_H_

// The tree of software items and their safety classes (IEC 62304:2006+A1:2015 clause 4.3): an item has the class that
// was last assigned to it; without one its parent's; and where nobody up the tree has one, C.
//
// Rows of kEntities: "i" || item id -> SoftwareItemState.

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
};

// Trees are followed so far up; deeper ones count as without a class.
inline constexpr size_t kItemDepthMax = 64;

// As known at the end of the log that `rows` holds.
StatusOr<ItemClass> ClassOfItem(const RowFinder& rows, std::string_view item);
// As known at `size`: class changes from there on are not seen.
StatusOr<ItemClass> ClassOfItemAt(const RowFinder& rows, std::string_view item, TreeSize size);

// The item and those above it, from the bottom up.
StatusOr<std::vector<std::string>> ItemAndAbove(const RowFinder& rows, std::string_view item);

// The class of the item that the event is about (its reference with role "item"); C for events about none.
StatusOr<v1::SoftwareSafetyClass> ClassOfEvent(const RowFinder& rows, const v1::EventHeader& header);

// Whether `safety_class` is one for which a requirement "from this class on" holds.
bool AppliesFrom(v1::SafetyClass from, v1::SoftwareSafetyClass safety_class);

Status FoldSoftwareItems(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_SOFTWARE_ITEMS_H_
