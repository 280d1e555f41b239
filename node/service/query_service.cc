#include "node/service/query_service.h"

namespace anamnesis {

grpc::ServerUnaryReactor* QueryService::GetConfiguration(grpc::CallbackServerContext* call,
                                                         const v1::GetConfigurationRequest* request,
                                                         v1::ConfigurationAnswer* reply) {
  return AnswerOnWorker(context_, call, "GetConfiguration", request, reply,
                        [this, request] { return context_.ledger.GetConfiguration(*request); });
}

}  // namespace anamnesis
