#ifndef ANAMNESIS_LEDGER_STATE_EVENT_LIST_H_
#define ANAMNESIS_LEDGER_STATE_EVENT_LIST_H_

// Which events a stream has, and which a type: the lists that readers walk.
//
// Rows of kStreamEvents and kTypeEvents: name 0 be64 (index / 256) -> one byte for each event, its index % 256,
// ascending. So a run of a hundred events is one row, not a hundred. A row grows while the log is within its 256
// indexes and never changes afterwards.

#include <functional>
#include <string>
#include <string_view>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// How many indexes of the log one row covers.
inline constexpr uint64_t kListRowIndexes = 256;

// Adds an event to the list of `name`; it must come after all that are there.
Status AddToList(RowOverlay& rows, Family family, std::string_view name, LeafIndex index);

// Calls `visit` with the events of the list of `name` that are below `size`, ascending from the first at or after
// `from`, or descending from the last at or before it, until it returns false. DATA_LOSS when a row is damaged.
Status VisitList(const RowReader& rows, Family family, std::string_view name, LeafIndex from, bool backwards,
                 TreeSize size, const std::function<bool(LeafIndex)>& visit);

// The first index of the log that the row with this key covers.
LeafIndex FirstOfListRow(std::string_view key);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_EVENT_LIST_H_
