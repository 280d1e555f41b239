#include "node/service/receipt_service.h"

namespace anamnesis {

grpc::ServerUnaryReactor* ReceiptService::GetReceipts(grpc::CallbackServerContext* call,
                                                      const v1::GetReceiptsRequest* request,
                                                      v1::GetReceiptsResponse* reply) {
  return AnswerOnWorker(context_, call, "GetReceipts", request, reply,
                        [this, request] { return context_.ledger.GetReceipts(*request); });
}

}  // namespace anamnesis
