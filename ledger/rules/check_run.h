#ifndef ANAMNESIS_LEDGER_RULES_CHECK_RUN_H_
#define ANAMNESIS_LEDGER_RULES_CHECK_RUN_H_

// Admission with state: whether a run may be appended at its place in the log. Decided while applying, the same on
// every replica, before anything of the run is written. Pure.

#include <optional>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/rules/admit.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// A run that the ledger has already, event for event.
using AlreadyRecorded = std::vector<LeafIndex>;

struct CheckedRun {
  // The existing places when all of the run is in the ledger already (a retry).
  std::optional<AlreadyRecorded> existing;
  // Otherwise, of each event of the run, what it breaks and is recorded with.
  std::vector<std::vector<BrokenRule>> broken;
};

// Checks the run as it would be recorded from `first_recorded` on, with `size` leaves before it. Refusals:
//   CHAIN_BROKEN       it doesn't continue its stream
//   EVENT_ID_TAKEN     another event has one of its ids, or an id occurs twice
//   KEY_UNKNOWN, KEY_NOT_VALID, NOT_THE_WRITER, ROLE_MISSING, OUT_OF_SCOPE, SIGNATURE_INCOMPLETE
//                      its writer may not write it
//   REFERENCE_INVALID  it names an event, key or delegation that is not there or that it can't correct
//   ENTITY_TAKEN       it issues a key that has a credential, or defines an entity version that is recorded otherwise
//   RULE_BROKEN        it lacks what must come before it or belong to it: rule, clause and remedy are in the detail
//   NOT_FOUNDED        the ledger is empty and this is not a founding run
// Any Status without a RefusalDetail is a failure to read state.
StatusOr<CheckedRun> CheckRun(const AdmittedRun& run, const RowFinder& rows, TreeSize size, Timestamp first_recorded);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_RULES_CHECK_RUN_H_
