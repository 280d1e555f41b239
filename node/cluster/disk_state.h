#ifndef ANAMNESIS_NODE_CLUSTER_DISK_STATE_H_
#define ANAMNESIS_NODE_CLUSTER_DISK_STATE_H_

// What a node's disk says of its part in the cluster.

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/staging.h"
#include "node/replication/recovery.h"

namespace anamnesis {

// `applied` is what the ledger has applied. Fails as Staging does, and with INVALID_ARGUMENT when what was noted of the
// members doesn't parse.
StatusOr<NodeReport> ReadDisk(const Staging& staging, const NodeId& node, Revision applied);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_DISK_STATE_H_
