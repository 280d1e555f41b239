#ifndef ANAMNESIS_NODE_AUTH_PRINCIPAL_H_
#define ANAMNESIS_NODE_AUTH_PRINCIPAL_H_

// Who is at the other end of a connection, by the certificate that the handshake proved. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "grpcpp/security/auth_context.h"
#include "ledger/base/status.h"

namespace anamnesis {

// The agent of the ledger `origin` that a certificate with these URIs names. UNAUTHENTICATED, saying what is wrong with
// them, unless there is exactly one, it has the form of ledger/tls/agent_uri.h, and its origin is this one.
StatusOr<v1::Agent> PrincipalOfUris(const std::vector<std::string>& uris, std::string_view origin);

// The same of a call's connection; UNAUTHENTICATED too when that showed no certificate.
StatusOr<v1::Agent> PrincipalOf(const grpc::AuthContext& connection, std::string_view origin);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_AUTH_PRINCIPAL_H_
