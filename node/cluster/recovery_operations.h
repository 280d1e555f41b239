#ifndef ANAMNESIS_NODE_CLUSTER_RECOVERY_OPERATIONS_H_
#define ANAMNESIS_NODE_CLUSTER_RECOVERY_OPERATIONS_H_

// What a fenced node does when a ledger is taken to a new etcd: anamnesis.v1.RecoveryService as C++ calls, with its
// errors. Safe for concurrent use; calls wait for the disk, for each other, and FoundEtcd for etcd.

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/recovery.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

class RecoveryOperations {
 public:
  virtual ~RecoveryOperations() = default;

  virtual StatusOr<v1::RecoveryReport> GetReport() = 0;
  virtual StatusOr<v1::RecoveryPlan> MakePlan(const v1::MakePlanRequest& request, const v1::Agent& requested_by) = 0;
  virtual StatusOr<v1::RecoveryCatchUpResponse> CatchUp(const v1::RecoveryCatchUpRequest& request) = 0;
  virtual StatusOr<v1::GetStagedResponse> GetStaged(const v1::GetStagedRequest& request) = 0;
  virtual StatusOr<v1::PutStagedResponse> PutStaged(const v1::PutStagedRequest& request) = 0;
  virtual StatusOr<v1::FollowPlanResponse> FollowPlan(const v1::FollowPlanRequest& request) = 0;
  virtual StatusOr<v1::FoundEtcdResponse> FoundEtcd(const v1::FoundEtcdRequest& request) = 0;
  virtual StatusOr<v1::FinishRecoveryResponse> Finish() = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_RECOVERY_OPERATIONS_H_
