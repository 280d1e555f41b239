#ifndef ANAMNESIS_TESTS_SIMULATION_CLUSTER_H_
#define ANAMNESIS_TESTS_SIMULATION_CLUSTER_H_

// A whole cluster in one thread under a seed: real Replicas, each with a driver as plain as can be, a disk, and a
// clock; between them a network; and an etcd. For twenty seconds everything goes wrong that may, then everything heals,
// and the cluster has to come to rest with everything answered and the same on all nodes. A seed and a commit make the
// same run.
//
//   node.cc      one node: carries out its Replica's actions
//   faults.cc    crashes, cuts, full and lost disks, sleep; the operator, who changes members and recovers
//   cluster.cc   time, network, clients, the end

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "node/cluster/barriers.h"
#include "node/replication/replica.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/ledger_runs.h"
#include "tests/simulation/random.h"
#include "tests/simulation/simulated_etcd.h"

namespace anamnesis {

// Errors that are planted in drivers, etcd or the operator to see that they are found. The Replica is the real one.
enum class Planted {
  kNothing,
  // A batch is acknowledged before its write is synced.
  kUnsyncedStaging,
  // Callers are answered, and reads served, when a batch is delivered.
  kShownWhenDelivered,
  // The watch loses an order record.
  kSkippedRecord,
  // Effects are durable before the applied revision is.
  kAppliedTwice,
  // A node takes a session for ended that lives.
  kCollectedEarly,
  // A voter that lost its disk returns under its name with an empty one.
  kEmptyDiskReturns,
  // The operator does not wait until the last change of members is applied, or replaces a voter in one change.
  kChangeTooEarly,
  kVotersSwapped,
  // Nodes that gave their reports go on in the old order.
  kNotFenced,
  // Recover is not told which batches the applied states contain.
  kNumbersForgotten,
  // The transaction leaves a comparison out.
  kNoSessionCompared,
  kNoMembersCompared,
  kNoKeyCompared,
  // Order keys are removed while their session lives.
  kTrimmedEarly,
  // It isn't noted up to where order keys may be missing.
  kTrimsUnsaid,
  // A linearizable read is answered when its put returns, before the watch has shown it.
  kReadAtThePut,
};

struct SimulationOptions {
  Planted planted = Planted::kNothing;
  bool consequences_only = false;
  // Batches are signed runs, which the real ledger applies.
  bool ledger = false;
};

// What happened, so that a test can tell that it happens at all.
struct Counts {
  uint64_t ordered = 0, answered = 0, dropped = 0, unknown = 0, crashes = 0, sessions = 0, member_changes = 0,
           disks_lost = 0, catch_ups = 0, recoveries = 0, fetches = 0, stage_failures = 0, trims = 0, compactions = 0,
           compacted_watches = 0, reads = 0, events = 0;
};

class Cluster {
 public:
  Cluster(uint64_t seed, SimulationOptions options);
  ~Cluster();

  // Runs the story. The first violation, or empty.
  std::string Run();
  const Counts& counts() const { return counts_; }
  // The hash over all that was ordered: two runs of a seed have the same.
  Digest history();

 private:
  struct Disk {
    absl::btree_map<BatchId, StagedBatch> staged;
    Revision applied;
    AppliedNumbers numbers;
    Members members;
    // How much of Node::log is durable.
    size_t log_count = 0;
  };
  // A write that is under way. Writes become durable in order; a crash keeps a prefix.
  struct Write {
    std::function<void()> effect;
    // In the process that wrote, if it still runs; may be empty.
    std::function<void()> done;
    // What OnApplied is told; 0 for nothing.
    Revision applied;
  };
  struct Node {
    NodeId id;
    int index = 0;
    uint64_t incarnation = 0;
    std::shared_ptr<SimulatedEtcd> etcd;
    Disk disk;
    bool disk_lost = false;
    // Takes no part in the order of its incarnation any more.
    bool fenced = false;
    // The durable part of the log, applied by the real ledger.
    std::unique_ptr<TestLedger> ledger;
    size_t ledger_applied = 0;

    // ---- The process ----
    bool up = false;
    uint64_t process = 0;
    std::unique_ptr<Replica> replica;
    bool started = false;
    int64_t asleep_until_us = 0;
    int64_t disk_full_until_us = 0;
    int64_t etcd_cut_until_us = 0;
    std::deque<Write> writes;
    // What is applied, of which disk.log_count entries are durable, and the members of that.
    std::vector<LogEntry> log;
    Members log_members;
    // Own proposals whose bytes are in memory, and the request that each is for.
    absl::btree_map<BatchId, std::pair<Digest, uint64_t>> own;
    // Requests whose batch is delivered, by revision, until that is settled.
    absl::btree_map<Revision, uint64_t> unanswered;
    Revision shown;
    Revision watch_next;
    bool watch_scheduled = false;
    int64_t watch_stalled_until_us = 0;
    SessionId session;
    int64_t lease_ends_us = 0;
    // Of linearizable reads.
    std::unique_ptr<Barriers> barriers;
  };
  struct Event {
    int64_t at_us;
    uint64_t order;
    std::function<void()> what;
    bool operator>(const Event& other) const {
      return at_us != other.at_us ? at_us > other.at_us : order > other.order;
    }
  };

  // ---- cluster.cc ----
  void After(int64_t delay_us, std::function<void()> what);
  // In that process of the node, if it still runs; one that sleeps does it when it wakes up. The Replica's actions are
  // carried out afterwards.
  void AfterIn(Node& node, uint64_t process, int64_t delay_us, std::function<void()> what);
  void AfterIn(Node& node, int64_t delay_us, std::function<void()> what) {
    AfterIn(node, node.process, delay_us, std::move(what));
  }
  // Loses, delays, doubles; arrives in whatever process of the node runs then.
  void Send(const Node& from, const NodeId& to, const std::function<void(Node&)>& what);
  // What etcd did is shown to those who watch it.
  void NotifyWatchers();
  Node* Find(const NodeId& id);
  Node& AddNode(std::shared_ptr<SimulatedEtcd> etcd, uint64_t incarnation);
  bool RunUntil(int64_t until_us, const std::function<bool()>& done);
  void ClientLoop();
  // Proposes until it is answered, at one node after the other.
  void Request(uint64_t request);
  void ReaderLoop();
  // Begins a linearizable read at a node; false when it can't take one. When it is answered, it includes everything
  // that was shown to anybody before, and `answered` is called.
  bool BeginRead(Node& node, const std::function<void()>& answered);
  // Reads at the node until it is answered.
  void ReadInTheEnd(const NodeId& id);
  bool AtRest(std::string& why_not);
  void Heal();
  std::vector<Node*> Nodes(const std::function<bool(const Node&)>& which);

  // ---- node.cc ----
  void Boot(Node& node);
  void ReadEtcdAndStart(Node& node);
  void TickLoop(Node& node, int beat);
  void KeepSession(Node& node);
  void AskForSession(Node& node);
  void Crash(Node& node);
  void CarryOut(Node& node);
  void Do(Node& node, const Watch& watch);
  void Do(Node& node, const CloseSession&);
  void Do(Node& node, const OpenSession&);
  void Do(Node& node, const OrderTransaction& transaction);
  void Do(Node& node, const TrimSessions& trim);
  void Do(Node& node, const Compact& compact);
  void Do(Node& node, const SendStore& send);
  void Do(Node& node, const Acknowledge& acknowledge);
  void Do(Node& node, const Fetch& fetch);
  void Do(Node& node, const PublishApplied& publish);
  void Do(Node& node, const Stage& stage);
  void Do(Node& node, const RemoveStaged& remove);
  void Do(Node& node, const DeliverBatch& deliver);
  void Do(Node& node, const DeliverMembers& deliver);
  void Do(Node& node, const DeliverProgress& deliver);
  void Do(Node& node, const Settled& settled);
  void Do(Node& node, const Dropped& dropped);
  void Do(Node& node, const NeedCatchUp& need);
  void Do(Node& node, const Halt& halt);
  void Show(Node& node, Revision revision);
  void WriteTo(Node& node, Write write);
  void WriteDone(Node& node);
  void PutBarrier(Node& node, uint64_t number);
  void PumpWatchLater(Node& node, int64_t delay_us);
  void PumpWatch(Node& node);
  void ShowEvent(Node& node, Revision revision);
  void CatchUp(Node& node, Revision at_least);
  void ApplyToLedger(Node& node);
  void StartLedgerAgain(Node& node);
  bool ReachesEtcd(const Node& node) const;

  // ---- faults.cc ----
  void FaultLoop();
  void Fault();
  void LoseDisk();
  void OperatorLoop();
  void ChangeMembers();
  void Recover();
  void FollowPlan(Node& node, const RecoveryPlan& plan, const std::vector<LogEntry>& history);
  void EtcdLoop();
  bool MajorityKeepsDisks(const Members& members, const Node* but) const;

  const SimulationOptions options_;
  Random random_;
  Checker checker_;
  Counts counts_;
  ReplicaOptions replica_options_;
  std::unique_ptr<LedgerRuns> runs_;

  int64_t now_us_ = 0;
  uint64_t events_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> queue_;

  std::vector<std::unique_ptr<Node>> nodes_;
  std::shared_ptr<SimulatedEtcd> etcd_;
  uint64_t incarnation_ = 1;
  // The etcd before, when it is lost and not only cut off; and the one before, while it lives.
  std::shared_ptr<SimulatedEtcd> lost_etcd_;
  std::shared_ptr<SimulatedEtcd> old_etcd_;
  bool recovering_ = false;
  int64_t etcd_away_until_us_ = 0;
  Revision notified_;
  // From one node to another, until when nothing passes.
  absl::btree_map<std::pair<NodeId, NodeId>, int64_t> cuts_;

  // How bad it is in this run.
  bool chaos_ = true;
  int loss_permille_ = 0;
  int double_permille_ = 0;
  int slow_permille_ = 0;
  int unknown_permille_ = 0;
  bool changes_members_ = false;
  bool recovers_ = false;
  int disks_to_lose_ = 0;

  // Requests so far, batches proposed for them, and the requests that are not answered.
  uint64_t requests_ = 0;
  uint64_t batches_ = 0;
  absl::btree_set<uint64_t> wanted_;
  // Nodes at which a linearizable read must be answered yet.
  absl::btree_set<NodeId> wanted_reads_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SIMULATION_CLUSTER_H_
