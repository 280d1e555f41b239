#ifndef ANAMNESIS_NODE_CLUSTER_ETCD_ORDER_H_
#define ANAMNESIS_NODE_CLUSTER_ETCD_ORDER_H_

// The order as it stands in etcd: this node's session, order transactions, and the watch of what all nodes put there.
// Carries out the actions of a Replica that concern etcd; what it sees goes to the Replica. Revisions are the ledger's
// everywhere: etcd's plus the base that stands in etcd.
//
// An etcd that is put back from a snapshot, under running nodes or before they start again, has forgotten what was
// ordered last, and would order other batches in the same places. That is a contradiction, at which the Replica halts:
// what this node puts stands above all that it was told before; a watch goes on from what it has shown (watch.h); and
// at the start the order is the one that was applied (order_keys.h).

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "node/cluster/cluster_options.h"
#include "node/cluster/etcd_refusals.h"
#include "node/cluster/order.h"
#include "node/cluster/order_keys.h"
#include "node/cluster/session_keys.h"
#include "node/cluster/worker.h"
#include "node/etcd/etcd_client.h"
#include "node/replication/actions.h"
#include "node/replication/replica.h"

namespace anamnesis {

class EtcdOrder : public Order {
 public:
  EtcdOrder(const ClusterOptions& options, std::unique_ptr<EtcdClient> client, Driver driver);
  // Ends the session.
  ~EtcdOrder() override;

  // Puts the founding voters, and what is applied as the base, if there are no members and this node `may_found`; logs
  // when others were put before. Waits
  // for etcd; fails as EtcdClient does, with FAILED_PRECONDITION when there are no members and nobody to found with, or
  // etcd has lost history, and with INVALID_ARGUMENT when what stands there doesn't parse.
  StatusOr<EtcdSnapshot> Snapshot(const DurableState& durable, bool may_found) override;

  void Do(const Watch& watch) override;
  void Do(const OpenSession&) override;
  void Do(const CloseSession&) override;
  void Do(const OrderTransaction& transaction) override;
  void Do(const TrimSessions& trim) override;
  void Do(const Compact& compact) override;
  void PutBarrier(std::function<void(const StatusOr<Revision>&)> done) override;
  void PutMembers(const Members& next, Revision current, OnMembersPut done) override;
  std::string refusing() const override { return refusals_.text(); }
  std::vector<EtcdEndpointHealth> Health() const override { return client_->Health(); }
  void Stop() override;

 private:
  Status Found(Revision applied);
  StatusOr<uint64_t> ReadBase(bool may_found);
  // Says so when the cluster has other voters than it was to be founded with.
  void CompareWithFounding(const Members& members) const;
  // What there is now.
  StatusOr<EtcdSnapshot> Read();
  OrderKeys OrderKeysAt(Revision revision) const { return {*client_, base_, InEtcd(revision.value)}; }
  // Sees to it that it can be told what was missed (Replica::OnCompacted).
  Status NoteTrimmed(Revision now);
  // Tells the Replica what a watch from `from` on, a revision of etcd's, can't show any more.
  Status TellCompacted(int64_t from);
  Revision RevisionOf(int64_t etcd) const { return Revision(base_ + static_cast<uint64_t>(etcd)); }
  // 0 for what comes before etcd's first.
  int64_t InEtcd(uint64_t revision) const;
  OrderOutcome OutcomeOf(const StatusOr<EtcdTxnResult>& result, const OrderTransaction& sent) const;
  // Watches from a revision of etcd's on until this stops or the watch ends by compaction; one that ends otherwise is
  // begun again.
  void KeepWatching(int64_t from);
  // Reads one watch to its end, and moves `from` past what it showed.
  Status ReadWatch(EtcdWatch& watch, int64_t& from);
  void OnWatched(const EtcdEvent& event);
  // False when this is to stop.
  bool Pause(std::chrono::milliseconds pause);
  void Unreadable(std::string_view key, const Status& why);
  // Nothing more comes of this order.
  void Contradicted(const Status& why);
  // Puts, and sees to it that this is above all that was seen before; otherwise its outcome is UNKNOWN.
  void Put(const EtcdTxn& txn, EtcdClient::OnTxn done);
  StatusOr<EtcdTxnResult> PutAndWait(const EtcdTxn& txn);
  StatusOr<EtcdTxnResult> Above(int64_t seen, StatusOr<EtcdTxnResult> result);
  void See(int64_t revision);
  // Trims what is to be trimmed, as long as etcd does it.
  void TrimSome();
  void OpenOne();
  // Stops renewing a lease, if there is one, and revokes it: otherwise the others wait for it to expire before they
  // forget what was staged and not ordered.
  void End(std::unique_ptr<LeaseKeeper> keeper);

  const ClusterOptions& options_;
  const Driver driver_;
  EtcdRefusals refusals_;
  // Constant after Snapshot.
  uint64_t base_ = 0;
  // Something was not understood, or contradicts what was seen before.
  std::atomic<bool> contradicted_ = false;
  // The highest revision of etcd that any of its answers has told.
  std::atomic<int64_t> seen_ = 0;
  // After what its callbacks use, since the last of them come when it is destroyed.
  const std::unique_ptr<EtcdClient> client_;
  std::atomic<bool> stopping_ = false;
  // Guards the wait for stopping_.
  std::mutex pause_mutex_;
  std::condition_variable pause_;
  // Used by Snapshot, then by the watching thread.
  SessionKeys sessions_;
  std::mutex watching_mutex_;
  // Guarded by watching_mutex_. Joined under it only when a watch has ended by itself, so that Stop never waits for it.
  std::thread watching_;
  // Used by calls_ only.
  std::unique_ptr<LeaseKeeper> keeper_;
  // Used by upkeep_ only.
  struct ToTrim {
    SessionId session;
    Revision through;
  };
  std::deque<ToTrim> to_trim_;
  // What waits for the session; apart from it, since it can take long, what keeps etcd small.
  Worker calls_;
  Worker upkeep_{[this] { TrimSome(); }, std::chrono::seconds(10)};
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_ETCD_ORDER_H_
