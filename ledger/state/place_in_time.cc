#include "ledger/state/place_in_time.h"

#include <algorithm>

#include "ledger/state/corrections.h"

namespace anamnesis {

Place PlaceInTime(const RecordedEvent& event, Timestamp latest) {
  const bool told_afterwards = event.header->fields.retrospective();
  return {told_afterwards ? std::min(latest, event.recorded) : event.recorded, event.index};
}

StatusOr<std::optional<Placed>> PlaceOf(const RowFinder& rows, LeafIndex index, TreeSize size) {
  if (index.value >= size.value) return std::optional<Placed>();
  // Its body says nothing of when it was, and can be large.
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadWithoutBody(rows, index));
  ASSIGN_OR_RETURN(const Standing standing, StandingOf(rows, event.view(), size));
  if (standing.void_effect) return std::optional<Placed>();
  return std::optional<Placed>({PlaceInTime(event.view(), standing.latest), event.header.fields.retrospective()});
}

StatusOr<std::optional<LeafIndex>> NewestCounting(const RowFinder& rows, TreeSize size, const EventBefore& before,
                                                  const std::optional<Place>& until) {
  ASSIGN_OR_RETURN(std::optional<LeafIndex> index, before());
  if (!index.has_value()) return index;
  ASSIGN_OR_RETURN(std::optional<LeafIndex> next, before());
  if (!next.has_value() && !until.has_value()) {
    // Wherever it stands, it is the only one.
    if (index->value >= size.value) return next;
    ASSIGN_OR_RETURN(const bool counts, StillCounts(rows, *index, size));
    return counts ? index : next;
  }
  std::optional<Place> newest;
  bool told_afterwards = true;
  while (index.has_value() && told_afterwards) {
    ASSIGN_OR_RETURN(const std::optional<Placed> placed, PlaceOf(rows, *index, size));
    const bool asked_for = placed.has_value() && (!until.has_value() || placed->place < *until);
    if (asked_for && (!newest.has_value() || *newest < placed->place)) newest = placed->place;
    told_afterwards = !asked_for || placed->told_afterwards;
    index = next;
    if (index.has_value() && told_afterwards) {
      ASSIGN_OR_RETURN(next, before());
    }
  }
  return newest.has_value() ? std::optional<LeafIndex>(newest->second) : std::nullopt;
}

}  // namespace anamnesis
