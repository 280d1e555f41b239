#include "ledger/tls/grpc_credentials.h"

#include <utility>

#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "ledger/base/check.h"
#include "ledger/tls/agent_uri.h"

namespace anamnesis {
namespace {

namespace tls = grpc::experimental;

// gRPC's own check of the host's name, and then ours.
class ServerVerifier : public tls::ExternalCertificateVerifier {
 public:
  explicit ServerVerifier(ServerCheck check) : check_(std::move(check)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)> /*callback*/,
              grpc::Status* outcome) override {
    // Answers at once: it only compares.
    CHECK(host_name_.Verify(request, nullptr, outcome));
    if (!outcome->ok()) return true;
    std::vector<std::string> uris;
    for (const grpc::string_ref& uri : request->uri_names()) uris.emplace_back(uri.data(), uri.size());
    const Status status = check_(uris);
    if (!status.ok()) *outcome = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(MessageOf(status)));
    return true;
  }

  void Cancel(tls::TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  const ServerCheck check_;
  tls::HostNameCertificateVerifier host_name_;
};

void Watch(const TlsIdentity& identity, tls::TlsCredentialsOptions& options) {
  if (identity.has_ca()) options.watch_root_certs();
  if (identity.has_certificate()) options.watch_identity_key_cert_pairs();
}

}  // namespace

ServerCheck AnyServer() {
  return [](const std::vector<std::string>&) { return OkStatus(); };
}

ServerCheck NodeOf(std::string origin, std::string id) {
  return [origin = std::move(origin), id = std::move(id)](const std::vector<std::string>& uris) {
    ASSIGN_OR_RETURN(const AgentUri name, AgentOfUris(uris));
    const bool node = name.origin == origin && name.agent.kind() == kNodeKind;
    if (node && (id.empty() || name.agent.id() == id)) return OkStatus();
    return absl::UnauthenticatedError(
        Text("the server is ", uris.front(), ", not ", id.empty() ? "a node" : Text("the node ", id), " of ", origin));
  };
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const TlsIdentity& identity, ServerCheck check) {
  tls::TlsChannelCredentialsOptions options;
  if (identity.provider() != nullptr) options.set_certificate_provider(identity.provider());
  Watch(identity, options);
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<ServerVerifier>(std::move(check)));
  return tls::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsIdentity& identity) {
  CHECK(identity.has_certificate() && identity.has_ca());
  tls::TlsServerCredentialsOptions options(identity.provider());
  Watch(identity, options);
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

}  // namespace anamnesis
