#include "node/service/unavailable_server.h"

#include <chrono>
#include <utility>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "anamnesis/v1/object.grpc.pb.h"
#include "anamnesis/v1/question.grpc.pb.h"
#include "anamnesis/v1/receipt.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "ledger/tls/grpc_credentials.h"
#include "node/service/refused_calls.h"

namespace anamnesis {
namespace {

class GrpcUnavailableServer : public UnavailableServer {
 public:
  GrpcUnavailableServer(std::shared_ptr<TlsIdentity> tls, const std::string& why) : tls_(std::move(tls)), calls_(why) {}
  ~GrpcUnavailableServer() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  Status Listen(const std::string& address) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(
        address, tls_ == nullptr ? grpc::InsecureServerCredentials() : MakeServerCredentials(*tls_), &port_);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterCallbackGenericService(&calls_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) return absl::UnavailableError(Text("cannot listen on ", address));
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    if (health == nullptr) return OkStatus();
    for (const char* name : {v1::AppendService::service_full_name(), v1::ReadService::service_full_name(),
                             v1::QueryService::service_full_name(), v1::QuestionService::service_full_name(),
                             v1::ProofService::service_full_name(), v1::ReceiptService::service_full_name(),
                             v1::ObjectService::service_full_name()}) {
      health->SetServingStatus(name, false);
    }
    health->SetServingStatus(false);
    return OkStatus();
  }

  void Say(std::string why) override { calls_.Say(std::move(why)); }
  int port() const override { return port_; }

 private:
  const std::shared_ptr<TlsIdentity> tls_;
  RefusedCalls calls_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

StatusOr<std::unique_ptr<UnavailableServer>> UnavailableServer::Start(const std::string& address,
                                                                      std::shared_ptr<TlsIdentity> tls,
                                                                      const std::string& why) {
  auto server = std::make_unique<GrpcUnavailableServer>(std::move(tls), why);
  RETURN_IF_ERROR(server->Listen(address));
  return std::unique_ptr<UnavailableServer>(std::move(server));
}

}  // namespace anamnesis
