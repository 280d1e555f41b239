#ifndef ANAMNESIS_NODE_CLUSTER_HELD_H_
#define ANAMNESIS_NODE_CLUSTER_HELD_H_

// A batch in memory, and batches that are kept there as long as there is room.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "ledger/commit/apply.h"
#include "ledger/sequencer/sequencer.h"
#include "node/replication/batch.h"

namespace anamnesis {

struct Held {
  enum class Origin {
    // Submitted here: it is delivered or dropped, and kept nowhere else.
    kOwn,
    // A peer wants it stored, and sends it again.
    kPeer,
    // It was asked for, since it comes next.
    kFetched,
  };

  bool own() const { return origin == Origin::kOwn; }

  OrderRecord record;
  std::shared_ptr<const std::string> bytes;
  // Of a peer's batch, what its bytes were parsed to when their seals were verified. Of an own one what was submitted,
  // which says whom to answer.
  std::shared_ptr<const Payload> payload;
  Origin origin = Origin::kPeer;
};

inline BatchName NameOf(const BatchId& id) { return {id.session.value, id.number.value}; }

// Peers' batches that lie in staging too: held so that they aren't parsed again when they are delivered, and only up to
// a number of bytes, since many are staged where applying is slow.
class HeldBatches {
 public:
  explicit HeldBatches(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // May not keep it.
  void Keep(const std::shared_ptr<const Held>& batch) {
    const BatchId& id = batch->record.id;
    (void)Take(id);
    if (bytes_ + batch->record.size_bytes > bytes_max_) return;
    bytes_ += batch->record.size_bytes;
    batches_[id] = batch;
  }

  // Null when it isn't kept.
  std::shared_ptr<const Held> Take(const BatchId& id) {
    auto found = batches_.extract(id);
    if (!found) return nullptr;
    bytes_ -= found.mapped()->record.size_bytes;
    return std::move(found.mapped());
  }

 private:
  const uint64_t bytes_max_;
  uint64_t bytes_ = 0;
  std::map<BatchId, std::shared_ptr<const Held>> batches_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_HELD_H_
