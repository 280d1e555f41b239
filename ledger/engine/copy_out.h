#ifndef ANAMNESIS_LEDGER_ENGINE_COPY_OUT_H_
#define ANAMNESIS_LEDGER_ENGINE_COPY_OUT_H_

// The giving side of a copy: what a ledger's state says, and the events that it is the state of, while the ledger goes
// on. The receiving side is copy_in.h.
//
// What is given is durably applied; it need not be settled. That is safe: a node that takes it is where it would be had
// it fetched and applied the same batches itself, which every node may do as soon as they are ordered. It counts
// towards the majority that settles them, and shows nothing before they are settled (sequencer.h).

#include <cstddef>

#include "anamnesis/internal/copy.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Safe for concurrent use. Fails as the store does.
class CopyOut {
 public:
  // `store`, to which every batch must be written durably, outlives it.
  explicit CopyOut(const Store& store) : store_(store) {}

  // The state at one place in the order. FAILED_PRECONDITION: the ledger is empty. DATA_LOSS: its state is damaged.
  StatusOr<internal::CopyManifest> Manifest() const;

  // Events from `first` on: at least one, else as many as fit into `bytes_max`, none from `limit` on, which is at most
  // a manifest's size and above `first`. DATA_LOSS: a leaf is missing.
  StatusOr<internal::CopyChunk> Chunk(LeafIndex first, TreeSize limit, size_t bytes_max) const;

 private:
  const Store& store_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_COPY_OUT_H_
