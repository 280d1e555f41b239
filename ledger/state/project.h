#ifndef ANAMNESIS_LEDGER_STATE_PROJECT_H_
#define ANAMNESIS_LEDGER_STATE_PROJECT_H_

// All projections of one event, in one place: commit, rebuild and fsck call this and nothing else, so what is rebuilt
// is what was built. Pure and deterministic: the rows are a function of the log up to and including the event.

#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Whether any fold reads the body of events of this type; of other types Project takes a null body.
bool FoldsReadBody(const EventType& type);

// Puts every projection row that the event causes. Events are projected in log order, each once. The event's leaf and
// body must be readable through `rows`. `broken` is what BrokenRules says of the event, where the caller knows it.
Status Project(const RecordedEvent& event, RowOverlay& rows, const std::vector<BrokenRule>* broken = nullptr);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_PROJECT_H_
