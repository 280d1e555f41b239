#ifndef ANAMNESIS_NODE_SERVICE_RECEIPT_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_RECEIPT_SERVICE_H_

// anamnesis.v1.ReceiptService: many receipts under one checkpoint, made on a worker.

#include "anamnesis/v1/receipt.grpc.pb.h"
#include "node/service/context.h"

namespace anamnesis {

class ReceiptService : public v1::ReceiptService::CallbackService {
 public:
  explicit ReceiptService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* GetReceipts(grpc::CallbackServerContext* call, const v1::GetReceiptsRequest* request,
                                        v1::GetReceiptsResponse* reply) override;

 private:
  const ServiceContext context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_RECEIPT_SERVICE_H_
