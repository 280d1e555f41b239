// A node without a ledger, for the bench: takes the runs that `anamnesis bench append` sends, as bytes that it does not
// look into, has them stored by a majority and ordered by the node's own replication, writes them down and answers. No
// seal is checked, no tree grows, nothing is folded: what is left is the price of moving, keeping and ordering bytes.
// Takes anamnesisd's options for a node of a cluster with TLS; its directory is new.

#include <condition_variable>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/limits.h"
#include "ledger/engine/staging.h"
#include "ledger/store/store.h"
#include "ledger/tls/agent_uri.h"
#include "ledger/tls/grpc_credentials.h"
#include "ledger/tls/tls_identity.h"
#include "node/app/cluster_wiring.h"
#include "node/app/options.h"
#include "node/app/signals.h"
#include "node/cluster/cluster_sequencer.h"
#include "tests/bench/raw_appender.h"

namespace anamnesis {
namespace {

void Log(std::string_view line) { std::cerr << line << std::endl; }

using AppendCalls = grpc::ServerReaderWriter<v1::AppendStreamResponse, v1::AppendStreamRequest>;

// The verdicts of one stream, which come in the order of its runs, sent as many at a time as there are.
class Verdicts {
 public:
  explicit Verdicts(AppendCalls& stream) : stream_(stream), thread_([this] { Send(); }) {}
  // Waits for all that were begun.
  ~Verdicts() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return under_way_ == 0; });
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void Begin() {
    const std::lock_guard lock(mutex_);
    ++under_way_;
  }
  void Answer(uint64_t sequence, uint64_t events, const StatusOr<uint64_t>& first) {
    const std::lock_guard lock(mutex_);
    v1::AppendVerdict& verdict = *ready_.add_verdicts();
    verdict.set_sequence(sequence);
    if (!first.ok()) {
      verdict.mutable_result()->mutable_refused()->set_code(static_cast<int>(first.status().code()));
      verdict.mutable_result()->mutable_refused()->set_message(std::string(MessageOf(first.status())));
    }
    for (uint64_t i = 0; first.ok() && i < events; ++i) {
      verdict.mutable_result()->add_indexes(*first + i);
      verdict.mutable_result()->add_recorded_us(0);
    }
    --under_way_;
    changed_.notify_all();
  }

 private:
  void Send() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ended_ || ready_.verdicts_size() > 0; });
      if (ready_.verdicts_size() == 0) return;
      const v1::AppendStreamResponse response = std::exchange(ready_, {});
      lock.unlock();
      stream_.Write(response);
      lock.lock();
    }
  }

  AppendCalls& stream_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  v1::AppendStreamResponse ready_;
  uint64_t under_way_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

class RawAppends : public v1::AppendService::Service {
 public:
  explicit RawAppends(RawAppender& appender) : appender_(appender) {}

  grpc::Status AppendStream(grpc::ServerContext*, AppendCalls* stream) override {
    Verdicts verdicts(*stream);
    v1::AppendStreamRequest request;
    while (stream->Read(&request)) {
      for (const v1::AppendSubmission& submission : request.submissions()) {
        const auto events = static_cast<uint64_t>(submission.run().headers_size());
        verdicts.Begin();
        appender_.Append({submission.run().SerializeAsString(), events,
                          [&verdicts, sequence = submission.sequence(), events](const StatusOr<uint64_t>& first) {
                            verdicts.Answer(sequence, events, first);
                          }});
      }
    }
    return grpc::Status::OK;
  }

 private:
  RawAppender& appender_;
};

// What a client asks before it appends.
class RawReads : public v1::ReadService::Service {
 public:
  RawReads(const RawAppender& appender, std::string origin) : appender_(appender), origin_(std::move(origin)) {}

  grpc::Status GetCredential(grpc::ServerContext*, const v1::GetCredentialRequest* request,
                             v1::Credential* credential) override {
    credential->set_public_key(request->public_key());
    credential->mutable_holder()->set_kind("person");
    credential->mutable_holder()->set_id("anybody");
    credential->set_tree_size(appender_.size());
    return grpc::Status::OK;
  }
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::LedgerStatus* status) override {
    status->set_origin(origin_);
    status->set_tree_size(appender_.size());
    return grpc::Status::OK;
  }

 private:
  const RawAppender& appender_;
  const std::string origin_;
};

Status Serve(const NodeOptions& options) {
  ASSIGN_OR_RETURN(const auto tls, TlsIdentity::Load(options.tls, Log));
  ASSIGN_OR_RETURN(const auto etcd_tls, TlsIdentity::Load(options.cluster.etcd_tls, Log));
  ASSIGN_OR_RETURN(ClusterOptions cluster, ClusterOptionsOf(options));
  ASSIGN_OR_RETURN(const AgentUri name, AgentOfUris(tls->uris()));
  cluster.origin = name.origin;
  cluster.tls = tls;
  cluster.etcd.tls = etcd_tls;
  StoreOptions store_options;
  store_options.create_if_missing = true;
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenRocksStore(Text(options.dir, "/db"), store_options));
  Staging staging(*store);
  ASSIGN_OR_RETURN(std::unique_ptr<Sequencer> sequencer, MakeClusterSequencer(cluster, staging));
  RawAppender appender(*store, std::move(sequencer), Log);
  RETURN_IF_ERROR(appender.Start());
  RawAppends appends(appender);
  RawReads reads(appender, name.origin);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, MakeServerCredentials(*tls));
  builder.SetMaxReceiveMessageSize(static_cast<int>(2 * limits::kRequestBytesMax));
  builder.RegisterService(&appends);
  builder.RegisterService(&reads);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError(Text("cannot listen on ", options.listen));
  std::ofstream(options.port_file) << options.listen << std::endl;
  WaitForStopSignal();
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  appender.Stop();
  return OkStatus();
}

}  // namespace
}  // namespace anamnesis

int main(int argc, char** argv) {
  int exit_status = anamnesis::kExitOk;
  const auto options = anamnesis::ParseOptions(argc, argv, exit_status);
  if (!options.has_value()) return exit_status;
  anamnesis::HoldBackStopSignals();
  const anamnesis::Status served = anamnesis::Serve(*options);
  if (served.ok()) return anamnesis::kExitOk;
  anamnesis::Log(served.ToString());
  return anamnesis::kExitUnavailable;
}
