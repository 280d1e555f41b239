#include "node/service/node_server.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "ledger/base/limits.h"
#include "node/auth/call_guard.h"
#include "node/service/append_service.h"
#include "node/service/backup_service.h"
#include "node/service/cluster_service.h"
#include "node/service/context.h"
#include "node/service/object_service.h"
#include "node/service/proof_service.h"
#include "node/service/query_service.h"
#include "node/service/question_service.h"
#include "node/service/read_service.h"
#include "node/service/receipt_service.h"
#include "node/service/recovery_service.h"
#include "node/service/refused_calls.h"
#include "node/service/scrub_service.h"
#include "node/service/witness_service.h"

namespace anamnesis {
namespace {

// A request a little over the limit gets the API's own answer; gRPC turns away what is far over.
constexpr int kReceiveBytesMax = static_cast<int>(limits::kRequestBytesMax) + (4 << 20);
// The reports of all nodes, which grow with the sessions that there have ever been.
constexpr int kReceiveRecoveryBytesMax = 256 << 20;
constexpr size_t kMemoryBytesMax = 512u << 20;
constexpr size_t kWaitingRequestsMax = 1024;
constexpr int kStreamsPerConnectionMax = 1000;
constexpr int kClientPingIntervalMsMin = 10'000;
constexpr int kConnectionAgeMsMax = 600'000;
// Calls with runs wait for what StopAppends waits for: the order, and then the sequencer's last calls to etcd.
constexpr auto kStopDeadline = std::chrono::microseconds(limits::kStopWaitUs) + std::chrono::seconds(10);
constexpr std::chrono::milliseconds kGoAwayLead(100);

class GrpcNodeServer : public NodeServer {
 public:
  GrpcNodeServer(Ledger& ledger, const NodeServerOptions& options)
      : ledger_(ledger),
        tls_(options.tls),
        publisher_(options.publisher),
        scrubber_(options.scrubber),
        failures_(options.log),
        access_(ledger, options.tls != nullptr, options.is_member),
        workers_(options.workers, kWaitingRequestsMax),
        context_{ledger, workers_, failures_, access_},
        append_(context_),
        read_(context_),
        query_(context_),
        question_(context_),
        proof_(context_),
        backup_(context_, options.backups),
        receipt_(context_) {
    if (options.objects != nullptr) object_.emplace(context_, *options.objects);
    if (publisher_ != nullptr) witness_.emplace(*publisher_, context_);
    if (scrubber_ != nullptr) scrub_.emplace(*scrubber_);
    if (options.cluster != nullptr) cluster_.emplace(*options.cluster, context_);
    if (options.recovery != nullptr) recovery_.emplace(*options.recovery, context_);
  }
  ~GrpcNodeServer() override {
    Stop();
    // A piece of work may still be one that the ledger's growth left for read_.
    workers_.Stop();
    if (object_.has_value()) object_->StopWorkers();
    backup_.StopWorkers();
  }

  Status Listen(const std::string& address) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, Credentials(), &port_);
    // A client that connects anew shows the certificate that it has then.
    if (tls_ != nullptr) builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMsMax);
    // Two nodes on one port would each get some of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientPingIntervalMsMin);
    builder.SetMaxReceiveMessageSize(recovery_.has_value() ? kReceiveRecoveryBytesMax : kReceiveBytesMax);
    builder.SetResourceQuota(grpc::ResourceQuota("node").Resize(kMemoryBytesMax));
    RegisterServices(builder);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) return absl::UnavailableError(Text("cannot listen on ", address));
    if (grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService(); health != nullptr) {
      const bool serves = !recovery_.has_value();
      for (const char* name : {v1::ReadService::service_full_name(), v1::QueryService::service_full_name(),
                               v1::QuestionService::service_full_name(), v1::ProofService::service_full_name(),
                               v1::ReceiptService::service_full_name(), v1::BackupService::service_full_name()}) {
        health->SetServingStatus(name, serves);
      }
      if (object_.has_value()) health->SetServingStatus(v1::ObjectService::service_full_name(), serves);
    }
    UpdateHealth();
    return OkStatus();
  }

  int port() const override { return port_; }

  void EndRefusedStreams() override {
    append_.DrainRefused();
    read_.DrainRefused();
    if (object_.has_value()) object_->DrainRefused();
  }

  void UpdateHealth() override {
    const bool appends = ledger_.GetStatus().refusing_appends().empty();
    const bool witness = publisher_ != nullptr && publisher_->Alarm().empty();
    const bool disk = scrubber_ != nullptr && scrubber_->Alarm().empty();
    const std::lock_guard lock(mutex_);
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    if (stopped_ || health == nullptr) return;
    // gRPC tells every watcher whatever is set, changed or not.
    if (std::exchange(healthy_appends_, appends) != appends) {
      health->SetServingStatus(v1::AppendService::service_full_name(), appends);
    }
    if (publisher_ != nullptr && std::exchange(healthy_witness_, witness) != witness) {
      health->SetServingStatus(v1::WitnessService::service_full_name(), witness);
    }
    if (scrubber_ != nullptr && std::exchange(healthy_disk_, disk) != disk) {
      health->SetServingStatus(v1::ScrubService::service_full_name(), disk);
    }
  }

  void Stop() override {
    const std::lock_guard lock(mutex_);
    if (server_ == nullptr || std::exchange(stopped_, true)) return;
    if (server_->GetHealthCheckService() != nullptr) server_->GetHealthCheckService()->Shutdown();
    // Clients first hear that this connection takes no more calls, and then that their streams end: one that opens its
    // stream again at once must not do so here, where a call that meets the shutdown can stay without an answer.
    std::thread shutdown([this] { server_->Shutdown(std::chrono::system_clock::now() + kStopDeadline); });
    std::this_thread::sleep_for(kGoAwayLead);
    append_.Drain();
    read_.Drain();
    if (object_.has_value()) object_->Drain();
    backup_.Drain();
    ledger_.EndWaiting();
    if (publisher_ != nullptr) publisher_->EndWaiting();
    // Calls with runs end with the runs' verdicts, and those of a batch that can't be ordered come from this only.
    ledger_.StopAppends();
    // Returns when every call has ended, so nothing refers to the services any more.
    shutdown.join();
  }

 private:
  void RegisterServices(grpc::ServerBuilder& builder) {
    if (recovery_.has_value()) {
      builder.RegisterService(&*recovery_);
      builder.RegisterCallbackGenericService(&fenced_);
      return;
    }
    builder.RegisterService(&append_);
    builder.RegisterService(&read_);
    builder.RegisterService(&query_);
    builder.RegisterService(&question_);
    builder.RegisterService(&proof_);
    builder.RegisterService(&backup_);
    builder.RegisterService(&receipt_);
    if (object_.has_value()) builder.RegisterService(&*object_);
    if (witness_.has_value()) builder.RegisterService(&*witness_);
    if (scrub_.has_value()) builder.RegisterService(&*scrub_);
    if (cluster_.has_value()) builder.RegisterService(&*cluster_);
  }

  std::shared_ptr<grpc::ServerCredentials> Credentials() {
    if (tls_ == nullptr) return grpc::InsecureServerCredentials();
    return MakeGuardedCredentials(
        *tls_, access_.origin(), [this](const v1::Agent& agent) { return access_.Find(agent); },
        [this](std::string_view method, const Status& why) { failures_.Note(method, why); });
  }

  Ledger& ledger_;
  const std::shared_ptr<TlsIdentity> tls_;
  Publisher* const publisher_;
  Scrubber* const scrubber_;
  Failures failures_;
  int port_ = 0;
  std::mutex mutex_;
  // Guarded by mutex_.
  bool stopped_ = false;
  // What health says of appends; nullopt before it says anything.
  std::optional<bool> healthy_appends_;
  std::optional<bool> healthy_witness_;
  std::optional<bool> healthy_disk_;
  const Access access_;
  WorkerPool workers_;
  const ServiceContext context_;
  AppendService append_;
  ReadService read_;
  QueryService query_;
  QuestionService question_;
  ProofService proof_;
  BackupService backup_;
  ReceiptService receipt_;
  std::optional<ObjectService> object_;
  std::optional<WitnessService> witness_;
  std::optional<ScrubService> scrub_;
  std::optional<ClusterService> cluster_;
  std::optional<RecoveryService> recovery_;
  // Everything else that a fenced node is asked.
  RefusedCalls fenced_{"this node is fenced and serves nothing but its recovery; ask another"};
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

StatusOr<std::unique_ptr<NodeServer>> NodeServer::Start(Ledger& ledger, const NodeServerOptions& options) {
  auto server = std::make_unique<GrpcNodeServer>(ledger, options);
  RETURN_IF_ERROR(server->Listen(options.address));
  return std::unique_ptr<NodeServer>(std::move(server));
}

}  // namespace anamnesis
