#ifndef ANAMNESIS_LEDGER_COMMIT_APPLY_H_
#define ANAMNESIS_LEDGER_COMMIT_APPLY_H_

// The one way into the log: a deterministic function of (state, ordered batch). It decides which runs are appended,
// computes their leaves, the tree and all projections, and returns everything as rows to be written together or not at
// all. It reads no clock and no randomness: times are in the batch. Every replica, and a replay years later, computes
// the same rows. Pure; one caller at a time.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/finding.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/state_digest.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/merkle/frontier.h"
#include "ledger/rules/admit.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// All state that is not in rows. A value: Apply works on a copy.
struct LedgerState {
  std::string origin;
  // The last batch applied; 0 before the first.
  Revision revision;
  // The recorded time of the last leaf; kTimestampMin while there is none.
  Timestamp last_recorded = kTimestampMin;
  Frontier frontier;
  StateDigest digest;

  TreeSize size() const { return frontier.size(); }
};

// What the ledger itself has to say: a type that it decides, and the type's message.
struct OwnEvent {
  std::string type;
  std::string content;
  std::vector<v1::EntityRef> refs = {};
};

// Runs that were ordered together, already admitted (rules/admit.h).
struct Batch {
  // The proposing node's system clock. Recorded times start here, or just after the last recorded one if that is later.
  // A time outside [kTimestampMin, kTimestampLimit) counts as the nearest one inside.
  Timestamp proposed;
  // By how much that clock was seen to step since the node's last batch; 0 for not at all.
  int64_t clock_step_us = 0;
  // Recorded before the runs.
  std::vector<OwnEvent> own_events;
  std::vector<std::shared_ptr<const AdmittedRun>> runs;
};

// The name under which a batch was ordered (sequencer.h); session 0 in the local order. Applied state says which
// batches it holds, so that none is ever ordered again.
struct BatchName {
  uint64_t session = 0;
  uint64_t number = 0;
};

struct RunVerdict {
  // OK, or the refusal, and then nothing of the run was written; that it was attempted may be (refused_attempts.h).
  Status status;
  bool already_recorded = false;
  // One for each event of an accepted run.
  std::vector<LeafIndex> indexes;
  std::vector<Timestamp> recorded;
  // What is amiss with events that were recorded all the same.
  std::vector<v1::EventFinding> findings = {};
};

// What a batch does: rows to write in one go, the state after them, and a verdict for each run in order. While the rows
// are being written they are, once rebased, what the next batch can be applied on.
struct CommitBatch {
  LedgerState next;
  std::unique_ptr<RowOverlay> rows;
  std::vector<RunVerdict> verdicts;
  // Bodies were erased: their bytes are still in the store's files (Store::Purge).
  bool erased = false;
  // The standing check has units left that the next batches go on with, even one without runs.
  bool work_left = false;
  // When time alone next gives it something to do, which a batch without runs then does; nullopt: never.
  std::optional<Timestamp> next_due = std::nullopt;
};

// Applies `batch` at `revision`, which must be after state.revision. `rows` is not read any more once it returns. Fails
// only when state can't be read or an own event is none of the vocabulary; then nothing may be written and the ledger
// must stop serving.
// `note` is kept with the applied state until another is. Where ReadsRanges(state, batch, rows), `stored` must be
// there: the same rows as `rows`, to be walked.
StatusOr<CommitBatch> Apply(const LedgerState& state, const RowFinder& rows, Revision revision, const Batch& batch,
                            const BatchName& name = {}, const std::optional<std::string>& note = std::nullopt,
                            const RowReader* stored = nullptr);

// Moves `state` to `revision`, up to which nothing was ordered. Each replica notes that for itself, where it likes, so
// nothing that all must have in common comes of it: what the ledger has to do by itself waits for the next batch. What
// is due stays as the last batch said, and is not said again.
CommitBatch MoveOn(const LedgerState& state, const RowFinder& rows, Revision revision);

// Whether the batch asks the activation gate, or gives the standing check something to look at: both read ranges of
// rows.
StatusOr<bool> ReadsRanges(const LedgerState& state, const Batch& batch, const RowFinder& rows);

// CommitBatch.next_due of the batch that came to `state`, for who has not seen it.
StatusOr<std::optional<Timestamp>> NextDue(const LedgerState& state, const RowFinder& rows);

// Keys of kMeta.
inline constexpr std::string_view kIdentityKey = "identity";
inline constexpr std::string_view kAppliedKey = "applied";
inline constexpr std::string_view kCheckpointKey = "checkpoint";
// Followed by be64 session: be64 number of the last of its batches that was applied.
inline constexpr std::string_view kAppliedBatchPrefix = "applied_batch/";
std::string AppliedBatchKey(uint64_t session);
// be64: one more than the last event that erased bodies.
inline constexpr std::string_view kErasedKey = "erased";
// The last note.
inline constexpr std::string_view kNoteKey = "note";
// The format that this program writes, and the newest that it reads.
inline constexpr uint32_t kFormatVersion = 1;

// The kTiles key of a tile.
std::string TileKey(const TileId& tile);

// Ids and nonces of the events that the ledger decides: derived, so that every replica has the same.
EventId LedgerEventId(std::string_view origin, LeafIndex index);
std::string LedgerEventNonce(const EventId& id);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_COMMIT_APPLY_H_
