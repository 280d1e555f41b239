#ifndef ANAMNESIS_LEDGER_STATE_CORRECTIONS_H_
#define ANAMNESIS_LEDGER_STATE_CORRECTIONS_H_

// Which events correct which, and so what an event still counts for. Nothing is updated in place: a correction is an
// event that names another in EventHeader.corrects.
//
//   - record.corrected RETRACTED takes away all effect of what it names; if that was a correction, what it had
//     corrected counts again;
//   - record.corrected OCCURRED_AT moves the effect in time;
//   - an event of the same type takes the place of what it names, with its own effect, and keeps it when it is itself
//     moved or replaced;
//   - record.corrected ANNOTATED, and an OCCURRED_AT that names a record.corrected, change no state.
// Of several that count, the last in the log decides.
//
// Rows of kCorrections: be64 index of the corrected event -> Correctors.

#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// What the corrections in the log leave of an event's effect.
struct Standing {
  // The event has no effect: retracted or replaced.
  bool void_effect = false;
  // When the effect happened: the header's interval, or another where a correction says so, and then `moved`.
  bool moved = false;
  Timestamp earliest;
  Timestamp latest;
  // The event that decided this: the correction, or the event itself.
  LeafIndex evidence;
};

// The events that name `index` in `corrects`, in log order.
StatusOr<std::vector<LeafIndex>> CorrectorsOf(const RowFinder& rows, LeafIndex index);

// What `event` still counts for, by the corrections below `size`.
StatusOr<Standing> StandingOf(const RowFinder& rows, const RecordedEvent& event, TreeSize size = TreeSize(UINT64_MAX));

// Whether the event at `index` still has its effect, by the corrections below `size`: it was neither retracted nor
// replaced. Reads the event only when something corrects it.
StatusOr<bool> StillCounts(const RowFinder& rows, LeafIndex index, TreeSize size = TreeSize(UINT64_MAX));

// The event that `event` corrects, and what that one corrects, and so on; empty when it corrects nothing. At most
// limits::kCorrectionDepthMax long.
StatusOr<std::vector<LoadedEvent>> CorrectedChain(const RowFinder& rows, const RecordedEvent& event);

// Records that `event` corrects what it names. Nothing to do for other events.
Status FoldCorrection(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_CORRECTIONS_H_
