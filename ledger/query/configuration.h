#ifndef ANAMNESIS_LEDGER_QUERY_CONFIGURATION_H_
#define ANAMNESIS_LEDGER_QUERY_CONFIGURATION_H_

// The question the ledger exists for: what was this unit running at that time, as known then and as known now.
//
// Answered from the timelines (state/timeline.h) at a stated tree size, so the cost is that of the answer and of a walk
// that grows with the logarithm of the history. What is not known is said: a surface that nothing was recorded of, that
// a service wiped, whose records overlap in time, or whose measurement disagrees with the record, is UNKNOWN with the
// reason and the possibilities. Pure.
//
// configuration_digest is SHA-256 over, for each surface on which something certainly runs, ascending by bytes:
// surface, kind, id, version and digest text ("sha256:<hex>", empty without one), each followed by a zero byte.

#include <string>
#include <string_view>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// QueryService.GetConfiguration over the leaves [0, size).
StatusOr<v1::ConfigurationAnswer> AnswerConfiguration(const RowReader& rows, std::string_view origin, TreeSize size,
                                                      const v1::GetConfigurationRequest& request);

// One view of it: the unit at `at`, knowing the first `size` leaves.
StatusOr<v1::Configuration> ConfigurationAt(const RowReader& rows, std::string_view unit, Timestamp at, TreeSize size);

// The same without the items' histories and the leaves that these rest on: for whoever asks what ran, at many times or
// of many units. Costs nothing for what is recorded of the items.
StatusOr<v1::Configuration> RunningAt(const RowReader& rows, std::string_view unit, Timestamp at, TreeSize size);

// That nothing is recorded of a unit, and the remedy: one that was not in service then looks like one whose id is
// mistyped. Empty where anything is recorded of it.
StatusOr<std::string> WhyUnrecorded(const RowReader& rows, TreeSize size, const std::string& unit);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CONFIGURATION_H_
