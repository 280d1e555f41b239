#ifndef ANAMNESIS_NODE_REPLICATION_STAGING_INDEX_H_
#define ANAMNESIS_NODE_REPLICATION_STAGING_INDEX_H_

// What lies in this node's staging or is being written there. A part of Replica.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "node/replication/batch.h"
#include "node/replication/recovery.h"

namespace anamnesis {

class StagingIndex {
 public:
  struct Entry {
    Digest digest;
    uint64_t size_bytes = 0;
    // Synced; until then it is being written.
    bool durable = false;
    bool applied = false;
    // Whom to tell when it is durable; empty for nobody.
    NodeId acknowledge;
  };

  // What was found durable on the disk.
  void Add(const StagedBatch& batch);
  // A write begins, of what is not there or differs from it. `acknowledge` may be empty.
  void Begin(const OrderRecord& batch, const NodeId& acknowledge);
  // The write of `id` is done. The entry, or null when it was removed meanwhile.
  Entry* Done(const BatchId& id);
  void Failed(const BatchId& id);

  // Null when it is not there. Lives until the next call that changes anything.
  Entry* Find(const BatchId& id);
  // True when it is there or being written with this digest; `durable`: only when it is there.
  bool Has(const BatchId& id, const Digest& digest, bool durable) const;

  // The sessions of what is there, each once.
  std::vector<SessionId> Sessions() const;

  // It was applied at `revision`: kept for nodes that are behind, if it is there.
  void MarkApplied(const BatchId& id, Revision revision);
  // Takes out what was applied at or before `revision`, and the oldest of what was applied beyond these bounds.
  std::vector<BatchId> TakeApplied(Revision revision, size_t count_max, uint64_t bytes_max);
  // Takes out what of `session` was not applied.
  std::vector<BatchId> TakeNotApplied(SessionId session);

 private:
  struct Applied {
    Revision revision;
    BatchId id;
    uint64_t size_bytes;
  };

  absl::btree_map<BatchId, Entry> entries_;
  // In order of application. An entry may be gone from `entries_` when its write failed.
  std::deque<Applied> applied_;
  uint64_t applied_bytes_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_STAGING_INDEX_H_
