#ifndef ANAMNESIS_NODE_CHECKPOINT_OWN_AUDIT_H_
#define ANAMNESIS_NODE_CHECKPOINT_OWN_AUDIT_H_

// How far this node has read back and verified its own leaves (log_audit.h), off the commit path. Safe for concurrent
// use; a call waits for the disk, for as many leaves as it reads.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "ledger/base/status.h"
#include "ledger/engine/ledger.h"
#include "ledger/engine/log_audit.h"
#include "ledger/note/checkpoint.h"

namespace anamnesis {

class OwnAudit {
 public:
  // Goes on after the checkpoint that was cosigned last, if there is one. `ledger` outlives it.
  OwnAudit(const Ledger& ledger, std::string origin, std::optional<Checkpoint> cosigned)
      : ledger_(ledger), audit_(std::move(origin)), cosigned_(std::move(cosigned)) {}

  // Reads on towards what the ledger has, `leaves_max` leaves at most. DATA_LOSS: what doesn't hold; UNAVAILABLE: the
  // ledger has less than was cosigned, so it was cut off, or is being copied.
  Status Advance(uint64_t leaves_max);

  // The root over the first `size` leaves; reads on when only a few are missing. UNAVAILABLE: the ledger hasn't that
  // many. OUT_OF_RANGE: too many are to be verified first; Advance does it. DATA_LOSS as above.
  StatusOr<AuditedRoot> RootAt(TreeSize size);

  // The leaves verified so far.
  TreeSize size() const;

 private:
  // With mutex_ held.
  Status Resume(const RowReader& rows);

  const Ledger& ledger_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  LogAudit audit_;
  // Until the audit has been set there.
  std::optional<Checkpoint> cosigned_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CHECKPOINT_OWN_AUDIT_H_
