#ifndef ANAMNESIS_LEDGER_RULES_CHECK_CORRECTION_H_
#define ANAMNESIS_LEDGER_RULES_CHECK_CORRECTION_H_

// Who may take back, move in time or replace what is recorded (21 CFR 11.10(e), (g)): a correction has the effect of an
// act, so it asks for the authority of one. deploy/decisions/0027-who-may-correct.md says which and why. Pure.

#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// `corrected` is what `event` names in `corrects`, `chain` what that one corrects, and so on to what was recorded first
// (CorrectedChain). `rows` is the log before the event. Refusals: ROLE_MISSING, OUT_OF_SCOPE; REFERENCE_INVALID for
// what gave keys and roles, or took a role, which no correction undoes.
Status CheckCorrection(const RecordedEvent& event, const LoadedEvent& corrected, const std::vector<LoadedEvent>& chain,
                       const RowFinder& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_RULES_CHECK_CORRECTION_H_
