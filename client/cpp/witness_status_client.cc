#include "client/cpp/witness_status_client.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "anamnesis/v1/witness.grpc.pb.h"
#include "client/cpp/channel.h"
#include "client/cpp/unary_call.h"

namespace anamnesis {
namespace {

using Stub = v1::WitnessService::Stub;

constexpr std::chrono::seconds kAskDeadline(10);
// A node waits half a minute at most.
constexpr std::chrono::seconds kWaitDeadline(35);
constexpr std::chrono::milliseconds kPause(200);

class RemoteWitnessStatus : public WitnessStatusClient {
 public:
  RemoteWitnessStatus(std::vector<std::string> addresses, ClientIdentity identity)
      : addresses_(std::move(addresses)), identity_(std::move(identity)) {
    for (const std::string& address : addresses_) {
      stubs_.push_back(v1::WitnessService::NewStub(MakeChannel(address, identity_)));
    }
  }

  StatusOr<v1::Checkpoint> GetCheckpoint(uint64_t tree_size_min, std::chrono::seconds within) override {
    v1::GetWitnessedCheckpointRequest request;
    request.set_tree_size_min(tree_size_min);
    return Ask<v1::Checkpoint>(&Stub::GetWitnessedCheckpoint, request, within);
  }

  StatusOr<v1::Receipt> GetReceipt(uint64_t index, std::chrono::seconds within) override {
    v1::GetWitnessedReceiptRequest request;
    request.set_index(index);
    return Ask<v1::Receipt>(&Stub::GetWitnessedReceipt, request, within);
  }

  StatusOr<v1::WitnessStatus> GetStatus() override {
    StatusOr<v1::WitnessStatus> status = absl::UnavailableError("no node to ask");
    for (size_t place = 0; place < stubs_.size() && !status.ok(); ++place) {
      status = CallOnce<v1::WitnessStatus>(addresses_[place], *stubs_[place], &Stub::GetWitnessStatus,
                                           v1::GetWitnessStatusRequest(), kAskDeadline);
    }
    return status;
  }

 private:
  template <typename Reply, typename Request>
  StatusOr<Reply> Ask(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*), Request request,
                      std::chrono::seconds within) {
    const auto end = std::chrono::steady_clock::now() + within;
    request.set_wait(within.count() > 0);
    while (true) {
      StatusOr<Reply> reply = absl::UnavailableError("no node to ask");
      for (size_t place = 0; place < stubs_.size() && !reply.ok(); ++place) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(end - std::chrono::steady_clock::now());
        const auto deadline = request.wait() ? std::clamp(left, std::chrono::seconds(1), kWaitDeadline) : kAskDeadline;
        reply = CallOnce<Reply>(addresses_[place], *stubs_[place], method, request, deadline);
        if (!reply.ok() && !Unanswered(reply.status())) return reply;
      }
      if (reply.ok() || std::chrono::steady_clock::now() + kPause >= end) return reply;
      std::this_thread::sleep_for(kPause);
    }
  }

  const std::vector<std::string> addresses_;
  const ClientIdentity identity_;
  std::vector<std::unique_ptr<Stub>> stubs_;
};

}  // namespace

StatusOr<std::unique_ptr<WitnessStatusClient>> ConnectWitnessStatus(std::string_view addresses, const TlsFiles& tls) {
  ASSIGN_OR_RETURN(std::vector<std::string> split, SplitAddresses(addresses));
  ASSIGN_OR_RETURN(ClientIdentity identity, LoadIdentity(tls));
  return std::unique_ptr<WitnessStatusClient>(
      std::make_unique<RemoteWitnessStatus>(std::move(split), std::move(identity)));
}

}  // namespace anamnesis
