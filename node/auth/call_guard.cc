#include "node/auth/call_guard.h"

#include <utility>

#include "grpcpp/security/auth_metadata_processor.h"
#include "ledger/tls/grpc_credentials.h"
#include "node/auth/principal.h"

namespace anamnesis {
namespace {

class CallGuard : public grpc::AuthMetadataProcessor {
 public:
  CallGuard(std::string origin, FindCaller find_caller, OnRefused on_refused)
      : origin_(std::move(origin)), find_caller_(std::move(find_caller)), on_refused_(std::move(on_refused)) {}

  // A look at a few rows that are in memory: not worth another thread.
  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* connection, OutputMetadata* /*consumed*/,
                       OutputMetadata* /*response*/) override {
    const auto path = metadata.find(":path");
    const std::string method = path == metadata.end() ? "" : std::string(path->second.data(), path->second.size());
    const Status allowed = Check(*connection, method);
    if (allowed.ok()) return grpc::Status::OK;
    on_refused_(method, allowed);
    return grpc::Status(static_cast<grpc::StatusCode>(allowed.code()), std::string(MessageOf(allowed)));
  }

 private:
  Status Check(const grpc::AuthContext& connection, std::string_view method) const {
    ASSIGN_OR_RETURN(const v1::Agent principal, PrincipalOf(connection, origin_));
    ASSIGN_OR_RETURN(const Caller caller, find_caller_(principal));
    return Authorize(caller, method);
  }

  const std::string origin_;
  const FindCaller find_caller_;
  const OnRefused on_refused_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeGuardedCredentials(const TlsIdentity& identity, std::string origin,
                                                                FindCaller find_caller, OnRefused on_refused) {
  std::shared_ptr<grpc::ServerCredentials> credentials = MakeServerCredentials(identity);
  credentials->SetAuthMetadataProcessor(
      std::make_shared<CallGuard>(std::move(origin), std::move(find_caller), std::move(on_refused)));
  return credentials;
}

}  // namespace anamnesis
