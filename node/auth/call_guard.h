#ifndef ANAMNESIS_NODE_AUTH_CALL_GUARD_H_
#define ANAMNESIS_NODE_AUTH_CALL_GUARD_H_

// Stands before every call of a server, of whatever service: gRPC asks it before it looks for the method, so a service
// can't forget to.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "grpcpp/security/server_credentials.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"
#include "node/auth/authorizer.h"

namespace anamnesis {

// What is known of an agent, looked up for each call. Called from gRPC's threads; must not wait for another call.
using FindCaller = std::function<StatusOr<Caller>(const v1::Agent& agent)>;
// Gets each refusal; called from gRPC's threads.
using OnRefused = std::function<void(std::string_view method, const Status& why)>;

// TLS with a certificate from every client, of which only those calls go on that Authorize lets pass for the caller
// that the certificate names in the ledger `origin`. REQUIRES: `identity` has a certificate and a CA.
std::shared_ptr<grpc::ServerCredentials> MakeGuardedCredentials(const TlsIdentity& identity, std::string origin,
                                                                FindCaller find_caller, OnRefused on_refused);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_AUTH_CALL_GUARD_H_
