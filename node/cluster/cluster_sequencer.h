#ifndef ANAMNESIS_NODE_CLUSTER_CLUSTER_SEQUENCER_H_
#define ANAMNESIS_NODE_CLUSTER_CLUSTER_SEQUENCER_H_

// The sequencer of a node in a cluster: batches are stored by a majority of the voters over gRPC and ordered through
// etcd. What the protocol is stands in node/replication; here its actions are carried out, by real peers, disk and
// etcd.

#include <functional>
#include <memory>

#include "ledger/engine/staging.h"
#include "ledger/sequencer/sequencer.h"
#include "node/cluster/cluster_options.h"
#include "node/cluster/order.h"
#include "node/cluster/peers.h"

namespace anamnesis {

// What it works with; tests put simulated ones in their place.
struct ClusterParts {
  std::function<std::unique_ptr<Order>(const ClusterOptions&, Order::Driver)> make_order;
  // As Peers::Start.
  std::function<StatusOr<std::unique_ptr<Peers>>(const ClusterOptions&, Peers::OnMessage, grpc::Service* beside)>
      start_peers;
};

// `staging` must outlive it. Its Start waits for etcd, and fails as EtcdClient does; with FAILED_PRECONDITION when this
// node has applied more than etcd knows (it was restored from a backup); with UNAVAILABLE when options.peer_address
// can't be listened on. INVALID_ARGUMENT: an option is wrong.
StatusOr<std::unique_ptr<Sequencer>> MakeClusterSequencer(ClusterOptions options, Staging& staging);
// Of these parts.
std::unique_ptr<Sequencer> MakeClusterSequencer(ClusterOptions options, Staging& staging, ClusterParts parts);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CLUSTER_SEQUENCER_H_
