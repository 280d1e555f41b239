#ifndef ANAMNESIS_CLIENT_CPP_CHANNEL_H_
#define ANAMNESIS_CLIENT_CPP_CHANNEL_H_

// Connections to the nodes of a ledger.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "ledger/base/status.h"

namespace anamnesis {

// How long one attempt to connect may take.
inline constexpr std::chrono::milliseconds kConnectDeadline(2000);

// HOST:PORT[,HOST:PORT...], each "[::1]:7420" for IPv6. INVALID_ARGUMENT naming the one that is not.
StatusOr<std::vector<std::string>> SplitAddresses(std::string_view addresses);

// Connects when it is first used.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_CHANNEL_H_
