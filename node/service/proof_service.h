#ifndef ANAMNESIS_NODE_SERVICE_PROOF_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_PROOF_SERVICE_H_

// anamnesis.v1.ProofService: checkpoints, receipts and consistency proofs, made on a worker.

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "node/service/context.h"

namespace anamnesis {

class ProofService : public v1::ProofService::CallbackService {
 public:
  explicit ProofService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* call, const v1::GetCheckpointRequest* request,
                                          v1::Checkpoint* reply) override;
  grpc::ServerUnaryReactor* GetReceipt(grpc::CallbackServerContext* call, const v1::GetReceiptRequest* request,
                                       v1::Receipt* reply) override;
  grpc::ServerUnaryReactor* GetConsistencyProof(grpc::CallbackServerContext* call,
                                                const v1::GetConsistencyProofRequest* request,
                                                v1::ConsistencyProof* reply) override;

 private:
  const ServiceContext context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_PROOF_SERVICE_H_
