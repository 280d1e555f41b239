#ifndef ANAMNESIS_LEDGER_STATE_LAST_COUNTING_H_
#define ANAMNESIS_LEDGER_STATE_LAST_COUNTING_H_

// Among the rows of kEdges with one prefix (edges.h), the last whose event was neither retracted nor replaced. Reads
// one row and its corrections in the ordinary case, and one more of each for every event that was taken back since.
// Pure.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/place_in_time.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Where those begin who go through all rows with the prefix from the last to the first: above them, since indexes are
// shorter, and names hold no such bytes.
std::string LastEdge(std::string_view prefix);

// From the row `from` downwards; of events below `size`, by the corrections below it, and only those that `accept`
// takes, when it is given. nullopt: there is none, or none among the first `looked_at_max` rows.
StatusOr<std::optional<LeafIndex>> LastCounting(const RowFinder& rows, std::string_view prefix, std::string from,
                                                TreeSize size,
                                                const std::function<bool(const LoadedEvent&)>& accept = nullptr,
                                                size_t looked_at_max = SIZE_MAX);

// Those of these types, whether they still count or not. Reads no bodies: most of what is about an entity can be of
// others. `rows` must outlive what is returned, and what `types` name.
EventBefore EventsOfTypes(const RowFinder& rows, std::string prefix, std::vector<std::string_view> types);

// All of them, in log order; of events below `size`, by the corrections below it, and no more than the last `most`.
// What anybody may write needs such a bound.
StatusOr<std::vector<LeafIndex>> AllCounting(const RowFinder& rows, std::string_view prefix,
                                             TreeSize size = TreeSize(UINT64_MAX), size_t most = SIZE_MAX);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_LAST_COUNTING_H_
