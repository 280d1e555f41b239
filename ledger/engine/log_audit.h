#ifndef ANAMNESIS_LEDGER_ENGINE_LOG_AUDIT_H_
#define ANAMNESIS_LEDGER_ENGINE_LOG_AUDIT_H_

// What a replica does before it cosigns a checkpoint: it reads the leaves back from its own disk, hashes them again,
// compares every tile above them, and verifies the seals of their runs and the keys that sealed them, as the events
// before each run left those keys: a key that was revoked since, for a time before the run, doesn't make the log
// another one. Goes on where it stopped, so that each leaf is read once. Whether each run continues its stream where
// the one before it ended, other bodies than those of keys, and projections are left to fsck (fsck.h), which wants a
// ledger that nobody writes.
//
// One thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/no_rows.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/merkle/frontier.h"
#include "ledger/note/checkpoint.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The events since the last seal.
struct UnsealedRun {
  std::string stream;
  uint64_t first_leaf = 0;
  uint64_t first_position = 0;
  Timestamp first_recorded;
  Digest last_digest;
  std::vector<std::string> headers;
  // Those of them that say something of keys.
  std::vector<std::shared_ptr<const LoadedEvent>> keys;
};

struct AuditedRoot {
  Digest root;
  // Whether the last leaf ends a run. Where it doesn't, the seal that vouches for the last leaves isn't in that tree:
  // it can be compared, and nobody who verifies seals cosigns it.
  bool ends_run = true;
};

class LogAudit {
 public:
  // Begins with the first leaf.
  explicit LogAudit(std::string origin) : origin_(std::move(origin)) {}

  // Begins after what was audited and cosigned before, or with the first leaf of the run that its size is inside of.
  // DATA_LOSS: the stored tiles don't have that root any more, an event of a key that the projections list is not in
  // the tree, or the last leaves can't be read.
  Status Resume(const RowReader& rows, const Checkpoint& audited);

  // Goes on to `size`, which the ledger has and which ends a batch, but over `leaves_max` leaves at most. DATA_LOSS,
  // naming the leaf or the tile, when something doesn't hold: this stays where it was before the part that is wrong,
  // and a later call looks again. Otherwise fails as `rows` does.
  Status ReadTo(const RowReader& rows, TreeSize size, uint64_t leaves_max = UINT64_MAX);

  // The leaves read so far.
  TreeSize size() const { return frontier_.size(); }
  // The root that the first `size` leaves have, computed from what was read here. OUT_OF_RANGE: not read so far yet.
  // DATA_LOSS: the last of them can't be read any more.
  StatusOr<AuditedRoot> RootAt(const RowReader& rows, TreeSize size) const;

 private:
  // The credentials as of the first `begin` leaves, all of which `audited` is over.
  Status ReadKeys(const RowReader& rows, const Checkpoint& audited, TreeSize begin);
  Status ReadPart(const RowReader& rows, uint64_t end);
  Status CompareTiles(const RowReader& rows, Frontier& frontier) const;
  // What is known up to a leaf: the run that isn't sealed yet, and the keys as the runs before it left them.
  struct Place {
    std::optional<UnsealedRun> run;
    RowOverlay keys;
  };
  Status CheckLeaf(const RowReader& rows, uint64_t index, std::string_view leaf, Place& place) const;
  Status CheckOfLedger(const ParsedHeader& header, const LeafView& leaf, uint64_t index) const;
  Status CheckSeal(const SealView& seal, const UnsealedRun& run, const RowFinder& keys) const;

  const std::string origin_;
  Frontier frontier_;
  std::optional<UnsealedRun> run_;
  const NoRows none_{};
  RowOverlay keys_{none_};
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_LOG_AUDIT_H_
