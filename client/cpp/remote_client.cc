#include "client/cpp/remote_client.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "client/cpp/background_polling.h"
#include "client/cpp/remote_append_channel.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/limits.h"
#include "ledger/tls/agent_uri.h"
#include "ledger/tls/grpc_credentials.h"

namespace anamnesis {
namespace {

constexpr std::chrono::seconds kCallDeadline(10);
constexpr std::chrono::milliseconds kConnectDeadline(2000);
// Before a broken read goes on, so that a node that stops has gone.
constexpr std::chrono::milliseconds kResumePause(100);
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMessageBytesMax = static_cast<int>(limits::kRequestBytesMax) + (1 << 20);

struct Endpoint {
  explicit Endpoint(std::string name, std::shared_ptr<grpc::Channel> c)
      : address(std::move(name)),
        channel(std::move(c)),
        append(v1::AppendService::NewStub(channel)),
        read(v1::ReadService::NewStub(channel)),
        query(v1::QueryService::NewStub(channel)),
        proof(v1::ProofService::NewStub(channel)) {}

  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::AppendService::Stub> append;
  std::unique_ptr<v1::ReadService::Stub> read;
  std::unique_ptr<v1::QueryService::Stub> query;
  std::unique_ptr<v1::ProofService::Stub> proof;
};

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // How long one attempt to connect may take, and how soon the next one may follow.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(kConnectDeadline.count()));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // A node is named by its own address; a web proxy from the environment has no part in this.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(Text("dns:///", address), credentials, arguments);
}

Status CheckAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  const bool split = colon != std::string_view::npos && colon > 0;
  const std::string_view host = split ? address.substr(0, colon) : std::string_view();
  const std::string_view port = split ? address.substr(colon + 1) : std::string_view();
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const bool host_fits = !host.empty() && (bracketed || host.find(':') == std::string_view::npos) &&
                         host.find_first_of("/ \t\r\n") == std::string_view::npos;
  const bool digits =
      !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  const int number = digits ? std::atoi(std::string(port).c_str()) : 0;
  if (host_fits && number >= 1 && number <= 65535) return OkStatus();
  return absl::InvalidArgumentError(
      Text("ledger address \"", address, "\": expected HOST:PORT, for example 127.0.0.1:7420"));
}

StatusOr<std::vector<std::string>> SplitAddresses(std::string_view addresses) {
  std::vector<std::string> split;
  while (true) {
    const size_t comma = addresses.find(',');
    const std::string_view address = addresses.substr(0, comma);
    RETURN_IF_ERROR(CheckAddress(address));
    split.emplace_back(address);
    if (comma == std::string_view::npos) return split;
    addresses.remove_prefix(comma + 1);
  }
}

// No answer: whether the node did anything isn't known. A node that stops cancels what it hasn't answered; here nobody
// cancels a call.
bool Unanswered(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

Status Unreachable(const Endpoint& endpoint, const Status& status) {
  return absl::UnavailableError(Text(endpoint.address, ": ", MessageOf(status)));
}

// What is left of a read when part of it was delivered.
class ReadProgress {
 public:
  explicit ReadProgress(const v1::ReadRequest& request) : rest_(request), bounded_(request.limit() > 0) {
    if (!bounded_ && !request.follow()) {
      rest_.set_limit(limits::kReadEventsDefault);
      bounded_ = true;
    }
  }

  const v1::ReadRequest& rest() const { return rest_; }
  // False when there is nothing left to ask another node for.
  bool resumable() const { return !ended_; }
  // False for a second caught_up, which a reader that follows must not see.
  bool Take(const v1::ReadResponse& item) {
    if (item.has_caught_up()) return !std::exchange(caught_up_, true);
    if (!item.has_event()) return false;
    const uint64_t index = item.event().index();
    const bool backwards = rest_.direction() == v1::ReadRequest::BACKWARDS;
    if (bounded_ && rest_.limit() <= 1) ended_ = true;
    if (backwards && index == 0) ended_ = true;
    if (bounded_ && !ended_) rest_.set_limit(rest_.limit() - 1);
    if (!ended_) rest_.set_from(backwards ? index - 1 : index + 1);
    return true;
  }

 private:
  v1::ReadRequest rest_;
  bool bounded_;
  bool caught_up_ = false;
  bool ended_ = false;
};

class RemoteClient : public LedgerClient {
 public:
  RemoteClient(const std::vector<std::string>& addresses, std::shared_ptr<TlsIdentity> tls,
               const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : tls_(std::move(tls)) {
    for (const std::string& address : addresses) endpoints_.emplace_back(address, MakeChannel(address, credentials));
  }

  StatusOr<v1::AppendResponse> Append(const v1::AppendRequest& request) override {
    return Call<v1::AppendResponse>(&Endpoint::append, &v1::AppendService::Stub::Append, request);
  }
  StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request) override {
    return Call<v1::Event>(&Endpoint::read, &v1::ReadService::Stub::GetEvent, request);
  }
  StatusOr<v1::StreamHead> GetStreamHead(const v1::GetStreamHeadRequest& request) override {
    return Call<v1::StreamHead>(&Endpoint::read, &v1::ReadService::Stub::GetStreamHead, request);
  }
  StatusOr<v1::Credential> GetCredential(const v1::GetCredentialRequest& request) override {
    return Call<v1::Credential>(&Endpoint::read, &v1::ReadService::Stub::GetCredential, request);
  }
  StatusOr<v1::LedgerStatus> GetStatus() override {
    return Call<v1::LedgerStatus>(&Endpoint::read, &v1::ReadService::Stub::GetStatus, v1::GetStatusRequest());
  }
  StatusOr<v1::ConfigurationAnswer> GetConfiguration(const v1::GetConfigurationRequest& request) override {
    return Call<v1::ConfigurationAnswer>(&Endpoint::query, &v1::QueryService::Stub::GetConfiguration, request);
  }
  StatusOr<v1::Checkpoint> GetCheckpoint() override {
    return Call<v1::Checkpoint>(&Endpoint::proof, &v1::ProofService::Stub::GetCheckpoint, v1::GetCheckpointRequest());
  }
  StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest& request) override {
    return Call<v1::Receipt>(&Endpoint::proof, &v1::ProofService::Stub::GetReceipt, request);
  }
  StatusOr<v1::ConsistencyProof> GetConsistencyProof(const v1::GetConsistencyProofRequest& request) override {
    return Call<v1::ConsistencyProof>(&Endpoint::proof, &v1::ProofService::Stub::GetConsistencyProof, request);
  }

  StatusOr<std::unique_ptr<AppendChannel>> OpenAppendChannel(AppendChannel::OnResult on_result) override {
    const size_t first = current_;
    for (size_t i = 0; i < endpoints_.size(); ++i) {
      const size_t place = (first + i) % endpoints_.size();
      const Endpoint& endpoint = endpoints_[place];
      if (!endpoint.channel->WaitForConnected(std::chrono::system_clock::now() + kConnectDeadline)) continue;
      current_ = place;
      return std::unique_ptr<AppendChannel>(
          std::make_unique<RemoteAppendChannel>(endpoint.channel, std::move(on_result)));
    }
    return absl::UnavailableError(Text(endpoints_[first].address, ": no connection in two seconds"));
  }

  Status Read(const v1::ReadRequest& request, const OnRead& on_read) override {
    ReadProgress progress(request);
    Status last;
    for (size_t failed = 0; failed < endpoints_.size();) {
      const size_t place = current_;
      bool delivered = false;
      last = ReadFrom(endpoints_[place], progress, on_read, delivered);
      if (!Unanswered(last) || !progress.resumable()) return last;
      failed = delivered ? 0 : failed + 1;
      PassOver(place);
      last = Unreachable(endpoints_[place], last);
      if (delivered) std::this_thread::sleep_for(kResumePause);
    }
    return last;
  }

 private:
  // Calls `method` on one endpoint after another until one answers.
  template <typename Reply, typename Stub, typename Request>
  StatusOr<Reply> Call(std::unique_ptr<Stub> Endpoint::*stub,
                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                       const Request& request) {
    Status last;
    for (size_t failed = 0; failed < endpoints_.size(); ++failed) {
      const size_t place = current_;
      const Endpoint& endpoint = endpoints_[place];
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
      Reply reply;
      last = FromGrpcStatus(((*(endpoint.*stub)).*method)(&context, request, &reply));
      if (last.ok()) return reply;
      if (!Unanswered(last)) return last;
      last = Unreachable(endpoint, last);
      PassOver(place);
    }
    return last;
  }

  Status ReadFrom(const Endpoint& endpoint, ReadProgress& progress, const OnRead& on_read, bool& delivered) {
    grpc::ClientContext context;
    const auto reader = endpoint.read->Read(&context, progress.rest());
    v1::ReadResponse item;
    bool stopped = false;
    while (reader->Read(&item)) {
      if (stopped || !progress.Take(item)) continue;
      delivered = true;
      if (on_read(item)) continue;
      stopped = true;
      context.TryCancel();
    }
    const Status ended = FromGrpcStatus(reader->Finish());
    return stopped ? OkStatus() : ended;
  }

  // Later calls start with the endpoint after `place`, unless another thread found that out already.
  void PassOver(size_t place) { current_.compare_exchange_strong(place, (place + 1) % endpoints_.size()); }

  // Outlives the channels; null without TLS.
  const std::shared_ptr<TlsIdentity> tls_;
  std::vector<Endpoint> endpoints_;
  BackgroundPolling polling_;
  // The endpoint that answered last.
  std::atomic<size_t> current_ = 0;
};

}  // namespace

StatusOr<std::unique_ptr<LedgerClient>> ConnectRemote(std::string_view addresses, const TlsFiles& tls) {
  ASSIGN_OR_RETURN(const std::vector<std::string> split, SplitAddresses(addresses));
  const bool has_tls = !tls.certificate.empty();
  if (has_tls == tls.key.empty() || has_tls == tls.ca.empty()) {
    return absl::InvalidArgumentError("TLS certificate, key and CA: all three or none");
  }
  if (!has_tls) {
    return std::unique_ptr<LedgerClient>(
        std::make_unique<RemoteClient>(split, nullptr, grpc::InsecureChannelCredentials()));
  }
  // A file that is found wrong is looked at again before the next connection; until then there is nobody to tell.
  ASSIGN_OR_RETURN(std::shared_ptr<TlsIdentity> identity, TlsIdentity::Load(tls, [](std::string_view) {}));
  ASSIGN_OR_RETURN(const AgentUri self, AgentOfUris(identity->uris()));
  const auto credentials = MakeChannelCredentials(*identity, NodeOf(self.origin));
  return std::unique_ptr<LedgerClient>(std::make_unique<RemoteClient>(split, std::move(identity), credentials));
}

}  // namespace anamnesis
