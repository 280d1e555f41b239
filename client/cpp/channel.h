#ifndef ANAMNESIS_CLIENT_CPP_CHANNEL_H_
#define ANAMNESIS_CLIENT_CPP_CHANNEL_H_

// Connections to the nodes of a ledger.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/background_polling.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/limits.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// How long one attempt to connect may take.
inline constexpr std::chrono::milliseconds kConnectDeadline(2000);

// HOST:PORT[,HOST:PORT...], each "[::1]:7420" for IPv6. INVALID_ARGUMENT naming the one that is not.
StatusOr<std::vector<std::string>> SplitAddresses(std::string_view addresses);

// Who we are to the nodes. Lives as long as the channels that are made with it.
struct ClientIdentity {
  // Null without TLS.
  std::shared_ptr<TlsIdentity> tls;
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  std::shared_ptr<BackgroundPolling> polling;
};

// From the files of a certificate that names an agent of the ledger, its key, and the CAs of the nodes: all three, or
// none for connections without TLS. Only nodes of that agent's ledger are taken for its nodes. INVALID_ARGUMENT: some
// are missing, or as TlsIdentity::Load fails.
StatusOr<ClientIdentity> LoadIdentity(const TlsFiles& tls);

// What a message to or from a node is at most, but for those of a recovery.
inline constexpr int kNodeMessageBytesMax = static_cast<int>(limits::kRequestBytesMax) + (1 << 20);

// Connects when it is first used.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const ClientIdentity& identity,
                                           int message_bytes_max = kNodeMessageBytesMax);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_CHANNEL_H_
