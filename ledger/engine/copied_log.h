#ifndef ANAMNESIS_LEDGER_ENGINE_COPIED_LOG_H_
#define ANAMNESIS_LEDGER_ENGINE_COPIED_LOG_H_

// The events of a log that comes from elsewhere, put in order: each is held against those before it, and the first that
// doesn't fit ends it. What an event says of itself was looked at before (fsck_leaf.h). Fsck, which goes on after what
// is wrong, has a check of its own.

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/fsck_leaf.h"
#include "ledger/merkle/frontier.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Used by one thread. Memory: a few words for each stream and key that occurs, and the run that isn't sealed yet.
class CopiedLog {
 public:
  // Goes on from `state`. `rows` has the projections of exactly its events and outlives this; they don't change.
  CopiedLog(const LedgerState& state, const RowFinder& rows);

  // Takes the next event. INVALID_ARGUMENT, naming the leaf: it is wrong, by itself or in its place; what was taken
  // before stands, and nothing more can be added. Otherwise fails as `rows` does.
  Status Add(std::unique_ptr<CheckedLeaf> leaf);
  // INVALID_ARGUMENT: no log ends here, within a run.
  Status CheckEnd() const;

  TreeSize size() const { return frontier_.size(); }
  Digest root() const { return frontier_.Root(); }
  Timestamp last_recorded() const { return last_recorded_; }
  std::vector<TileUpdate> TakeChangedTiles() { return frontier_.TakeChangedTiles(); }

 private:
  struct Head {
    uint64_t position = 0;
    std::string digest;
  };

  Status Check(const CheckedLeaf& leaf);
  Status CheckPlace(const CheckedLeaf& leaf);
  Status CheckSeal() const;
  StatusOr<Head*> HeadOf(const std::string& stream);

  const std::string origin_;
  const RowFinder& rows_;
  // Keys and roles as the events taken so far have changed them.
  RowOverlay authority_;
  absl::flat_hash_map<std::string, Head> heads_;
  Frontier frontier_;
  Timestamp last_recorded_;
  // The leaves since the last seal.
  std::vector<std::unique_ptr<CheckedLeaf>> run_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_COPIED_LOG_H_
