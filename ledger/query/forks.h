#ifndef ANAMNESIS_LEDGER_QUERY_FORKS_H_
#define ANAMNESIS_LEDGER_QUERY_FORKS_H_

// Streams of which somebody has seen two histories. What such a stream holds is in doubt while nobody took that back.
// fork.detected names its stream in the body and refers to nothing, so no reference leads to it. Pure.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// The stream that a unit's own events are in.
std::string StreamOfUnit(std::string_view unit);

// The fork.detected events that still count, in log order, of any of the streams or of the log itself.
// RESOURCE_EXHAUSTED: more than 1,000 are recorded of whatever stream.
StatusOr<std::vector<const Fact*>> ForksOf(Facts& facts, const std::set<std::string>& streams);

// "stream device_unit/ICU-7" or "the log": what has two histories.
std::string ForkedText(const Fact& fork);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_FORKS_H_
