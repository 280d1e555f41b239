#ifndef ANAMNESIS_LEDGER_RULES_CHECK_RUN_H_
#define ANAMNESIS_LEDGER_RULES_CHECK_RUN_H_

// Admission with state: whether a run may be appended at its place in the log, and what its events break. Decided while
// applying, the same on every replica. A run is recorded while it is checked, and what was put of it is taken back when
// one of its events is refused: so each event is held against the very rows that later events and a rebuild find.

#include <optional>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/rules/admit.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// A run that the ledger has already, event for event.
using AlreadyRecorded = std::vector<LeafIndex>;

// Refusals of one run; see the methods. Any Status without a RefusalDetail is a failure to read state. One thread.
class RunCheck {
 public:
  // `rows` is the log, `size` leaves of it before the run. Both outlive the check.
  RunCheck(const AdmittedRun& run, const RowFinder& rows, TreeSize size) : run_(run), rows_(rows), size_(size) {}

  // Checks the run as a whole, before anything of it is put into the rows; it would be recorded from `first_recorded`
  // on. Returns the existing places when all of it is in the ledger already (a retry). Refusals:
  //   CHAIN_BROKEN       it doesn't continue its stream
  //   EVENT_ID_TAKEN     another event has one of its ids, or an id occurs twice
  //   KEY_UNKNOWN, KEY_NOT_VALID, NOT_THE_WRITER
  //                      its writer may not write it
  //   NOT_FOUNDED        the ledger is empty and this is not a founding run
  StatusOr<std::optional<AlreadyRecorded>> Begin(Timestamp first_recorded);

  // Checks an event of the run as it would be recorded; all before it have been put into the rows (Project). Returns
  // what it breaks and is recorded with. Refusals:
  //   ROLE_MISSING, OUT_OF_SCOPE, NOT_THE_WRITER, SIGNATURE_INCOMPLETE
  //                      its writer may not write it, or signed more than this event with it
  //   REFERENCE_INVALID  it names an event, key or delegation that is not there or that it can't correct
  //   ENTITY_TAKEN       it issues a key that has a credential, or defines an entity version that is recorded otherwise
  //   OVER_LIMIT         it is one correction too many of the same event, or of corrections
  //   RULE_BROKEN        it lacks what must come before it or belong to it: rule, clause and remedy are in the detail
  StatusOr<std::vector<BrokenRule>> Check(const RecordedEvent& event) const;

 private:
  const AdmittedRun& run_;
  const RowFinder& rows_;
  const TreeSize size_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_RULES_CHECK_RUN_H_
