#ifndef ANAMNESIS_NODE_CLUSTER_ETCD_ORDER_H_
#define ANAMNESIS_NODE_CLUSTER_ETCD_ORDER_H_

// The order as it stands in etcd: this node's session, order transactions, and the watch of what all nodes put there.
// Carries out the actions of a Replica that concern etcd; what it sees goes to the Replica. Revisions are the ledger's
// everywhere: etcd's plus the base that stands in etcd.

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "node/cluster/cluster_options.h"
#include "node/cluster/session_keys.h"
#include "node/cluster/worker.h"
#include "node/etcd/etcd_client.h"
#include "node/replication/actions.h"
#include "node/replication/replica.h"

namespace anamnesis {

// Methods are called by one thread; they don't wait, but for Snapshot and the destructor.
class EtcdOrder {
 public:
  // Runs a piece of work on the thread that may call the Replica.
  using Post = std::function<void(std::function<void(Replica&)>)>;

  // `wants_watch` says whether more should be read from the watch. `unreadable` is called when something that stands in
  // etcd can't be understood: nothing that follows it is shown.
  EtcdOrder(const ClusterOptions& options, std::unique_ptr<EtcdClient> client, Post post,
            std::function<bool()> wants_watch, std::function<void(const Status&)> unreadable);
  // Ends the session.
  ~EtcdOrder();

  // Puts the founding voters, and `applied` as the base, if there are no members and this node `may_found`; reads what
  // Replica::Start needs. Waits for etcd; fails as EtcdClient does, with FAILED_PRECONDITION when there are no members
  // and nobody to found with, and with INVALID_ARGUMENT when what stands there doesn't parse.
  StatusOr<EtcdSnapshot> Snapshot(Revision applied, bool may_found);

  void Do(const Watch& watch);
  void Do(const OpenSession&);
  void Do(const CloseSession&);
  void Do(const OrderTransaction& transaction);
  void Do(const TrimSessions& trim);
  void Do(const Compact& compact);

  // Puts this node's barrier key. `done` gets the put's revision, or fails as a write of EtcdClient does; it is called
  // by one of the client's threads.
  void PutBarrier(std::function<void(const StatusOr<Revision>&)> done);

  // Replaces the members if they are still those put at `current`. `done` is called with the change's revision; with
  // ABORTED when they are others by now, otherwise as EtcdClient::Txn.
  using OnMembersPut = std::function<void(const StatusOr<Revision>&)>;
  void PutMembers(const Members& next, Revision current, OnMembersPut done);

  // How etcd is. Doesn't wait.
  std::vector<EtcdEndpointHealth> Health() const { return client_->Health(); }

  // Stops calling back, and ends the session.
  void Stop();

 private:
  Status Found(Revision applied);
  StatusOr<uint64_t> ReadBase(bool may_found);
  Revision RevisionOf(int64_t etcd) const { return Revision(base_ + static_cast<uint64_t>(etcd)); }
  // 0 for what comes before etcd's first.
  int64_t InEtcd(uint64_t revision) const;
  OrderOutcome OutcomeOf(const StatusOr<EtcdTxnResult>& result, const OrderTransaction& sent) const;
  void ReadWatch();
  void OnWatched(const EtcdEvent& event);
  void Unreadable(std::string_view key, const Status& why);
  void OpenOne();
  // Stops renewing a lease, if there is one, and revokes it: otherwise the others wait for it to expire before they
  // forget what was staged and not ordered.
  void End(std::unique_ptr<LeaseKeeper> keeper);

  const ClusterOptions& options_;
  const std::unique_ptr<EtcdClient> client_;
  const Post post_;
  const std::function<bool()> wants_watch_;
  const std::function<void(const Status&)> unreadable_;
  // Constant after Snapshot.
  uint64_t base_ = 0;
  std::atomic<bool> stopping_ = false;
  // Used by Snapshot, then by the watching thread.
  SessionKeys sessions_;
  std::unique_ptr<EtcdWatch> watch_;
  std::thread watching_;
  // Used by calls_ only.
  std::unique_ptr<LeaseKeeper> keeper_;
  // Calls that wait.
  Worker calls_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_ETCD_ORDER_H_
