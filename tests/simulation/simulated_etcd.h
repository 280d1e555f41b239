#ifndef ANAMNESIS_TESTS_SIMULATION_SIMULATED_ETCD_H_
#define ANAMNESIS_TESTS_SIMULATION_SIMULATED_ETCD_H_

// The part of etcd that the protocol uses, at one moment: keys, leases, transactions, history and compaction. When
// requests arrive, and whether, is the cluster's business.

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "absl/container/btree_map.h"
#include "node/replication/replica.h"

namespace anamnesis {

// What a revision did that a watch shows.
struct SessionCreated {};
struct SessionDeleted {
  SessionId session;
};
struct NothingWatched {};
using WatchEvent = std::variant<NothingWatched, OrderRecord, SessionCreated, SessionDeleted, Members>;

// Comparisons that a planted error leaves out.
struct LeftOut {
  bool session = false;
  bool members = false;
  bool key = false;
};

class SimulatedEtcd {
 public:
  // Called when an order record is put, and with the members in force.
  using OnOrdered = std::function<void(Revision, const OrderRecord&, const Members&)>;

  SimulatedEtcd(Revision base, Members members, LeftOut left_out, OnOrdered on_ordered);

  Revision head() const { return Revision(base_.value + history_.size()); }
  Revision base() const { return base_; }
  Revision compacted() const { return compacted_; }
  const Members& members() const { return members_; }
  // At a revision above the base and not above head.
  const WatchEvent& At(Revision revision) const { return history_[revision.value - base_.value - 1]; }
  EtcdSnapshot Snapshot() const;

  OrderOutcome Order(const OrderTransaction& transaction);
  SessionId OpenSession(const NodeId& node, int64_t lease_ends_us);
  // False when the session is gone.
  bool KeepAlive(const NodeId& node, SessionId session, int64_t lease_ends_us);
  void ExpireLeases(int64_t now_us);
  void ExtendLeases(int64_t lease_ends_us);
  void DeleteSession(const NodeId& node);
  bool HasSession(SessionId session) const;
  bool PutMembers(Members members, Revision compared);
  void Trim(const TrimSessions& trim);
  void Compact(Revision revision);
  // As Replica::OnCompacted wants it.
  Missed MissedAfter(Revision seen) const;
  // A change of a key that means nothing.
  Revision PutBarrier() { return Put(NothingWatched()); }
  size_t order_keys() const { return orders_.size(); }

 private:
  struct Session {
    SessionId id;
    int64_t lease_ends_us;
  };
  Revision Put(WatchEvent event);
  void SetMembers(Members members);

  const Revision base_;
  const LeftOut left_out_;
  const OnOrdered on_ordered_;
  std::vector<WatchEvent> history_;
  Revision compacted_;
  Members members_;
  absl::btree_map<NodeId, Session> sessions_;
  struct OrderKey {
    OrderRecord record;
    Revision put;
  };
  absl::btree_map<BatchId, OrderKey> orders_;
  Revision trimmed_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SIMULATION_SIMULATED_ETCD_H_
