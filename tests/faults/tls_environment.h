#ifndef ANAMNESIS_TESTS_FAULTS_TLS_ENVIRONMENT_H_
#define ANAMNESIS_TESTS_FAULTS_TLS_ENVIRONMENT_H_

#include <cstdlib>
#include <string>

#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// Who a load program is to the nodes: as the command line has it.
inline TlsFiles TlsFromEnvironment() {
  const auto get = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  return {get("ANAMNESIS_TLS_CERTIFICATE"), get("ANAMNESIS_TLS_KEY"), get("ANAMNESIS_TLS_CA")};
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FAULTS_TLS_ENVIRONMENT_H_
