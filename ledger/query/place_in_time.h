#ifndef ANAMNESIS_LEDGER_QUERY_PLACE_IN_TIME_H_
#define ANAMNESIS_LEDGER_QUERY_PLACE_IN_TIME_H_

// Where an event stands among others. What was recorded when it happened stands where it was recorded. What was
// recorded after the fact has no place of its own in the log: it stands where it is said to have happened, so that it
// does not matter in which order such records arrive. Pure.

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

inline std::pair<Timestamp, LeafIndex> PlaceInTime(const Fact& fact) {
  return {fact.header().retrospective() ? fact.latest() : fact.event.recorded, fact.event.index};
}

// Whether `a` stands before `b`.
inline bool StandsEarlier(const Fact* a, const Fact* b) { return PlaceInTime(*a) < PlaceInTime(*b); }

// The same by the log alone: what was recorded before, whenever it is said to have happened.
inline bool RecordedEarlier(const Fact* a, const Fact* b) { return a->event.index < b->event.index; }

// The events of ItemScope::events, the earliest first.
inline std::vector<const Fact*> EarliestFirst(const std::map<uint64_t, const Fact*>& events) {
  std::vector<const Fact*> facts;
  for (const auto& [leaf, fact] : events) facts.push_back(fact);
  std::sort(facts.begin(), facts.end(), StandsEarlier);
  return facts;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_PLACE_IN_TIME_H_
