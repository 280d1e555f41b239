#ifndef ANAMNESIS_LEDGER_TLS_GRPC_CREDENTIALS_H_
#define ANAMNESIS_LEDGER_TLS_GRPC_CREDENTIALS_H_

// gRPC's credentials from a TlsIdentity. The identity must outlive every channel and server made with them.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// Whether a server whose certificate has these URIs is one that we want to talk to, asked once its certificate was
// found to be signed by a CA we trust and to name the host we asked for. Called from gRPC's threads.
using ServerCheck = std::function<Status(const std::vector<std::string>& uris)>;

// A server that any CA we trust vouches for.
ServerCheck AnyServer();
// A node of the ledger `origin`; with `id`, that node.
ServerCheck NodeOf(std::string origin, std::string id = "");

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const TlsIdentity& identity, ServerCheck check);

// Every client must have a certificate that a CA we trust has signed. REQUIRES: the identity has a certificate and a
// CA.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsIdentity& identity);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_TLS_GRPC_CREDENTIALS_H_
