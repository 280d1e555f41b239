#include "client/cpp/recovery_client.h"

#include "client/cpp/unary_call.h"

namespace anamnesis {
namespace {

// Following a plan applies every batch of it.
constexpr std::chrono::minutes kCallDeadline(10);
// Reports name every session that ever ordered something, and all of them are in one request for a plan.
constexpr int kReportBytesMax = 256 << 20;

}  // namespace

RecoveryClient::RecoveryClient(const std::string& address, const ClientIdentity& identity)
    : address_(address), stub_(v1::RecoveryService::NewStub(MakeChannel(address, identity, kReportBytesMax))) {}

template <typename Reply, typename Request>
StatusOr<Reply> RecoveryClient::Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                                     const Request& request) {
  return CallOnce(address_, *stub_, method, request, kCallDeadline);
}

StatusOr<v1::RecoveryReport> RecoveryClient::GetReport() {
  return Call<v1::RecoveryReport>(&Stub::GetReport, v1::GetReportRequest());
}
StatusOr<v1::RecoveryPlan> RecoveryClient::MakePlan(const v1::MakePlanRequest& request) {
  return Call<v1::RecoveryPlan>(&Stub::MakePlan, request);
}
Status RecoveryClient::CatchUp(const v1::RecoveryCatchUpRequest& request) {
  return Call<v1::RecoveryCatchUpResponse>(&Stub::CatchUp, request).status();
}
StatusOr<v1::GetStagedResponse> RecoveryClient::GetStaged(const v1::GetStagedRequest& request) {
  return Call<v1::GetStagedResponse>(&Stub::GetStaged, request);
}
Status RecoveryClient::PutStaged(const v1::PutStagedRequest& request) {
  return Call<v1::PutStagedResponse>(&Stub::PutStaged, request).status();
}
StatusOr<v1::FollowPlanResponse> RecoveryClient::FollowPlan(const v1::FollowPlanRequest& request) {
  return Call<v1::FollowPlanResponse>(&Stub::FollowPlan, request);
}
Status RecoveryClient::FoundEtcd(const v1::FoundEtcdRequest& request) {
  return Call<v1::FoundEtcdResponse>(&Stub::FoundEtcd, request).status();
}
Status RecoveryClient::Finish() {
  return Call<v1::FinishRecoveryResponse>(&Stub::Finish, v1::FinishRecoveryRequest()).status();
}

}  // namespace anamnesis
