#ifndef ANAMNESIS_LEDGER_STATE_PLACE_IN_TIME_H_
#define ANAMNESIS_LEDGER_STATE_PLACE_IN_TIME_H_

// Where an event stands among others. What was recorded when it happened stands where it was recorded. What was
// recorded after the fact has no place of its own in the log: it stands where it is said to have happened, so that it
// does not matter in which order such records arrive, and none of them takes the place of what was recorded when it
// happened since. Nothing is told afterwards before it happened: none stands later than it was recorded. Pure.

#include <functional>
#include <optional>
#include <utility>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

using Place = std::pair<Timestamp, LeafIndex>;

// `latest` is when it happened at the latest, as last corrected.
Place PlaceInTime(const RecordedEvent& event, Timestamp latest);

struct Placed {
  Place place;
  // It was recorded after the fact: what comes before it in the log can stand after it.
  bool told_afterwards;
};
// Where the event at `index` stands by the corrections below `size`; nullopt when it doesn't count there.
StatusOr<std::optional<Placed>> PlaceOf(const RowFinder& rows, LeafIndex index, TreeSize size = TreeSize(UINT64_MAX));

// Gives some events one by one, from the last in the log to the first, and then nullopt.
using EventBefore = std::function<StatusOr<std::optional<LeafIndex>>()>;

// The newest of those that still count at `size`, by their places; nullopt when none does. Of those only that stand
// before the place `until`, when it is given. Asks no further than where nothing can change any more.
StatusOr<std::optional<LeafIndex>> NewestCounting(const RowFinder& rows, TreeSize size, const EventBefore& before,
                                                  const std::optional<Place>& until = std::nullopt);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_PLACE_IN_TIME_H_
