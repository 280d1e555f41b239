#ifndef ANAMNESIS_LEDGER_ENGINE_REPAIR_H_
#define ANAMNESIS_LEDGER_ENGINE_REPAIR_H_

// Mends a stopped ledger with what another replica holds. Leaves are accepted when they hash to the tree whose root
// this ledger committed to, bodies when a leaf commits to them; tiles and projections are computed again. What was
// erased stays erased. Whatever is interrupted, at any moment, goes on when it is run again: each write makes something
// whole, and nothing else.
//
// The root is that of the applied state. A checkpoint that this ledger signed, or one that the caller trusts, has to
// agree with it, or nothing is written, even where nothing else is wrong; where only the applied state's root is wrong,
// a checkpoint over all of the ledger takes its place.
//
// A file that the storage can't read is not mended in its place: what is readable, and verifies, and what is fetched
// make a new database beside the damaged one, which takes its place when it is whole. Until it was checked in its place
// the damaged one is kept as DIR/db.damaged.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/engine/fsck.h"
#include "ledger/engine/log_piece.h"
#include "ledger/engine/repair_source.h"
#include "ledger/note/checkpoint.h"

namespace anamnesis {

struct RepairOptions {
  FsckOptions fsck;
  // What the caller trusts besides, and has verified.
  std::optional<Checkpoint> checkpoint;
  // Gets one line for each thing that is done; from the calling thread.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

struct RepairReport {
  // What was wrong.
  FsckReport before;
  // What was found where it is mended, and what became of it.
  std::vector<Damage> damage;
  // All projections were computed again.
  bool rebuilt = false;
  // The storage couldn't read a file, so that the database was made anew.
  bool made_anew = false;
  // What is wrong now; the same as `before` where nothing was.
  FsckReport after;
};

// Repairs the ledger in `dir`, which no process may have open. What stays wrong is in the report. NOT_FOUND: no ledger
// there. FAILED_PRECONDITION: another process has it open, or it is a copy that isn't finished. DATA_LOSS: there is no
// root to repair against, or neither this ledger nor the source has the leaves of it, the checkpoint beside it
// doesn't verify, or one disagrees, and nothing was written. INVALID_ARGUMENT: options.checkpoint is of another ledger.
// Otherwise fails as writing does, and what was mended by then is.
StatusOr<RepairReport> Repair(const std::string& dir, RepairSource& source, const RepairOptions& options);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_REPAIR_H_
