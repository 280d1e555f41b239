// What goes wrong in the simulated cluster, and the operator who changes members and recovers.

#include <algorithm>
#include <utility>

#include "ledger/base/status.h"
#include "tests/simulation/cluster.h"

namespace anamnesis {
namespace {

constexpr int64_t kMs = 1000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr int64_t kLeaseUs = 3 * kSecond;
constexpr size_t kNodesMax = 9;

std::vector<NodeReport> Without(std::vector<NodeReport> reports, size_t count) {
  reports.resize(reports.size() - count);
  return reports;
}

}  // namespace

void Cluster::EtcdLoop() {
  if (etcd_away_until_us_ <= now_us_) etcd_->ExpireLeases(now_us_);
  if (old_etcd_) old_etcd_->ExpireLeases(now_us_);
  After(250 * kMs, [this] { EtcdLoop(); });
}

void Cluster::FaultLoop() {
  After(random_.Between(50 * kMs, kSecond), [this] {
    if (!chaos_) return;
    Fault();
    FaultLoop();
  });
}

void Cluster::Fault() {
  const std::vector<Node*> running = Nodes([](const Node& node) { return node.up; });
  if (running.empty()) return;
  Node& node = *random_.OneOf(running);
  Node& other = *random_.OneOf(running);
  const int64_t until_us = now_us_ + random_.Between(100 * kMs, 4 * kSecond);
  switch (random_.Below(10)) {
    case 0:
      Crash(node);
      After(until_us - now_us_, [this, &node] {
        if (!node.up && !node.disk_lost && !node.fenced) Boot(node);
      });
      break;
    case 1:
      cuts_[{node.id, other.id}] = until_us;
      break;
    case 2:
      for (const std::unique_ptr<Node>& each : nodes_) {
        cuts_[{node.id, each->id}] = until_us;
        if (random_.Chance(700)) cuts_[{each->id, node.id}] = until_us;
      }
      break;
    case 3:
      node.etcd_cut_until_us = until_us;
      break;
    case 4:
      node.asleep_until_us = until_us + random_.Between(0, 3 * kSecond);
      break;
    case 5:
      node.disk_full_until_us = until_us;
      break;
    case 6:
      etcd_away_until_us_ = now_us_ + random_.Between(100 * kMs, 2 * kSecond);
      // A new leader gives every lease its whole time again.
      After(etcd_away_until_us_ - now_us_, [this] { etcd_->ExtendLeases(now_us_ + kLeaseUs); });
      break;
    case 7:
      node.watch_stalled_until_us = until_us;
      break;
    case 8:
      // Whoever runs etcd compacts it too.
      if (etcd_away_until_us_ <= now_us_) etcd_->Compact(etcd_->head());
      break;
    default:
      if (disks_to_lose_ > 0 && random_.Chance(500)) LoseDisk();
      break;
  }
}

bool Cluster::MajorityKeepsDisks(const Members& members, const Node* but) const {
  absl::btree_set<NodeId> keep;
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (!node->disk_lost && node.get() != but) keep.insert(node->id);
  }
  return IsMajority(members, keep);
}

void Cluster::LoseDisk() {
  if (recovering_) return;
  const std::vector<Node*> candidates = Nodes([&](const Node& node) {
    return node.incarnation == incarnation_ && !node.fenced &&
           (!etcd_->members().IsVoter(node.id) || MajorityKeepsDisks(etcd_->members(), &node));
  });
  if (candidates.empty()) return;
  Node& node = *random_.OneOf(candidates);
  --disks_to_lose_;
  ++counts_.disks_lost;
  Crash(node);
  node.disk = Disk();
  node.log.clear();
  if (options_.planted == Planted::kEmptyDiskReturns) {
    checker_.DiskLost(node.id, /*returns_empty=*/true);
    Boot(node);
    return;
  }
  node.disk_lost = true;
  checker_.DiskLost(node.id, /*returns_empty=*/false);
}

// ---- Members
// --------------------------------------------------------------------------------------------------------------

void Cluster::OperatorLoop() {
  After(random_.Between(200 * kMs, 2 * kSecond), [this] {
    if (!chaos_ || !changes_members_) return;
    if (!recovering_ && etcd_away_until_us_ <= now_us_) ChangeMembers();
    OperatorLoop();
  });
}

void Cluster::ChangeMembers() {
  const Members& current = etcd_->members();
  const std::vector<Node*> informed = Nodes([&](const Node& node) {
    return node.started && node.incarnation == incarnation_ && node.replica->members() == current;
  });
  if (informed.empty()) return;
  Members next = current;
  const auto place = [this](std::vector<Member>& list) {
    return list.begin() + static_cast<std::ptrdiff_t>(random_.Below(list.size()));
  };
  const auto lost = std::find_if(next.voters.begin(), next.voters.end(),
                                 [this](const Member& voter) { return Find(voter.node)->disk_lost; });
  const auto add = [this](std::vector<Member>& list) {
    if (nodes_.size() >= kNodesMax) return;
    Node& fresh = AddNode(etcd_, incarnation_);
    Boot(fresh);
    list.push_back({fresh.id, "", "", ""});
  };
  if (options_.planted == Planted::kVotersSwapped) {
    next.voters.erase(place(next.voters));
    add(next.voters);
  } else if (lost != next.voters.end() && random_.Chance(700)) {
    random_.Chance(500) ? add(next.voters) : static_cast<void>(next.voters.erase(lost));
  } else {
    switch (random_.Below(5)) {
      case 0:
        add(next.learners);
        break;
      case 1:
        add(next.voters);
        break;
      case 2:
        if (next.learners.empty()) return;
        next.voters.push_back(next.learners.back());
        next.learners.pop_back();
        break;
      case 3: {
        const auto demoted = place(next.voters);
        next.learners.push_back(*demoted);
        next.voters.erase(demoted);
        break;
      }
      default:
        next.voters.erase(place(next.voters));
        break;
    }
  }
  const bool waits = options_.planted != Planted::kChangeTooEarly && options_.planted != Planted::kVotersSwapped;
  const Status allowed = CheckMembersChange(current, next, random_.OneOf(informed)->replica->applied_by_members());
  if (waits && !allowed.ok()) return;
  if (!MajorityKeepsDisks(next, nullptr)) return;
  counts_.member_changes += etcd_->PutMembers(next, current.revision);
}

// ---- Recover
// ----------------------------------------------------------------------------------------------------------------

void Cluster::Recover() {
  if (!chaos_ || recovering_) return;
  recovering_ = true;
  std::vector<Node*> given = Nodes([&](const Node& node) { return node.incarnation == incarnation_; });
  for (size_t i = given.size(); i > 1; --i) std::swap(given[i - 1], given[random_.Below(i)]);

  const bool lives = random_.Chance(500) || options_.planted == Planted::kNotFenced;
  std::vector<NodeReport> reports;
  for (Node* const node : given) {
    if (options_.planted != Planted::kNotFenced) {
      Crash(*node);
      node->fenced = true;
    }
    NodeReport report{node->id, node->disk.members, node->disk.applied, node->disk.numbers, {}};
    for (const auto& [id, staged] : node->disk.staged) report.staged.push_back(staged);
    if (options_.planted == Planted::kNumbersForgotten) report.applied_numbers.clear();
    LeaveOutApplied(report);
    reports.push_back(std::move(report));
  }
  StatusOr<RecoveryPlan> plan = PlanRecovery(reports);
  if (!plan.ok()) {
    // Fair as long as none of them has noted the last change of members, and a disk is lost: then they can't know that
    // they are enough, and the etcd that has the change has to be waited for.
    const bool fair = std::all_of(reports.begin(), reports.end(), [this](const NodeReport& report) {
      return report.members.revision < etcd_->members().revision;
    });
    if (!fair) checker_.Violated(Text("recover is refused: ", MessageOf(plan.status())));
    for (Node* const node : given) {
      node->fenced = false;
      if (!node->up) Boot(*node);
    }
    recovering_ = false;
    return;
  }
  ++counts_.recoveries;
  old_etcd_ = etcd_;
  if (!lives) lost_etcd_ = etcd_;
  // As few as are enough, or more.
  for (size_t dropped = random_.Below(reports.size()); dropped > 0; --dropped) {
    const StatusOr<RecoveryPlan> smaller = PlanRecovery(Without(reports, dropped));
    if (!smaller.ok()) continue;
    plan = smaller;
    given.resize(reports.size() - dropped);
    break;
  }
  for (Node* const node : Nodes([&](const Node& each) { return each.incarnation == incarnation_; })) {
    if (std::find(given.begin(), given.end(), node) != given.end()) continue;
    // Not given: it goes on, if it can, until somebody rebuilds it.
    if (node->fenced) {
      node->fenced = false;
      Boot(*node);
    }
    After(random_.Between(0, 5 * kSecond), [this, node] {
      Crash(*node);
      node->disk_lost = true;
      checker_.DiskLost(node->id, /*returns_empty=*/false);
    });
  }

  const Node& longest = *Find(plan->prefix_holders.front());
  std::vector<LogEntry> prefix = longest.log;
  prefix.resize(longest.disk.log_count);
  checker_.Recovered(incarnation_ + 1, prefix, *plan);
  AppliedNumbers numbers = longest.disk.numbers;
  for (const RecoveredBatch& recovered : plan->batches) numbers[recovered.batch.id.session] = recovered.batch.id.number;

  After(random_.Between(0, 4 * kSecond), [this, plan = *plan, given, numbers] {
    const uint64_t incarnation = ++incarnation_;
    const std::vector<LogEntry> history = checker_.history(incarnation);
    etcd_ = std::make_shared<SimulatedEtcd>(
        plan.base, plan.members, LeftOut(),
        [this, incarnation](Revision revision, const OrderRecord& record, const Members& in_force) {
          ++counts_.ordered;
          checker_.Ordered(incarnation, revision, record, in_force);
        });
    for (Node* const node : given) {
      node->disk.numbers = numbers;
      FollowPlan(*node, plan, history);
    }
    checker_.Followed(plan.members);
    recovering_ = false;
  });
}

void Cluster::FollowPlan(Node& node, const RecoveryPlan& plan, const std::vector<LogEntry>& history) {
  Crash(node);
  node.incarnation = incarnation_;
  node.etcd = etcd_;
  node.fenced = false;
  const bool same_start =
      node.disk.log_count <= history.size() &&
      (node.disk.log_count == 0 || node.log[node.disk.log_count - 1].chain == history[node.disk.log_count - 1].chain);
  if (!same_start && options_.planted == Planted::kNothing) {
    checker_.Violated(Text(node.id, " has applied what the recovered order does not have"));
  }
  node.log = history;
  node.disk.log_count = history.size();
  node.disk.applied = plan.base;
  node.disk.members = plan.members;
  checker_.AppliedDurably(node.id, history.size());
  node.disk.staged.clear();
  if (runs_) StartLedgerAgain(node);
  ApplyToLedger(node);
  Boot(node);
}

}  // namespace anamnesis
