#ifndef ANAMNESIS_LEDGER_EVENT_RUN_RESULT_H_
#define ANAMNESIS_LEDGER_EVENT_RUN_RESULT_H_

// What came of a run of an append. Pure.

#include <cstddef>

#include "anamnesis/v1/ledger.pb.h"

namespace anamnesis {

// A refusal that has a detail names the run by its place among those of a request, which only who has the request
// knows.
void PutRunIndex(v1::RunResult& result, size_t run_index);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_RUN_RESULT_H_
