#include "node/service/cluster_service.h"

namespace anamnesis {
namespace {

// gRPC keeps the reply until the reactor is finished.
template <typename Reply>
std::function<void(const StatusOr<Reply>&)> Answering(grpc::ServerUnaryReactor* reactor, Reply* reply,
                                                      Failures& failures, std::string_view method) {
  return [reactor, reply, &failures, method](const StatusOr<Reply>& answer) {
    if (answer.ok()) *reply = *answer;
    reactor->Finish(failures.Answer(method, answer.status()));
  };
}

}  // namespace

grpc::ServerUnaryReactor* ClusterService::GetClusterStatus(grpc::CallbackServerContext* call,
                                                           const v1::GetClusterStatusRequest* /*request*/,
                                                           v1::ClusterStatus* reply) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  operations_.AskStatus(Answering(reactor, reply, context_.failures, "GetClusterStatus"));
  return reactor;
}

grpc::ServerUnaryReactor* ClusterService::ChangeMembers(grpc::CallbackServerContext* call,
                                                        const v1::ChangeMembersRequest* request,
                                                        v1::ChangeMembersResponse* reply) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  operations_.ChangeMembers(*request, context_.access.CallerOf(*call).value_or(v1::Agent()),
                            Answering(reactor, reply, context_.failures, "ChangeMembers"));
  return reactor;
}

}  // namespace anamnesis
