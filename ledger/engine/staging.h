#ifndef ANAMNESIS_LEDGER_ENGINE_STAGING_H_
#define ANAMNESIS_LEDGER_ENGINE_STAGING_H_

// Batches that this node keeps for a cluster from before they are ordered until they are applied: what a majority has
// staged can be ordered, since no minority can lose it. Beside the ledger in its store, so that staging and applying
// share syncs.
//
// Rows of kStaged: be64 session || be64 number -> SHA-256 of the batch || batch.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/status.h"
#include "ledger/commit/apply.h"
#include "ledger/store/store.h"

namespace anamnesis {

// The row of AppliedBatchKey. DATA_LOSS: it is damaged.
StatusOr<BatchName> ParseAppliedBatch(std::string_view key, std::string_view value);

// Safe for concurrent use. Fails as the store does.
class Staging {
 public:
  // `store` must outlive it. Nothing is put while less than `reserve_bytes` are free.
  explicit Staging(Store& store, uint64_t reserve_bytes = 0) : store_(store), reserve_bytes_(reserve_bytes) {}

  struct Batch {
    BatchName name;
    // SHA-256 of the bytes.
    Digest digest;
    std::string_view bytes;
  };
  // Keeps batches, replacing those of the same name; durable when it returns. RESOURCE_EXHAUSTED: no space, and none is
  // kept.
  Status Put(const std::vector<Batch>& batches);
  // The batch; nullopt when it is not staged. DATA_LOSS: its bytes are not those that were staged.
  StatusOr<std::optional<std::string>> Get(const BatchName& name) const;
  // Forgets batches, some time: a crash can bring them back, which is harmless too.
  Status Remove(const std::vector<BatchName>& names);

  struct Staged {
    BatchName name;
    Digest digest;
    // Of the batch, in bytes.
    size_t size = 0;
  };
  // All that is staged, by session and number.
  StatusOr<std::vector<Staged>> List() const;

  // For each session the last of its batches that was applied: earlier ones were applied or will never be ordered.
  StatusOr<std::vector<BatchName>> LastApplied() const;
  // Whether this batch was applied, or its session has gone past it.
  StatusOr<bool> IsApplied(const BatchName& name) const;
  // The last note that was ordered (Ordered::note); nullopt when there was none.
  StatusOr<std::optional<std::string>> Note() const;

  // Where all this lies beside the ledger, for a peer that copies it (copy_out.h).
  const Store& store() const { return store_; }

 private:
  Store& store_;
  const uint64_t reserve_bytes_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_STAGING_H_
