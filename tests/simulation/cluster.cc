#include "tests/simulation/cluster.h"

#include <algorithm>
#include <utility>

#include "ledger/base/status.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr int64_t kMs = 1000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr int64_t kChaosUs = 20 * kSecond;
constexpr int64_t kRestWithinUs = 90 * kSecond;
constexpr int64_t kRequestAgainUs = 3 * kSecond;
constexpr int kRequestsAfterHealing = 8;

// Small, so that every bound is met in a short run.
ReplicaOptions SmallOptions(Random& random) {
  ReplicaOptions options;
  options.proposals_max = 6;
  options.proposed_bytes_max = 4000;
  options.session_batches_max = static_cast<uint64_t>(random.Between(8, 40));
  options.deliveries_max = 3;
  options.delivered_bytes_max = 2500;
  options.watched_max = 12;
  options.fetches_max = 3;
  options.retained_max = static_cast<size_t>(random.Between(10, 60));
  options.retained_bytes_max = 20'000;
  options.store_again_us = 500 * kMs;
  options.order_again_us = 100 * kMs;
  options.fetch_again_us = 200 * kMs;
  options.publish_again_us = kSecond;
  options.far_behind_revisions = static_cast<uint64_t>(random.Between(30, 200));
  options.silent_us = 6 * kSecond;
  options.compact_revisions = 20;
  options.progress_revisions = 5;
  return options;
}

}  // namespace

Cluster::Cluster(uint64_t seed, SimulationOptions options)
    : options_(options), random_(seed), checker_(options.consequences_only), replica_options_(SmallOptions(random_)) {
  loss_permille_ = static_cast<int>(random_.Between(0, 150));
  double_permille_ = static_cast<int>(random_.Between(0, 100));
  slow_permille_ = static_cast<int>(random_.Between(0, 100));
  unknown_permille_ = static_cast<int>(random_.Between(0, 250));
  changes_members_ = random_.Chance(500);
  recovers_ = random_.Chance(300);
  disks_to_lose_ = random_.Chance(400) ? static_cast<int>(random_.Between(1, 2)) : 0;
  if (options.planted == Planted::kNotFenced || options.planted == Planted::kNumbersForgotten) recovers_ = true;
  if (options.planted == Planted::kChangeTooEarly || options.planted == Planted::kVotersSwapped)
    changes_members_ = true;
  if (options.planted == Planted::kEmptyDiskReturns) disks_to_lose_ = 4;
  if (options.ledger) runs_ = std::make_unique<LedgerRuns>();

  const int voters = random_.Chance(600) ? 3 : 5;
  const int learners = random_.Chance(300) ? 1 : 0;
  Members members;
  members.incarnation = incarnation_;
  for (int i = 0; i < voters + learners; ++i) {
    (i < voters ? members.voters : members.learners).push_back({Text("node-", i), "", "", ""});
  }
  LeftOut left_out;
  left_out.session = options.planted == Planted::kNoSessionCompared;
  left_out.members = options.planted == Planted::kNoMembersCompared;
  left_out.key = options.planted == Planted::kNoKeyCompared;
  etcd_ = std::make_shared<SimulatedEtcd>(
      Revision(0), members, left_out, [this](Revision revision, const OrderRecord& record, const Members& in_force) {
        ++counts_.ordered;
        checker_.Ordered(1, revision, record, in_force);
      });
  for (int i = 0; i < voters + learners; ++i) Boot(AddNode(etcd_, incarnation_));
}

Cluster::~Cluster() = default;

Digest Cluster::history() {
  const std::vector<LogEntry>& history = checker_.history(incarnation_);
  return history.empty() ? Digest() : history.back().chain;
}

std::string Cluster::Run() {
  FaultLoop();
  OperatorLoop();
  EtcdLoop();
  ClientLoop();
  ReaderLoop();
  if (recovers_) {
    const int64_t first_us = random_.Between(3, 15) * kSecond;
    After(first_us, [this] { Recover(); });
    if (random_.Chance(300)) After(first_us + random_.Between(5, 8) * kSecond, [this] { Recover(); });
  }
  if (!RunUntil(kChaosUs, [] { return false; })) return checker_.violation();
  while (recovering_) {
    if (!RunUntil(now_us_ + kSecond, [] { return false; })) return checker_.violation();
  }
  Heal();
  for (int i = 0; i < kRequestsAfterHealing; ++i) {
    After(random_.Between(0, 3 * kSecond), [this] {
      wanted_.insert(++requests_);
      Request(requests_);
    });
  }
  if (!RunUntil(now_us_ + 4 * kSecond, [] { return false; })) return checker_.violation();
  std::string why_not;
  if (!RunUntil(now_us_ + kRestWithinUs, [&] { return AtRest(why_not); })) return checker_.violation();
  if (!AtRest(why_not)) checker_.Violated(Text("no rest after healing: ", why_not));
  // Nothing is ordered any more, nodes start again, and reads are answered all the same.
  for (const auto* list : {&etcd_->members().voters, &etcd_->members().learners}) {
    for (const Member& member : *list) {
      Node& node = *Find(member.node);
      if (node.disk_lost) continue;
      if (random_.Chance(500)) {
        Crash(node);
        Boot(node);
      }
      wanted_reads_.insert(node.id);
      ReadInTheEnd(node.id);
    }
  }
  const auto answered = [this] { return wanted_reads_.empty(); };
  if (!RunUntil(now_us_ + kRestWithinUs, answered)) return checker_.violation();
  if (!answered()) checker_.Violated(Text("a linearizable read at ", *wanted_reads_.begin(), " is not answered"));
  return checker_.violation();
}

void Cluster::After(int64_t delay_us, std::function<void()> what) {
  queue_.push({now_us_ + delay_us, ++events_, std::move(what)});
}

void Cluster::AfterIn(Node& node, uint64_t process, int64_t delay_us, std::function<void()> what) {
  After(delay_us, [this, &node, process, what = std::move(what)]() mutable {
    if (!node.up || node.process != process) return;
    if (node.asleep_until_us > now_us_) {
      AfterIn(node, process, node.asleep_until_us - now_us_, std::move(what));
      return;
    }
    what();
    CarryOut(node);
  });
}

void Cluster::Send(const Node& from, const NodeId& to, const std::function<void(Node&)>& what) {
  const auto cut = cuts_.find({from.id, to});
  if (cut != cuts_.end() && cut->second > now_us_) return;
  Node* const receiver = Find(to);
  if (receiver == nullptr || random_.Chance(loss_permille_)) return;
  for (int copies = random_.Chance(double_permille_) ? 2 : 1; copies > 0; --copies) {
    const int64_t delay =
        random_.Chance(slow_permille_) ? random_.Between(50 * kMs, 2 * kSecond) : random_.Between(kMs / 10, 10 * kMs);
    After(delay, [this, receiver, what, incarnation = from.incarnation] {
      // A connection is only made between nodes of one incarnation.
      if (!receiver->up || receiver->incarnation != incarnation) return;
      AfterIn(*receiver, receiver->process, 0, [receiver, what] {
        if (receiver->started) what(*receiver);
      });
    });
  }
}

Cluster::Node* Cluster::Find(const NodeId& id) {
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (node->id == id) return node.get();
  }
  return nullptr;
}

std::vector<Cluster::Node*> Cluster::Nodes(const std::function<bool(const Node&)>& which) {
  std::vector<Node*> found;
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (!node->disk_lost && which(*node)) found.push_back(node.get());
  }
  return found;
}

Cluster::Node& Cluster::AddNode(std::shared_ptr<SimulatedEtcd> etcd, uint64_t incarnation) {
  auto node = std::make_unique<Node>();
  node->id = Text("node-", nodes_.size());
  node->etcd = std::move(etcd);
  node->incarnation = incarnation;
  if (runs_) StartLedgerAgain(*node);
  nodes_.push_back(std::move(node));
  return *nodes_.back();
}

bool Cluster::RunUntil(int64_t until_us, const std::function<bool()>& done) {
  int64_t look_again_us = now_us_;
  while (!queue_.empty() && queue_.top().at_us <= until_us) {
    if (!checker_.violation().empty()) return false;
    now_us_ = queue_.top().at_us;
    const std::function<void()> what = std::move(const_cast<Event&>(queue_.top()).what);
    queue_.pop();
    ++counts_.events;
    what();
    NotifyWatchers();
    if (now_us_ >= look_again_us) {
      if (done()) return checker_.violation().empty();
      look_again_us = now_us_ + 500 * kMs;
    }
  }
  now_us_ = until_us;
  return checker_.violation().empty();
}

void Cluster::NotifyWatchers() {
  const Revision now(etcd_->head().value + (old_etcd_ ? old_etcd_->head().value : 0));
  if (now == notified_) return;
  notified_ = now;
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (node->up && node->started) PumpWatchLater(*node, random_.Between(kMs / 2, 8 * kMs));
  }
}

// ---- Clients
// ------------------------------------------------------------------------------------------------------------

void Cluster::ClientLoop() {
  if (!chaos_) return;
  wanted_.insert(++requests_);
  Request(requests_);
  // Now and then several at once, so that proposals are in flight together.
  After(random_.Chance(300) ? 0 : random_.Between(20 * kMs, 500 * kMs), [this] { ClientLoop(); });
}

void Cluster::Request(uint64_t request) {
  if (!wanted_.contains(request)) return;
  After(kRequestAgainUs + random_.Between(0, kSecond), [this, request] { Request(request); });
  // In the end clients know where to go.
  const std::vector<Node*> ready = Nodes([&](const Node& node) {
    return node.up && node.started && node.asleep_until_us <= now_us_ &&
           (chaos_ || (node.etcd == etcd_ && etcd_->members().IsMember(node.id)));
  });
  if (ready.empty()) return;
  Node& node = *random_.OneOf(ready);
  const uint64_t number = batches_ + 1;
  const Digest digest = runs_ ? runs_->MakeBatch(number) : Sha256(Text("batch ", number));
  batches_ = number;
  const StatusOr<BatchId> id = node.replica->Propose(digest, static_cast<uint64_t>(random_.Between(1, 1000)));
  if (id.ok()) node.own[*id] = {digest, request};
  CarryOut(node);
}

void Cluster::ReaderLoop() {
  // With their revisions members note earlier what they have applied, and so errors seldom lead to anything.
  if (!chaos_ || options_.consequences_only) return;
  const std::vector<Node*> current =
      Nodes([&](const Node& node) { return node.incarnation == incarnation_ && node.asleep_until_us <= now_us_; });
  if (!current.empty()) (void)BeginRead(*random_.OneOf(current), [] {});
  After(random_.Between(10 * kMs, 200 * kMs), [this] { ReaderLoop(); });
}

bool Cluster::BeginRead(Node& node, const std::function<void()>& answered) {
  // A node of an order that was given up can't know that it was; it is fenced, or the operator's to end.
  if (!node.started || node.replica->catching_up() || node.incarnation != incarnation_ || recovering_) return false;
  const size_t before = checker_.shown();
  node.barriers->Begin(now_us_, [this, &node, before, answered](const Status& status) {
    if (!status.ok()) return;
    ++counts_.reads;
    checker_.ReadAt(node.id, node.shown, node.log, before);
    answered();
  });
  return true;
}

void Cluster::ReadInTheEnd(const NodeId& id) {
  if (!wanted_reads_.contains(id)) return;
  (void)BeginRead(*Find(id), [this, id] { wanted_reads_.erase(id); });
  After(kRequestAgainUs, [this, id] { ReadInTheEnd(id); });
}

// ---- The end
// --------------------------------------------------------------------------------------------------------------

void Cluster::Heal() {
  chaos_ = false;
  loss_permille_ = double_permille_ = slow_permille_ = unknown_permille_ = 0;
  cuts_.clear();
  etcd_away_until_us_ = now_us_;
  for (Node* const node : Nodes([](const Node& each) { return !each.fenced; })) {
    node->asleep_until_us = node->disk_full_until_us = node->etcd_cut_until_us = node->watch_stalled_until_us = now_us_;
    if (!node->up) Boot(*node);
  }
}

bool Cluster::AtRest(std::string& why_not) {
  why_not.clear();
  if (!wanted_.empty()) why_not = Text("request ", *wanted_.begin(), " is not answered");
  const std::vector<LogEntry>& history = checker_.history(incarnation_);
  for (const auto* list : {&etcd_->members().voters, &etcd_->members().learners}) {
    for (const Member& member : *list) {
      const Node* const node = Find(member.node);
      if (node->disk_lost) continue;
      if (!node->up || !node->started || node->replica->catching_up()) {
        why_not = Text(node->id, " is not there");
      } else if (node->disk.log_count != history.size()) {
        why_not = Text(node->id, " has applied ", node->disk.log_count, " of ", history.size());
      } else if (!history.empty() && node->replica->settled() < history.back().revision) {
        why_not = Text(node->id, " has settled ", node->replica->settled().value);
      } else if (!node->disk.staged.empty()) {
        const BatchId& id = node->disk.staged.begin()->first;
        why_not = Text(node->id, " has batch ", id.session.value, "/", id.number.value, " staged, its session ",
                       etcd_->HasSession(id.session) ? "lives" : "has ended");
      } else if (!node->own.empty()) {
        why_not = Text(node->id, " has proposals");
      }
    }
  }
  return why_not.empty();
}

}  // namespace anamnesis
