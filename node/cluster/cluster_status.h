#ifndef ANAMNESIS_NODE_CLUSTER_CLUSTER_STATUS_H_
#define ANAMNESIS_NODE_CLUSTER_CLUSTER_STATUS_H_

#include <vector>

#include "anamnesis/v1/cluster.pb.h"
#include "node/cluster/cluster_options.h"
#include "node/etcd/etcd_types.h"
#include "node/replication/replica.h"

namespace anamnesis {

// What a node tells its operators, but for why it refuses.
v1::ClusterStatus ClusterStatusOf(const ClusterOptions& options, const Replica& replica,
                                  const std::vector<EtcdEndpointHealth>& etcd);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CLUSTER_STATUS_H_
