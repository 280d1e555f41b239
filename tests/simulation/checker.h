#ifndef ANAMNESIS_TESTS_SIMULATION_CHECKER_H_
#define ANAMNESIS_TESTS_SIMULATION_CHECKER_H_

// What must hold of a cluster, judged from outside: what etcd ordered, what disks hold, what was shown to anybody.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"
#include "node/replication/recovery.h"

namespace anamnesis {

struct LogEntry {
  Revision revision;
  BatchId id;
  Digest digest;
  // The hash of everything up to and including this entry.
  Digest chain;
};

// The entry that follows `log`.
LogEntry Chained(const std::vector<LogEntry>& log, Revision revision, const BatchId& id, const Digest& digest);

class Checker {
 public:
  // Without the checks of causes (a majority stored it, a majority applied it), to see what a planted error leads to.
  explicit Checker(bool consequences_only) : consequences_only_(consequences_only) {}

  // The first violation; empty while there is none.
  const std::string& violation() const { return violation_; }
  void Violated(std::string what);

  // ---- What happens ----
  void Ordered(uint64_t incarnation, Revision revision, const OrderRecord& record, const Members& members);
  // Durably, on a disk.
  void Staged(const NodeId& node, const BatchId& id, const Digest& digest);
  void Removed(const NodeId& node, const BatchId& id);
  void AppliedDurably(const NodeId& node, size_t count) { durable_[node] = count; }
  void DiskLost(const NodeId& node, bool returns_empty);
  // A node applies the next entry of its log, not yet durably.
  void Applied(const NodeId& node, uint64_t incarnation, const std::vector<LogEntry>& log);
  // A node shows what it has applied up to `revision`; `members` are those of its applied state.
  void Shown(const NodeId& node, uint64_t incarnation, Revision revision, const std::vector<LogEntry>& log,
             const Members& members);
  // A node answers a linearizable read that began when `before` batches had been shown.
  void ReadAt(const NodeId& node, Revision shown, const std::vector<LogEntry>& log, size_t before);
  // A recovery may order it all the same.
  void NeverOrdered(uint64_t incarnation, const BatchId& id);
  // A new order starts from `prefix`, a node's log, and the plan.
  void Recovered(uint64_t incarnation, const std::vector<LogEntry>& prefix, const RecoveryPlan& plan);
  // The nodes of the plan have all followed it.
  void Followed(const Members& members) { members_ = members; }
  // The root of the real ledger after `count` batches.
  void Root(uint64_t incarnation, size_t count, const Digest& root);

  // ---- What was ----
  const std::vector<LogEntry>& history(uint64_t incarnation) { return history_[incarnation]; }
  size_t shown() const { return shown_; }

 private:
  // Whichever majority of the voters keeps its disks, one of them has the batch.
  void CheckObtainable(const BatchId& id);
  bool Holds(const NodeId& node, const BatchId& id);

  const bool consequences_only_;
  std::string violation_;
  // Of an incarnation: the order as etcd made it.
  absl::btree_map<uint64_t, std::vector<LogEntry>> history_;
  uint64_t newest_ = 1;
  Members members_;
  absl::flat_hash_map<BatchId, size_t> places_;
  // Also of disks that are lost since.
  absl::flat_hash_map<BatchId, absl::btree_set<NodeId>> ever_staged_;
  absl::flat_hash_map<BatchId, absl::btree_set<NodeId>> staged_;
  absl::btree_map<NodeId, size_t> durable_;
  absl::btree_set<NodeId> lost_;
  // With the incarnation, since an etcd that was given up may live and open a session of the same number.
  absl::btree_set<std::pair<uint64_t, BatchId>> never_ordered_;
  absl::flat_hash_set<std::pair<uint64_t, BatchId>> ordered_;
  absl::btree_map<std::pair<uint64_t, size_t>, Digest> roots_;
  // The longest prefix that was shown to anybody.
  size_t shown_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SIMULATION_CHECKER_H_
