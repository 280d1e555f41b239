#ifndef ANAMNESIS_NODE_REPLICATION_RECOVERY_H_
#define ANAMNESIS_NODE_REPLICATION_RECOVERY_H_

// etcd is lost for good: a new order is made from what a majority of the voters has on its disks. Pure.
//
// The order of steps, whoever drives them:
//   1. Fence the nodes that will report, durably: a fenced node makes no Replica, also after a restart, and so stores,
//      acknowledges, applies and shows nothing for the old order. The old etcd may only be cut off, and live for
//      others.
//   2. Report, plan.
//   3. Each reporting node copies the applied state of a prefix holder if its own is shorter, and what it lacks of the
//      plan's batches from their holders; applies the plan's batches at the revisions that the plan gives them; removes
//      everything staged; and notes, all this durably, that it has applied plan.base in the incarnation plan.members
//      says. With that it is no longer fenced.
//   4. The new etcd gets `base` and `members` in its first transaction, before any session.
// Nodes that did not report are rebuilt with new disks, so as new nodes. They may have applied what the new order
// lacks; nobody was shown it, since it was not settled (replica.h).

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"

namespace anamnesis {

struct StagedBatch {
  BatchId id;
  Digest digest;
  uint64_t size_bytes = 0;

  friend bool operator==(const StagedBatch&, const StagedBatch&) = default;
};

// What a fenced node has on its disk.
struct NodeReport {
  NodeId node;
  // The members that it has durably noted last (DeliverMembers); empty on a new disk.
  Members members;
  Revision applied;
  AppliedNumbers applied_numbers;
  std::vector<StagedBatch> staged;
};

// Takes out what is staged here only for others that are behind, which can be much: what a node has applied is in the
// longest prefix too, so no plan orders it.
void LeaveOutApplied(NodeReport& report);

struct RecoveredBatch {
  Revision revision;
  StagedBatch batch;
  // Which reporting nodes have it staged; never empty.
  std::vector<NodeId> holders;
};

struct RecoveryPlan {
  // The longest applied prefix, and who has it.
  Revision prefix;
  std::vector<NodeId> prefix_holders;
  // What follows it, by session and number, at the revisions prefix + 1, prefix + 2 and so on.
  std::vector<RecoveredBatch> batches;
  // Above all of these revisions, and not below any session of these batches: the place of `members`. Revision r of the
  // new etcd is revision base + r of the ledger.
  Revision base;
  // The reporting nodes, voters and learners as they were, in the next incarnation; the revision is `base`, though the
  // new etcd will give it another.
  Members members;
};

// Nodes that followed the plan of a recovery that broke off may report together with those that did not come to it.
// INVALID_ARGUMENT: no report, a node reports twice, or one that was not part of the last recovery.
// FAILED_PRECONDITION: they are no majority of the voters of the last members that one of them knows, or none knows
// any. DATA_LOSS: two nodes have different bytes under one batch id, or different members under one revision.
StatusOr<RecoveryPlan> PlanRecovery(absl::Span<const NodeReport> reports);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_RECOVERY_H_
