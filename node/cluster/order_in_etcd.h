#ifndef ANAMNESIS_NODE_CLUSTER_ORDER_IN_ETCD_H_
#define ANAMNESIS_NODE_CLUSTER_ORDER_IN_ETCD_H_

// The order that a fenced node finds in etcd, and whether it can go on in it as if nothing had happened.

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ledger/base/status.h"
#include "node/cluster/order_keys.h"
#include "node/etcd/etcd_client.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"
#include "node/replication/recovery.h"

namespace anamnesis {

// As it stood when it was read. Used by one thread; its calls wait for etcd and fail as EtcdClient does.
class OrderInEtcd {
 public:
  // nullopt: etcd holds none. INVALID_ARGUMENT: what it holds doesn't parse. `client` outlives what is returned.
  static StatusOr<std::optional<OrderInEtcd>> Read(EtcdClient& client);

  uint64_t incarnation() const { return members_.incarnation; }

  // FAILED_PRECONDITION: the node knows no members, or those of another incarnation; or it has applied what is not in
  // this order, so that etcd was put back from a snapshot and would put other batches in the same places.
  Status CheckGoesOn(const NodeReport& node) const;

 private:
  OrderInEtcd(EtcdClient& client, Members members, uint64_t base, int64_t at)
      : members_(std::move(members)), now_(base + static_cast<uint64_t>(at)), keys_(client, base, at) {}

  Members members_;
  // Up to where etcd has come.
  Revision now_;
  OrderKeys keys_;
  // Those that live or have order keys.
  std::vector<SessionId> sessions_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_ORDER_IN_ETCD_H_
