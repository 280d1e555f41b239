#ifndef ANAMNESIS_LEDGER_STATE_CLOSING_RULES_H_
#define ANAMNESIS_LEDGER_STATE_CLOSING_RULES_H_

// The special rules of closing:
//
//   CLOSE-LAST-VERIFIED         a problem that is closed was verified last as resolved, and since it was reopened
//   (A100;
//                               IEC 62304 9.7)
//   CLOSE-CHANGE-LAST-VERIFIED  the same of a change (IEC 62304 8.2.3)
//
// What counts is what stands before the closing (place_in_time.h), and where nothing does, nothing settled it. A
// correction stands where any other record does: one that is not told as of then would, for the gate too, close again
// what was reopened since.

#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Adds what the event breaks to `broken`. Reads no body of it.
Status CheckClosing(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_CLOSING_RULES_H_
