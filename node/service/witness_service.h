#ifndef ANAMNESIS_NODE_SERVICE_WITNESS_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_WITNESS_SERVICE_H_

// anamnesis.v1.WitnessService: checkpoints and receipts that satisfy the node's policy. No worker waits for witnesses.

#include "anamnesis/v1/witness.grpc.pb.h"
#include "node/checkpoint/publisher.h"
#include "node/service/context.h"

namespace anamnesis {

class WitnessService : public v1::WitnessService::CallbackService {
 public:
  // `publisher` outlives it.
  WitnessService(Publisher& publisher, const ServiceContext& context) : publisher_(publisher), context_(context) {}

  grpc::ServerUnaryReactor* GetWitnessedCheckpoint(grpc::CallbackServerContext* call,
                                                   const v1::GetWitnessedCheckpointRequest* request,
                                                   v1::Checkpoint* reply) override;
  grpc::ServerUnaryReactor* GetWitnessedReceipt(grpc::CallbackServerContext* call,
                                                const v1::GetWitnessedReceiptRequest* request,
                                                v1::Receipt* reply) override;
  grpc::ServerUnaryReactor* GetWitnessStatus(grpc::CallbackServerContext* call,
                                             const v1::GetWitnessStatusRequest* request,
                                             v1::WitnessStatus* reply) override;

 private:
  Publisher& publisher_;
  const ServiceContext context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_WITNESS_SERVICE_H_
