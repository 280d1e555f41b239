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
  ASSIGN_OR_RETURN(const std::optional<std::string> leaf, rows.Get(Family::kLeaves, LeafKey(index)));
  if (!leaf.has_value()) return absl::DataLossError(Text("leaf ", index.value, " is missing; run fsck"));
  // Its body says nothing of when it was, and can be large.
  ASSIGN_OR_RETURN(const LoadedEvent event, ParseStoredEvent(index, *leaf, ""));
  ASSIGN_OR_RETURN(const Standing standing, StandingOf(rows, event.view(), size));
  if (standing.void_effect) return std::optional<Placed>();
  const v1::EventHeader& header = event.header.fields;
  const Timestamp latest = standing.moved ? standing.latest : Timestamp(header.occurred_latest_us());
  return std::optional<Placed>({PlaceInTime(event.view(), latest), header.retrospective()});
}

StatusOr<std::optional<LeafIndex>> NewestCounting(const RowFinder& rows, TreeSize size, const EventBefore& before) {
  ASSIGN_OR_RETURN(std::optional<LeafIndex> index, before());
  if (!index.has_value()) return index;
  ASSIGN_OR_RETURN(std::optional<LeafIndex> next, before());
  if (!next.has_value()) {
    // Wherever it stands, it is the only one.
    if (index->value >= size.value) return next;
    ASSIGN_OR_RETURN(const bool counts, StillCounts(rows, *index, size));
    return counts ? index : next;
  }
  std::optional<Place> newest;
  bool told_afterwards = true;
  while (index.has_value() && told_afterwards) {
    ASSIGN_OR_RETURN(const std::optional<Placed> placed, PlaceOf(rows, *index, size));
    if (placed.has_value() && (!newest.has_value() || *newest < placed->place)) newest = placed->place;
    told_afterwards = !placed.has_value() || placed->told_afterwards;
    index = next;
    if (index.has_value() && told_afterwards) {
      ASSIGN_OR_RETURN(next, before());
    }
  }
  return newest.has_value() ? std::optional<LeafIndex>(newest->second) : std::nullopt;
}

}  // namespace anamnesis
