#include "client/cpp/receipt_client.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/v1/receipt.grpc.pb.h"
#include "client/cpp/channel.h"
#include "client/cpp/unary_call.h"

namespace anamnesis {
namespace {

// A checkpoint may have to be signed first, over all leaves since the last one.
constexpr std::chrono::seconds kCallDeadline(60);

class RemoteReceipts : public ReceiptClient {
 public:
  RemoteReceipts(std::vector<std::string> addresses, ClientIdentity identity)
      : addresses_(std::move(addresses)), identity_(std::move(identity)) {
    for (const std::string& address : addresses_) {
      stubs_.push_back(v1::ReceiptService::NewStub(MakeChannel(address, identity_)));
    }
  }

  StatusOr<v1::GetReceiptsResponse> GetReceipts(const v1::GetReceiptsRequest& request) override {
    StatusOr<v1::GetReceiptsResponse> answer = absl::UnavailableError("no node to ask");
    for (size_t place = 0; place < stubs_.size(); ++place) {
      answer = CallOnce<v1::GetReceiptsResponse>(addresses_[place], *stubs_[place],
                                                 &v1::ReceiptService::Stub::GetReceipts, request, kCallDeadline);
      if (!Unanswered(answer.status())) return answer;
    }
    return absl::UnavailableError(Text(MessageOf(answer.status())));
  }

 private:
  const std::vector<std::string> addresses_;
  // Outlives the channels.
  const ClientIdentity identity_;
  std::vector<std::unique_ptr<v1::ReceiptService::Stub>> stubs_;
};

}  // namespace

StatusOr<std::unique_ptr<ReceiptClient>> ConnectReceipts(std::string_view addresses, const TlsFiles& tls) {
  ASSIGN_OR_RETURN(std::vector<std::string> split, SplitAddresses(addresses));
  ASSIGN_OR_RETURN(ClientIdentity identity, LoadIdentity(tls));
  return std::unique_ptr<ReceiptClient>(std::make_unique<RemoteReceipts>(std::move(split), std::move(identity)));
}

}  // namespace anamnesis
