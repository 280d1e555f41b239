#ifndef ANAMNESIS_NODE_SERVICE_CLUSTER_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_CLUSTER_SERVICE_H_

// anamnesis.v1.ClusterService: for the operators of a cluster.

#include "anamnesis/v1/cluster.grpc.pb.h"
#include "node/cluster/cluster_control.h"
#include "node/service/context.h"

namespace anamnesis {

class ClusterService : public v1::ClusterService::CallbackService {
 public:
  // `operations` outlives it.
  ClusterService(ClusterOperations& operations, const ServiceContext& context)
      : operations_(operations), context_(context) {}

  grpc::ServerUnaryReactor* GetClusterStatus(grpc::CallbackServerContext* call,
                                             const v1::GetClusterStatusRequest* request,
                                             v1::ClusterStatus* reply) override;
  grpc::ServerUnaryReactor* ChangeMembers(grpc::CallbackServerContext* call, const v1::ChangeMembersRequest* request,
                                          v1::ChangeMembersResponse* reply) override;

 private:
  ClusterOperations& operations_;
  const ServiceContext context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_CLUSTER_SERVICE_H_
