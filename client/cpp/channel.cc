#include "client/cpp/channel.h"

#include <cstdlib>

#include "ledger/tls/agent_uri.h"
#include "ledger/tls/grpc_credentials.h"

namespace anamnesis {
namespace {

constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;

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
      Text("ledger address \"", address, "\": expected HOST:PORT, for example 127.0.0.1:7420; a directory: file:DIR"));
}

}  // namespace

StatusOr<ClientIdentity> LoadIdentity(const TlsFiles& tls) {
  const bool has_tls = !tls.certificate.empty();
  if (has_tls == tls.key.empty() || has_tls == tls.ca.empty()) {
    return absl::InvalidArgumentError("TLS certificate, key and CA: all three or none");
  }
  const auto polling = std::make_shared<BackgroundPolling>();
  if (!has_tls) return ClientIdentity{nullptr, grpc::InsecureChannelCredentials(), polling};
  // A file that is found wrong is looked at again before the next connection; until then there is nobody to tell.
  ASSIGN_OR_RETURN(std::shared_ptr<TlsIdentity> identity, TlsIdentity::Load(tls, [](std::string_view) {}));
  ASSIGN_OR_RETURN(const AgentUri self, AgentOfUris(identity->uris()));
  std::shared_ptr<grpc::ChannelCredentials> credentials = MakeChannelCredentials(*identity, NodeOf(self.origin));
  return ClientIdentity{std::move(identity), std::move(credentials), polling};
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const ClientIdentity& identity,
                                           int message_bytes_max) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(message_bytes_max);
  arguments.SetMaxSendMessageSize(message_bytes_max);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // How long one attempt to connect may take, and how soon the next one may follow.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(kConnectDeadline.count()));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // A node is named by its own address; a web proxy from the environment has no part in this.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(Text("dns:///", address), identity.credentials, arguments);
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

}  // namespace anamnesis
