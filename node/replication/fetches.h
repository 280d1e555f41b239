#ifndef ANAMNESIS_NODE_REPLICATION_FETCHES_H_
#define ANAMNESIS_NODE_REPLICATION_FETCHES_H_

// Ordered batches that are missing here: whom to ask for each, one peer after the other, in rounds. A part of Replica.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/btree_map.h"
#include "node/replication/actions.h"
#include "node/replication/batch.h"

namespace anamnesis {

class Fetches {
 public:
  using HoldersOf = std::function<std::vector<NodeId>(const OrderRecord&)>;

  // `again_us` passes until a peer that doesn't answer is passed over, and between rounds. `holders_of` says whom a
  // round asks; it may be nobody.
  Fetches(int64_t again_us, HoldersOf holders_of) : again_us_(again_us), holders_of_(std::move(holders_of)) {}

  bool Has(const BatchId& id) const { return fetches_.contains(id); }
  size_t size() const { return fetches_.size(); }
  // The methods below add whom to ask now to `ask`.
  void Begin(const OrderRecord& batch, int64_t now_us, std::vector<Fetch>& ask);
  // `from` has nothing to give: on to the next, if `from` is who was asked last.
  void Failed(const BatchId& id, const NodeId& from, bool gone, int64_t now_us, std::vector<Fetch>& ask);
  void Tick(int64_t now_us, std::vector<Fetch>& ask);
  // The batch is here, or being written.
  void End(const BatchId& id) { fetches_.erase(id); }
  void Clear() { fetches_.clear(); }
  // True when several whole rounds found nobody but nodes that don't keep some batch any more, or don't answer.
  bool hopeless() const { return hopeless_; }

 private:
  struct Rounds {
    OrderRecord batch;
    std::vector<NodeId> holders;
    // Who was asked last; holders.size() when the round is over.
    size_t at = 0;
    int64_t asked_us = 0;
    bool gone = false;
    int rounds_gone = 0;
  };
  void BeginRound(Rounds& rounds, int64_t now_us, std::vector<Fetch>& ask);
  void GoOn(Rounds& rounds, int64_t now_us, std::vector<Fetch>& ask);

  const int64_t again_us_;
  const HoldersOf holders_of_;
  absl::btree_map<BatchId, Rounds> fetches_;
  bool hopeless_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_FETCHES_H_
