#include "node/service/proof_service.h"

namespace anamnesis {

grpc::ServerUnaryReactor* ProofService::GetCheckpoint(grpc::CallbackServerContext* call,
                                                      const v1::GetCheckpointRequest* request, v1::Checkpoint* reply) {
  return AnswerOnWorker(context_, call, "GetCheckpoint", request, reply,
                        [this] { return context_.ledger.GetCheckpoint(); });
}

grpc::ServerUnaryReactor* ProofService::GetReceipt(grpc::CallbackServerContext* call,
                                                   const v1::GetReceiptRequest* request, v1::Receipt* reply) {
  return AnswerOnWorker(context_, call, "GetReceipt", request, reply,
                        [this, request] { return context_.ledger.GetReceipt(*request); });
}

grpc::ServerUnaryReactor* ProofService::GetConsistencyProof(grpc::CallbackServerContext* call,
                                                            const v1::GetConsistencyProofRequest* request,
                                                            v1::ConsistencyProof* reply) {
  return AnswerOnWorker(context_, call, "GetConsistencyProof", request, reply,
                        [this, request] { return context_.ledger.GetConsistencyProof(*request); });
}

}  // namespace anamnesis
