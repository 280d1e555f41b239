#ifndef ANAMNESIS_NODE_SERVICE_RECOVERY_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_RECOVERY_SERVICE_H_

// anamnesis.v1.RecoveryService: what a fenced node serves, and nothing else.

#include "anamnesis/v1/recovery.grpc.pb.h"
#include "node/cluster/recovery_sequencer.h"
#include "node/service/context.h"

namespace anamnesis {

class RecoveryService : public v1::RecoveryService::CallbackService {
 public:
  // `control` outlives it.
  RecoveryService(RecoveryControl& control, const ServiceContext& context) : control_(control), context_(context) {}

  grpc::ServerUnaryReactor* GetReport(grpc::CallbackServerContext* call, const v1::GetReportRequest* request,
                                      v1::RecoveryReport* reply) override;
  grpc::ServerUnaryReactor* MakePlan(grpc::CallbackServerContext* call, const v1::MakePlanRequest* request,
                                     v1::RecoveryPlan* reply) override;
  grpc::ServerUnaryReactor* CatchUp(grpc::CallbackServerContext* call, const v1::RecoveryCatchUpRequest* request,
                                    v1::RecoveryCatchUpResponse* reply) override;
  grpc::ServerUnaryReactor* GetStaged(grpc::CallbackServerContext* call, const v1::GetStagedRequest* request,
                                      v1::GetStagedResponse* reply) override;
  grpc::ServerUnaryReactor* PutStaged(grpc::CallbackServerContext* call, const v1::PutStagedRequest* request,
                                      v1::PutStagedResponse* reply) override;
  grpc::ServerUnaryReactor* FollowPlan(grpc::CallbackServerContext* call, const v1::FollowPlanRequest* request,
                                       v1::FollowPlanResponse* reply) override;
  grpc::ServerUnaryReactor* FoundEtcd(grpc::CallbackServerContext* call, const v1::FoundEtcdRequest* request,
                                      v1::FoundEtcdResponse* reply) override;
  grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* call, const v1::FinishRecoveryRequest* request,
                                   v1::FinishRecoveryResponse* reply) override;

 private:
  RecoveryControl& control_;
  const ServiceContext context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_RECOVERY_SERVICE_H_
