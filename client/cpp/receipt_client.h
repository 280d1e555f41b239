#ifndef ANAMNESIS_CLIENT_CPP_RECEIPT_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_RECEIPT_CLIENT_H_

// ReceiptService (proto/anamnesis/v1/receipt.proto) as its users see it: over gRPC, or of a ledger embedded in the
// process (client/cli/receipt_requests.h). Safe for concurrent use. Fails with the codes of receipt.proto, plus
// UNAVAILABLE when no node can be reached. What comes back proves itself: verify it.

#include <memory>
#include <string_view>

#include "anamnesis/v1/receipt.pb.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

class ReceiptClient {
 public:
  virtual ~ReceiptClient() = default;
  virtual StatusOr<v1::GetReceiptsResponse> GetReceipts(const v1::GetReceiptsRequest& request) = 0;
};

// The nodes at HOST:PORT[,HOST:PORT...], one asked after the other until one answers. INVALID_ARGUMENT when an address
// has not this form, or as LoadIdentity fails (channel.h); nothing is connected yet.
StatusOr<std::unique_ptr<ReceiptClient>> ConnectReceipts(std::string_view addresses, const TlsFiles& tls);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_RECEIPT_CLIENT_H_
