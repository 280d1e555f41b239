#ifndef ANAMNESIS_CLIENT_CPP_RECOVERY_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_RECOVERY_CLIENT_H_

// One fenced node, while a ledger is taken to a new etcd: proto/anamnesis/v1/recovery.proto as C++ calls, with the
// codes stated there, plus UNAVAILABLE when it can't be reached. Safe for concurrent use.

#include <memory>
#include <string>

#include "anamnesis/v1/recovery.grpc.pb.h"
#include "client/cpp/channel.h"
#include "ledger/base/status.h"

namespace anamnesis {

class RecoveryClient {
 public:
  // As one of SplitAddresses. Connects when it is first used. `identity` outlives it.
  RecoveryClient(const std::string& address, const ClientIdentity& identity);

  const std::string& address() const { return address_; }
  StatusOr<v1::RecoveryReport> GetReport();
  StatusOr<v1::RecoveryPlan> MakePlan(const v1::MakePlanRequest& request);
  Status CatchUp(const v1::RecoveryCatchUpRequest& request);
  StatusOr<v1::GetStagedResponse> GetStaged(const v1::GetStagedRequest& request);
  Status PutStaged(const v1::PutStagedRequest& request);
  StatusOr<v1::FollowPlanResponse> FollowPlan(const v1::FollowPlanRequest& request);
  Status FoundEtcd(const v1::FoundEtcdRequest& request);
  Status Finish();

 private:
  using Stub = v1::RecoveryService::Stub;
  template <typename Reply, typename Request>
  StatusOr<Reply> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                       const Request& request);

  const std::string address_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_RECOVERY_CLIENT_H_
