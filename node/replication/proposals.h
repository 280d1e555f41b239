#ifndef ANAMNESIS_NODE_REPLICATION_PROPOSALS_H_
#define ANAMNESIS_NODE_REPLICATION_PROPOSALS_H_

// This node's own batches, from Propose until they are delivered or dropped. A part of Replica.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "node/replication/actions.h"
#include "node/replication/batch.h"

namespace anamnesis {

struct Proposal {
  OrderRecord record;
  // Nodes that have it durably staged; this node too, once it has.
  absl::btree_set<NodeId> stored;
  int64_t sent_us = 0;

  // Known to be in the order, by an answer of etcd or by the watch.
  bool ordered = false;
  // A transaction was sent and not answered yet.
  bool asked = false;
  // A transaction was sent whose outcome is unknown.
  bool may_be_ordered = false;
  // The members that were compared last, and whether etcd said that there are others by now.
  Revision asked_members;
  bool members_refused = false;
  int64_t ask_again_us = 0;
};

class Proposals {
 public:
  Proposal& Add(OrderRecord record, int64_t now_us);
  // Null when there is none. Lives until it is removed.
  Proposal* Find(const BatchId& id);
  // The one whose turn it is to be ordered: the first of `session` that is not known to be. Null when there is none.
  Proposal* Next(SessionId session);
  // It was delivered.
  void Remove(const BatchId& id);
  // Nothing more will be asked for: takes out those that are not known to be ordered, or all of them.
  std::vector<Dropped> Drop(bool all);

  absl::btree_map<BatchId, Proposal>& all() { return proposals_; }
  uint64_t bytes() const { return bytes_; }

 private:
  absl::btree_map<BatchId, Proposal> proposals_;
  uint64_t bytes_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_PROPOSALS_H_
