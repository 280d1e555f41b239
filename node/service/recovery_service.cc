#include "node/service/recovery_service.h"

namespace anamnesis {
namespace {

// On a worker, whatever the ledger has settled: a fenced node settles nothing. gRPC keeps `reply` and the request until
// the reactor is finished.
template <typename Reply, typename Ask>
grpc::ServerUnaryReactor* AnswerOnWorker(const ServiceContext& context, grpc::CallbackServerContext* call,
                                         std::string_view method, Reply* reply, Ask ask) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  const auto work = [&failures = context.failures, method, reply, ask = std::move(ask), reactor] {
    StatusOr<Reply> answer = ask();
    if (answer.ok()) *reply = *std::move(answer);
    reactor->Finish(failures.Answer(method, answer.status()));
  };
  if (!context.workers.TrySubmit(work)) reactor->Finish(context.failures.Answer(method, TooBusy()));
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* RecoveryService::GetReport(grpc::CallbackServerContext* call,
                                                     const v1::GetReportRequest* /*request*/,
                                                     v1::RecoveryReport* reply) {
  return AnswerOnWorker(context_, call, "GetReport", reply, [this] {
    return control_.With([&](RecoveryOperations& operations) { return operations.GetReport(); });
  });
}

grpc::ServerUnaryReactor* RecoveryService::MakePlan(grpc::CallbackServerContext* call,
                                                    const v1::MakePlanRequest* request, v1::RecoveryPlan* reply) {
  return AnswerOnWorker(context_, call, "MakePlan", reply, [this, call, request] {
    return control_.With([&](RecoveryOperations& operations) {
      return operations.MakePlan(*request, context_.access.CallerOf(*call).value_or(v1::Agent()));
    });
  });
}

grpc::ServerUnaryReactor* RecoveryService::CatchUp(grpc::CallbackServerContext* call,
                                                   const v1::RecoveryCatchUpRequest* request,
                                                   v1::RecoveryCatchUpResponse* reply) {
  return AnswerOnWorker(context_, call, "CatchUp", reply, [this, request] {
    return control_.With([&](RecoveryOperations& operations) { return operations.CatchUp(*request); });
  });
}

grpc::ServerUnaryReactor* RecoveryService::GetStaged(grpc::CallbackServerContext* call,
                                                     const v1::GetStagedRequest* request,
                                                     v1::GetStagedResponse* reply) {
  return AnswerOnWorker(context_, call, "GetStaged", reply, [this, request] {
    return control_.With([&](RecoveryOperations& operations) { return operations.GetStaged(*request); });
  });
}

grpc::ServerUnaryReactor* RecoveryService::PutStaged(grpc::CallbackServerContext* call,
                                                     const v1::PutStagedRequest* request,
                                                     v1::PutStagedResponse* reply) {
  return AnswerOnWorker(context_, call, "PutStaged", reply, [this, request] {
    return control_.With([&](RecoveryOperations& operations) { return operations.PutStaged(*request); });
  });
}

grpc::ServerUnaryReactor* RecoveryService::FollowPlan(grpc::CallbackServerContext* call,
                                                      const v1::FollowPlanRequest* request,
                                                      v1::FollowPlanResponse* reply) {
  return AnswerOnWorker(context_, call, "FollowPlan", reply, [this, request] {
    return control_.With([&](RecoveryOperations& operations) { return operations.FollowPlan(*request); });
  });
}

grpc::ServerUnaryReactor* RecoveryService::FoundEtcd(grpc::CallbackServerContext* call,
                                                     const v1::FoundEtcdRequest* request,
                                                     v1::FoundEtcdResponse* reply) {
  return AnswerOnWorker(context_, call, "FoundEtcd", reply, [this, request] {
    return control_.With([&](RecoveryOperations& operations) { return operations.FoundEtcd(*request); });
  });
}

grpc::ServerUnaryReactor* RecoveryService::Finish(grpc::CallbackServerContext* call,
                                                  const v1::FinishRecoveryRequest* /*request*/,
                                                  v1::FinishRecoveryResponse* reply) {
  return AnswerOnWorker(context_, call, "Finish", reply, [this] {
    return control_.With([&](RecoveryOperations& operations) { return operations.Finish(); });
  });
}

}  // namespace anamnesis
