#ifndef ANAMNESIS_LEDGER_QUERY_FORKS_H_
#define ANAMNESIS_LEDGER_QUERY_FORKS_H_

// Streams of which somebody has seen two histories. What such a stream holds is in doubt while nobody took that back.
// fork.detected names its stream in the body and refers to nothing, so that it is found by rows of its own. Pure.

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// How many that are recorded of the streams asked about are looked at, retracted ones too.
inline constexpr size_t kForksLookedAtMax = 10'000;

struct Forks {
  // In log order, at most 1,000.
  std::vector<const Fact*> found;
  // There may be more that were not looked at, or that are not in `found`.
  bool cut_off = false;
};

// The fork.detected events that still count of any of the streams or of the log itself. `facts` read all that were
// looked at, so that the same is found on what was read. What is recorded of other streams, which anybody may do,
// costs nothing.
StatusOr<Forks> ForksOf(Facts& facts, const std::set<std::string>& streams, size_t looked_at_max = kForksLookedAtMax);

// "stream device_unit/ICU-7" or "the log": what has two histories.
std::string ForkedText(const Fact& fork);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_FORKS_H_
