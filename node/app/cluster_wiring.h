#ifndef ANAMNESIS_NODE_APP_CLUSTER_WIRING_H_
#define ANAMNESIS_NODE_APP_CLUSTER_WIRING_H_

// What the command line says of a node's part in a cluster.

#include "ledger/base/status.h"
#include "node/app/options.h"
#include "node/cluster/cluster_options.h"

namespace anamnesis {

// All but TLS and callbacks. INVALID_ARGUMENT naming the option that is wrong; otherwise as ReadOrMakeNodeId and as
// reading the named files fails.
StatusOr<ClusterOptions> ClusterOptionsOf(const NodeOptions& options);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_CLUSTER_WIRING_H_
