#ifndef ANAMNESIS_LEDGER_GATE_STANDING_CHECK_H_
#define ANAMNESIS_LEDGER_GATE_STANDING_CHECK_H_

// The standing check (domain.md C.5): whenever events enter that a rule of the gate reads, or a time comes that one of
// them named (state/standing_times.h), the ledger decides again about the artifacts that run on the units which these
// can touch, and records in its own stream what changed:
//
//   standing_hold.placed / .lifted   the gate would not allow it any more; it would again, or it no longer runs
//   recertification.required         once for a certification that is not for what runs any more
//   deactivation.instructed          the adopted policy says to take it back (never where a rule could not be
//                                    evaluated, the fallback is no good, or somebody decided that stopping is the
//                                    greater harm; asked again until it is said)
//   late_knowledge.found             what was recorded now had effect before a decision that it would have turned
//   standing_check.continued         more units are touched than are looked at in one batch; the rest follows
//
// A function of the rows and the leaves, so every replica records the same. Nothing here stops a unit: what a unit does
// is the unit's own event, and a record that can't be evaluated only asks for attention. Work is bounded by batch: the
// units that events name themselves, kStandingUnitsMax of those that they touch otherwise, and as many of what is left
// from batches before; kStandingTimesMax of the times that came. A batch that touches no unit with an adapted artifact
// costs one row read.

#include <functional>
#include <string>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/query/facts.h"
#include "ledger/state/rows.h"

namespace anamnesis {

inline constexpr size_t kStandingUnitsMax = 128;
// Units that one record names at most: so many references a header holds, however long the ids are.
inline constexpr size_t kStandingUnitsPerRecord = 40;
inline constexpr size_t kStandingCausesMax = 64;
inline constexpr size_t kStandingTimesMax = 64;

// An event that the ledger has to record of its own.
struct StandingRecord {
  std::string type;
  std::string content;
  std::vector<v1::EntityRef> refs;
};

struct StandingBatch {
  // Leaves of the batch whose types a rule reads, ascending.
  std::vector<LeafIndex> causes;
  // Held against the gate as of this time; times that events named were looked at up to `since`.
  Timestamp since;
  Timestamp now;
  // The id that the ledger's own event at a leaf has.
  std::function<std::string(LeafIndex)> id_at;
  // How many events it may take to look at one unit.
  size_t events_max = kQuestionEventsMax;
};

// Whether there is anything to do after a batch: there are units with adapted artifacts, or the batch has such a unit's
// first, and a gate policy is in force or in the batch; and the batch has causes, or there is work left, or a time that
// an event named comes after `since` and by `until`.
struct StandingOutlook {
  TreeSize size;
  Timestamp since;
  Timestamp until;
  bool has_cause = false;
  bool activates_artifact = false;
  bool adopts_policy = false;
};
StatusOr<bool> HasStandingWork(const RowFinder& rows, const StandingOutlook& outlook);

// What to record right after the leaves [0, size), in this order. Fails as reading rows does, and never for what was
// recorded, however much of it there is.
StatusOr<std::vector<StandingRecord>> CheckStanding(const RowReader& rows, TreeSize size, const StandingBatch& batch);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_GATE_STANDING_CHECK_H_
