#ifndef ANAMNESIS_NODE_CLUSTER_RECOVERY_MESSAGES_H_
#define ANAMNESIS_NODE_CLUSTER_RECOVERY_MESSAGES_H_

// The values of node/replication/recovery.h as messages of recovery.proto, and back. Parsing fails with
// INVALID_ARGUMENT, naming the field.

#include "anamnesis/v1/recovery.pb.h"
#include "ledger/base/status.h"
#include "node/replication/recovery.h"

namespace anamnesis {

v1::RecoveryReport ToProto(const NodeReport& report);
StatusOr<NodeReport> FromProto(const v1::RecoveryReport& proto);

v1::RecoveryPlan ToProto(const RecoveryPlan& plan);
StatusOr<RecoveryPlan> FromProto(const v1::RecoveryPlan& proto);

v1::StagedBatch ToProto(const StagedBatch& batch);
StatusOr<StagedBatch> FromProto(const v1::StagedBatch& proto);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_RECOVERY_MESSAGES_H_
