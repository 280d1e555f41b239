#ifndef ANAMNESIS_NODE_CLUSTER_CLUSTER_SEQUENCER_H_
#define ANAMNESIS_NODE_CLUSTER_CLUSTER_SEQUENCER_H_

// The sequencer of a node in a cluster: batches are stored by a majority of the voters over gRPC and ordered through
// etcd. What the protocol is stands in node/replication; here its actions are carried out, by real peers, disk and
// etcd.

#include <memory>

#include "ledger/engine/staging.h"
#include "ledger/sequencer/sequencer.h"
#include "node/cluster/cluster_options.h"

namespace anamnesis {

// `staging` must outlive it. Its Start waits for etcd, and fails as EtcdClient does; with FAILED_PRECONDITION when this
// node has applied more than etcd knows (it was restored from a backup); with UNAVAILABLE when options.peer_address
// can't be listened on. INVALID_ARGUMENT: an option is wrong.
StatusOr<std::unique_ptr<Sequencer>> MakeClusterSequencer(ClusterOptions options, Staging& staging);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CLUSTER_SEQUENCER_H_
