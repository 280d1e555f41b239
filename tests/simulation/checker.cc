#include "tests/simulation/checker.h"

#include <algorithm>
#include <utility>

#include "ledger/base/status.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

std::string Name(const BatchId& id) { return Text("batch ", id.session.value, "/", id.number.value); }

size_t CountThrough(const std::vector<LogEntry>& log, Revision revision) {
  const auto end = std::upper_bound(log.begin(), log.end(), revision,
                                    [](Revision r, const LogEntry& entry) { return r < entry.revision; });
  return static_cast<size_t>(end - log.begin());
}

}  // namespace

LogEntry Chained(const std::vector<LogEntry>& log, Revision revision, const BatchId& id, const Digest& digest) {
  const Digest before = log.empty() ? Digest() : log.back().chain;
  return {revision, id, digest, Sha256({before.view(), digest.view()})};
}

void Checker::Violated(std::string what) {
  if (violation_.empty()) violation_ = std::move(what);
}

void Checker::Ordered(uint64_t incarnation, Revision revision, const OrderRecord& record, const Members& members) {
  std::vector<LogEntry>& history = history_[incarnation];
  if (!ordered_.insert({incarnation, record.id}).second) return Violated(Text(Name(record.id), " is ordered twice"));
  if (never_ordered_.contains({incarnation, record.id})) {
    Violated(Text(Name(record.id), " is ordered after its proposer said that it never would be"));
  }
  history.push_back(Chained(history, revision, record.id, record.digest));
  if (incarnation != newest_) return;
  members_ = members;
  places_[record.id] = history.size() - 1;
  if (!consequences_only_ && !IsMajority(members, ever_staged_[record.id])) {
    Violated(Text(Name(record.id), " is ordered at ", revision.value, " and not staged on a majority"));
  }
  CheckObtainable(record.id);
}

bool Checker::Holds(const NodeId& node, const BatchId& id) {
  return staged_[id].contains(node) || durable_[node] > places_[id];
}

void Checker::CheckObtainable(const BatchId& id) {
  if (consequences_only_ || !places_.contains(id)) return;
  absl::btree_set<NodeId> without;
  for (const Member& voter : members_.voters) {
    if (!lost_.contains(voter.node) && !Holds(voter.node, id)) without.insert(voter.node);
  }
  if (IsMajority(members_, without)) Violated(Text("a majority of the voters has no copy of ", Name(id)));
}

void Checker::Staged(const NodeId& node, const BatchId& id, const Digest&) {
  staged_[id].insert(node);
  ever_staged_[id].insert(node);
}

void Checker::Removed(const NodeId& node, const BatchId& id) {
  staged_[id].erase(node);
  CheckObtainable(id);
}

void Checker::DiskLost(const NodeId& node, bool returns_empty) {
  if (!returns_empty) lost_.insert(node);
  for (auto& [id, nodes] : staged_) nodes.erase(node);
  durable_[node] = 0;
  const std::vector<LogEntry>& history = history_[newest_];
  for (const LogEntry& entry : history) CheckObtainable(entry.id);
}

void Checker::Applied(const NodeId& node, uint64_t incarnation, const std::vector<LogEntry>& log) {
  const std::vector<LogEntry>& history = history_[incarnation];
  const LogEntry& entry = log.back();
  if (log.size() > history.size() || history[log.size() - 1].chain != entry.chain ||
      history[log.size() - 1].revision != entry.revision) {
    Violated(Text(node, " applies ", Name(entry.id), " at place ", log.size(), ", revision ", entry.revision.value,
                  ", which is not the order"));
  }
}

void Checker::Shown(const NodeId& node, uint64_t incarnation, Revision revision, const std::vector<LogEntry>& log,
                    const Members& members) {
  const size_t count = CountThrough(log, revision);
  if (CountThrough(history_[incarnation], revision) != count) {
    Violated(Text(node, " shows revision ", revision.value, " without all that was ordered up to it"));
  }
  if (count == 0) return;
  // Whatever a node of an earlier incarnation still shows has to be in the newest order.
  const std::vector<LogEntry>& newest = history_[newest_];
  if (newest.size() < count || newest[count - 1].chain != log[count - 1].chain) {
    return Violated(Text(node, " shows ", count, " batches, which are not in the newest order"));
  }
  if (!consequences_only_) {
    absl::btree_set<NodeId> have;
    for (const auto& [other, durable] : durable_) {
      if (durable >= count || lost_.contains(other)) have.insert(other);
    }
    if (!IsMajority(members, have)) {
      Violated(Text(node, " shows ", count, " batches that no majority has durably applied"));
    }
  }
  shown_ = std::max(shown_, count);
}

void Checker::ReadAt(const NodeId& node, Revision shown, const std::vector<LogEntry>& log, size_t before) {
  const size_t count = CountThrough(log, shown);
  if (count < before) {
    Violated(Text("a linearizable read at ", node, " shows ", count, " batches; ", before, " were shown before it"));
  }
}

void Checker::NeverOrdered(uint64_t incarnation, const BatchId& id) {
  never_ordered_.insert({incarnation, id});
  if (ordered_.contains({incarnation, id}))
    Violated(Text(Name(id), " is ordered, and its proposer says that it never would be"));
}

void Checker::Recovered(uint64_t incarnation, const std::vector<LogEntry>& prefix, const RecoveryPlan& plan) {
  const std::vector<LogEntry> old = history_[newest_];
  std::vector<LogEntry>& history = history_[incarnation];
  history = prefix;
  for (const RecoveredBatch& recovered : plan.batches) {
    history.push_back(Chained(history, recovered.revision, recovered.batch.id, recovered.batch.digest));
  }
  newest_ = incarnation;
  // Until all of them have followed the plan, who holds what is the plan's promise.
  members_ = Members();
  places_.clear();
  for (size_t place = 0; place < history.size(); ++place) {
    if (!places_.emplace(history[place].id, place).second) {
      Violated(Text("recover orders ", Name(history[place].id), " again"));
    }
  }
  if (shown_ > 0 && (history.size() < shown_ || history[shown_ - 1].chain != old[shown_ - 1].chain)) {
    Violated(Text("recover does not keep the ", shown_, " batches that were shown, in their places"));
  }
}

void Checker::Root(uint64_t incarnation, size_t count, const Digest& root) {
  const auto [found, added] = roots_.emplace(std::pair(incarnation, count), root);
  if (!added && found->second != root) Violated(Text("two roots after ", count, " batches"));
}

}  // namespace anamnesis
