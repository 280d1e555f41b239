#ifndef ANAMNESIS_LEDGER_GATE_MEASURED_H_
#define ANAMNESIS_LEDGER_GATE_MEASURED_H_

// What was tested and measured of an artifact. Of each test the last result decides, as the report of coverage has it
// (query/test_results.h). What was measured before the artifact was recorded otherwise is of something else when that
// has other bytes; of the same bytes it shows what is wrong with them, and nothing else: whoever records an artifact
// anew asks for its tests anew, and takes no failure back. Private to the room.

#include <vector>

#include "ledger/base/status.h"
#include "ledger/envelope/metrics.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// The tests of the artifact that failed last, in the order of their names: evaluations of it, and test runs on the
// candidate configuration.
StatusOr<std::vector<const Fact*>> FailedTests(Subject& s);

// Whether what was measured counts for the artifact: it is not from before that was recorded otherwise.
bool CountsFor(const Subject& s, const Fact& measured);

// The evaluations of the artifact's bytes, by their places in time.
StatusOr<std::vector<const Fact*>> EvaluationsOf(Subject& s);

// The metrics of the evaluations of the artifact: of each test, name and subgroup the last. Rests on those evaluations.
StatusOr<MeasuredMetrics> MetricsOf(Subject& s, Judgement& j);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_MEASURED_H_
