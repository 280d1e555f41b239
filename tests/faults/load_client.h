#ifndef ANAMNESIS_TESTS_FAULTS_LOAD_CLIENT_H_
#define ANAMNESIS_TESTS_FAULTS_LOAD_CLIENT_H_

// What the load programs of the fault tests share as clients.

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "client/cpp/remote_client.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// As the command line has it.
inline TlsFiles TlsFromEnvironment() {
  const auto get = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  return {get("ANAMNESIS_TLS_CERTIFICATE"), get("ANAMNESIS_TLS_KEY"), get("ANAMNESIS_TLS_CA")};
}

inline StatusOr<std::unique_ptr<LedgerClient>> ConnectAsEnvironmentSays(std::string_view addresses,
                                                                        RemoteClientOptions options = {}) {
  options.tls = TlsFromEnvironment();
  return ConnectRemote(addresses, std::move(options));
}

// Sending the same bytes again is right.
inline bool IsTemporary(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsUnknown(status);
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FAULTS_LOAD_CLIENT_H_
