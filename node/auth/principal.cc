#include "node/auth/principal.h"

#include "grpc/grpc_security_constants.h"
#include "ledger/tls/agent_uri.h"

namespace anamnesis {

StatusOr<v1::Agent> PrincipalOfUris(const std::vector<std::string>& uris, std::string_view origin) {
  ASSIGN_OR_RETURN(AgentUri name, AgentOfUris(uris));
  if (name.origin == origin) return std::move(name.agent);
  return absl::UnauthenticatedError(
      Text("the certificate is for the ledger ", name.origin, "; this is a node of ", origin));
}

StatusOr<v1::Agent> PrincipalOf(const grpc::AuthContext& connection, std::string_view origin) {
  if (!connection.IsPeerAuthenticated()) return absl::UnauthenticatedError("the connection showed no certificate");
  std::vector<std::string> uris;
  for (const grpc::string_ref& uri : connection.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
    uris.emplace_back(uri.data(), uri.size());
  }
  return PrincipalOfUris(uris, origin);
}

}  // namespace anamnesis
