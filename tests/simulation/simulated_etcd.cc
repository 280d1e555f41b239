#include "tests/simulation/simulated_etcd.h"

#include <algorithm>
#include <utility>

namespace anamnesis {

SimulatedEtcd::SimulatedEtcd(Revision base, Members members, LeftOut left_out, OnOrdered on_ordered)
    : base_(base), left_out_(left_out), on_ordered_(std::move(on_ordered)), compacted_(base) {
  // The nodes noted them there, or none when this is their first etcd.
  members.replaces = base;
  SetMembers(std::move(members));
}

Revision SimulatedEtcd::Put(WatchEvent event) {
  history_.push_back(std::move(event));
  return head();
}

EtcdSnapshot SimulatedEtcd::Snapshot() const {
  EtcdSnapshot snapshot{head(), {}, members_};
  for (const auto& [node, session] : sessions_) snapshot.sessions.push_back(session.id);
  for (const auto& [id, key] : orders_) {
    if (snapshot.ordering.empty() || snapshot.ordering.back() != id.session) snapshot.ordering.push_back(id.session);
  }
  return snapshot;
}

OrderOutcome SimulatedEtcd::Order(const OrderTransaction& transaction) {
  const OrderRecord& record = transaction.record;
  const auto key = orders_.find(record.id);
  if (key != orders_.end() && !left_out_.key) return {OrderOutcome::Kind::kKeyExists, key->second.record.digest};
  const auto session = sessions_.find(record.proposer);
  if ((session == sessions_.end() || session->second.id != record.id.session) && !left_out_.session) {
    return {OrderOutcome::Kind::kSessionEnded, {}};
  }
  if (members_.revision != transaction.members && !left_out_.members) {
    return {OrderOutcome::Kind::kMembersChanged, {}};
  }
  const Revision revision = Put(record);
  orders_[record.id] = {record, revision};
  on_ordered_(revision, record, members_);
  return {OrderOutcome::Kind::kOrdered, {}};
}

SessionId SimulatedEtcd::OpenSession(const NodeId& node, int64_t lease_ends_us) {
  DeleteSession(node);
  const SessionId id(Put(SessionCreated()).value);
  sessions_[node] = {id, lease_ends_us};
  return id;
}

bool SimulatedEtcd::KeepAlive(const NodeId& node, SessionId session, int64_t lease_ends_us) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end() || found->second.id != session) return false;
  found->second.lease_ends_us = lease_ends_us;
  return true;
}

void SimulatedEtcd::ExpireLeases(int64_t now_us) {
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    if (at->second.lease_ends_us > now_us) {
      ++at;
      continue;
    }
    Put(SessionDeleted{at->second.id});
    at = sessions_.erase(at);
  }
}

void SimulatedEtcd::ExtendLeases(int64_t lease_ends_us) {
  for (auto& [node, session] : sessions_) session.lease_ends_us = lease_ends_us;
}

void SimulatedEtcd::DeleteSession(const NodeId& node) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end()) return;
  Put(SessionDeleted{found->second.id});
  sessions_.erase(found);
}

bool SimulatedEtcd::HasSession(SessionId session) const {
  return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) { return entry.second.id == session; });
}

bool SimulatedEtcd::PutMembers(Members members, Revision compared) {
  if (members_.revision != compared) return false;
  members.replaces = compared;
  SetMembers(std::move(members));
  return true;
}

void SimulatedEtcd::SetMembers(Members members) {
  members.revision = Revision(head().value + 1);
  members_ = members;
  Put(std::move(members));
}

void SimulatedEtcd::Trim(const TrimSessions& trim) {
  size_t removed = 0;
  trimmed_ = std::max(trimmed_, trim.through);
  for (const SessionId session : trim.sessions) {
    removed +=
        static_cast<size_t>(absl::erase_if(orders_, [&](const auto& entry) { return entry.first.session == session; }));
  }
  if (removed > 0) Put(NothingWatched());
}

Missed SimulatedEtcd::MissedAfter(Revision seen) const {
  if (trimmed_ > seen) return {trimmed_};
  Missed missed;
  for (const auto& [id, key] : orders_) {
    if (key.put > seen) missed.records.emplace_back(key.put, key.record);
  }
  std::sort(missed.records.begin(), missed.records.end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  return missed;
}

void SimulatedEtcd::Compact(Revision revision) { compacted_ = std::max(compacted_, std::min(revision, head())); }

}  // namespace anamnesis
