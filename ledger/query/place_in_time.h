#ifndef ANAMNESIS_LEDGER_QUERY_PLACE_IN_TIME_H_
#define ANAMNESIS_LEDGER_QUERY_PLACE_IN_TIME_H_

// Where facts stand among others (ledger/state/place_in_time.h). Pure.

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "ledger/query/facts.h"
#include "ledger/state/place_in_time.h"

namespace anamnesis {

inline Place PlaceInTime(const Fact& fact) { return PlaceInTime(fact.event.view(), fact.latest()); }

// Whether `a` stands before `b`.
inline bool StandsEarlier(const Fact* a, const Fact* b) { return PlaceInTime(*a) < PlaceInTime(*b); }

// The same by the log alone: what was recorded before, whenever it is said to have happened.
inline bool RecordedEarlier(const Fact* a, const Fact* b) { return a->event.index < b->event.index; }

// The last by `earlier`, or nullptr when there is none.
template <typename Earlier>
const Fact* NewestOf(const std::vector<const Fact*>& facts, Earlier earlier) {
  const auto newest = std::max_element(facts.begin(), facts.end(), earlier);
  return newest == facts.end() ? nullptr : *newest;
}

// Leaves the newest `count` by place in time, in log order; how many were dropped.
inline size_t KeepNewest(std::vector<const Fact*>& facts, size_t count) {
  if (facts.size() <= count) return 0;
  const size_t dropped = facts.size() - count;
  std::sort(facts.begin(), facts.end(), StandsEarlier);
  facts.erase(facts.begin(), facts.begin() + static_cast<std::ptrdiff_t>(dropped));
  std::sort(facts.begin(), facts.end(), RecordedEarlier);
  return dropped;
}

// The events of ItemScope::events, the earliest first.
inline std::vector<const Fact*> EarliestFirst(const std::map<uint64_t, const Fact*>& events) {
  std::vector<const Fact*> facts;
  for (const auto& [leaf, fact] : events) facts.push_back(fact);
  std::sort(facts.begin(), facts.end(), StandsEarlier);
  return facts;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_PLACE_IN_TIME_H_
