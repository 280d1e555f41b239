#ifndef ANAMNESIS_NODE_SERVICE_QUERY_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_QUERY_SERVICE_H_

// anamnesis.v1.QueryService: questions about state, answered on a worker.

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "node/service/context.h"

namespace anamnesis {

class QueryService : public v1::QueryService::CallbackService {
 public:
  explicit QueryService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* GetConfiguration(grpc::CallbackServerContext* call,
                                             const v1::GetConfigurationRequest* request,
                                             v1::ConfigurationAnswer* reply) override;

 private:
  const ServiceContext context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_QUERY_SERVICE_H_
