#include "node/app/wiring.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "ledger/engine/copy_in.h"
#include "ledger/engine/ledger.h"
#include "node/app/housekeeping.h"
#include "node/app/log.h"
#include "node/app/node_id.h"
#include "node/cluster/catch_up.h"
#include "node/cluster/cluster_sequencer.h"
#include "node/service/node_server.h"
#include "node/service/unavailable_server.h"

namespace anamnesis {
namespace {

// A reader of `path` sees nothing or the whole line.
Status WritePortFile(const std::string& path, const std::string& address) {
  const std::string unfinished = path + ".new";
  std::ofstream file(unfinished, std::ios::trunc);
  file << address << "\n";
  file.close();
  if (!file.fail() && std::rename(unfinished.c_str(), path.c_str()) == 0) return OkStatus();
  std::remove(unfinished.c_str());
  return absl::UnavailableError(Text("--port-file: ", path, " can't be written"));
}

void Warn(std::string_view line) { LogLine(LogLevel::kWarning, line); }

StatusOr<ClusterOptions> ClusterOptionsOf(const NodeOptions& options) {
  ClusterOptions cluster;
  ASSIGN_OR_RETURN(cluster.node, ReadOrMakeNodeId(options.dir));
  cluster.peer_address = options.cluster.peer_listen;
  cluster.etcd.endpoints = options.cluster.etcd_endpoints;
  cluster.etcd.prefix = options.cluster.etcd_prefix;
  cluster.session_ttl = std::chrono::seconds(options.cluster.session_ttl_seconds);
  cluster.log = Warn;
  cluster.replica.far_behind_revisions = options.cluster.far_behind_revisions;
  cluster.replica.compact_revisions = options.cluster.compact_revisions;
  for (const std::string& voter : options.cluster.founding_voters) {
    const size_t equals = voter.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(Text("--found-with: \"", voter, "\" is not ID=HOST:PORT"));
    }
    cluster.founding_voters.push_back({voter.substr(0, equals), "", voter.substr(equals + 1), ""});
  }
  return cluster;
}

Status Announce(const NodeOptions& options, const std::string& address) {
  if (!options.port_file.empty()) RETURN_IF_ERROR(WritePortFile(options.port_file, address));
  std::cout << "listening on " << address << std::endl;
  Warn(Text("NO TLS and NO AUTHENTICATION of callers: for demonstration on one machine; serving ", options.dir, " on ",
            address));
  return OkStatus();
}

constexpr char kCopying[] = "this node copies the ledger from another; ask another node, or retry later";

// How long a node waits before it tries again to copy its ledger, or to take part.
constexpr auto kRetryAfter = std::chrono::seconds(1);

// A ledger that is served. Taken down from the last to the first.
struct Parts {
  ~Parts() {
    housekeeping.reset();
    if (server != nullptr) server->Stop();
    if (ledger != nullptr) ledger->StopAppends();
  }
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<NodeServer> server;
  std::unique_ptr<Housekeeping> housekeeping;
};

}  // namespace

class Node::Supervisor {
 public:
  explicit Supervisor(const NodeOptions& options) : options_(options) {}
  ~Supervisor();

  Status Start();

 private:
  // What the parts ask for, from their threads.
  void WantCatchUp(Revision at_least);
  void WantEnd(const std::string& why);

  Status Serve();
  // Answers every call with `why` from now on.
  Status ServeNothing(const std::string& why);
  Status AnnounceOnce(int port);
  void Run();
  void CatchUpAndServe(Revision at_least);
  // False when the node is to stop.
  bool Sleep();

  NodeOptions options_;
  // Of a cluster's node.
  std::optional<ClusterOptions> cluster_;
  std::unique_ptr<CatchUp> catch_up_;
  bool announced_ = false;
  // Used by Start, then by thread_.
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<UnavailableServer> unavailable_;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::optional<Revision> catch_up_from_;
  std::optional<std::string> end_;
  std::thread thread_;
};

// --- Serving ---

Status Node::Supervisor::AnnounceOnce(int port) {
  const std::string address = Text(options_.listen.substr(0, options_.listen.rfind(':')), ":", port);
  // Callers keep the address that they were told.
  options_.listen = address;
  if (std::exchange(announced_, true)) return OkStatus();
  return Announce(options_, address);
}

Status Node::Supervisor::Serve() {
  auto parts = std::make_unique<Parts>();
  LedgerOptions ledger_options;
  ledger_options.log = Warn;
  if (cluster_.has_value()) {
    ledger_options.make_sequencer = [cluster = *cluster_](const std::string& origin, Staging& staging) mutable {
      cluster.origin = origin;
      return MakeClusterSequencer(cluster, staging);
    };
  }
  ASSIGN_OR_RETURN(parts->ledger, Ledger::Open(options_.dir, ledger_options));
  unavailable_.reset();
  NodeServerOptions server_options;
  server_options.address = options_.listen;
  server_options.log = Warn;
  ASSIGN_OR_RETURN(parts->server, NodeServer::Start(*parts->ledger, server_options));
  RETURN_IF_ERROR(AnnounceOnce(parts->server->port()));
  parts->housekeeping = std::make_unique<Housekeeping>(*parts->ledger, *parts->server);
  parts_ = std::move(parts);
  return OkStatus();
}

Status Node::Supervisor::ServeNothing(const std::string& why) {
  parts_.reset();
  unavailable_.reset();
  ASSIGN_OR_RETURN(unavailable_, UnavailableServer::Start(options_.listen, why));
  return AnnounceOnce(unavailable_->port());
}

// --- Beginning and end ---

Status Node::Supervisor::Start() {
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  if (options_.cluster.etcd_endpoints.empty()) return Serve();
  if (!options_.cluster.join.empty()) RETURN_IF_ERROR(JoinLedger(options_.dir, options_.cluster.join));
  ASSIGN_OR_RETURN(cluster_, ClusterOptionsOf(options_));
  cluster_->catch_up = [this](Revision at_least) { WantCatchUp(at_least); };
  cluster_->outvoted = [this](const std::string& why) { WantEnd(why); };
  catch_up_ = std::make_unique<CatchUp>(*cluster_, options_.dir);
  ASSIGN_OR_RETURN(const bool copying, CopyIsUnfinished(options_.dir));
  if (copying) {
    RETURN_IF_ERROR(ServeNothing(kCopying));
    catch_up_from_ = Revision(0);
  } else {
    RETURN_IF_ERROR(Serve());
  }
  thread_ = std::thread([this] { Run(); });
  return OkStatus();
}

Node::Supervisor::~Supervisor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (catch_up_ != nullptr) catch_up_->Stop();
  if (thread_.joinable()) thread_.join();
}

void Node::Supervisor::WantCatchUp(Revision at_least) {
  {
    const std::lock_guard lock(mutex_);
    catch_up_from_ = at_least;
  }
  wake_.notify_all();
}

void Node::Supervisor::WantEnd(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    end_ = why;
  }
  wake_.notify_all();
}

// --- Catching up ---

bool Node::Supervisor::Sleep() {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, kRetryAfter, [this] { return stopping_; });
}

void Node::Supervisor::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || catch_up_from_.has_value() || end_.has_value(); });
    if (stopping_) return;
    const std::optional<std::string> end = std::exchange(end_, std::nullopt);
    const Revision at_least = std::exchange(catch_up_from_, std::nullopt).value_or(Revision(0));
    lock.unlock();
    if (end.has_value()) {
      LogLine(LogLevel::kError, *end);
      while (!ServeNothing(*end).ok() && Sleep()) {
      }
    } else {
      CatchUpAndServe(at_least);
    }
    lock.lock();
  }
}

void Node::Supervisor::CatchUpAndServe(Revision at_least) {
  Status done = ServeNothing(kCopying);
  bool copied = false;
  do {
    if (done.ok() && !copied) {
      done = catch_up_->Run(at_least);
      copied = done.ok();
      if (copied) LogLine(LogLevel::kInfo, "the ledger is copied; this node takes part again");
    }
    if (copied) done = Serve();
    if (done.ok() && parts_ != nullptr) return;
    if (!absl::IsCancelled(done)) LogLine(LogLevel::kError, Text("not serving: ", done.ToString()));
    // Whatever failed, callers are told, and it is tried again.
    if (unavailable_ == nullptr) (void)ServeNothing(kCopying);
    done = OkStatus();
  } while (Sleep());
}

Node::Node(std::unique_ptr<Supervisor> supervisor) : supervisor_(std::move(supervisor)) {}
Node::~Node() = default;

StatusOr<std::unique_ptr<Node>> Node::Start(const NodeOptions& options) {
  auto supervisor = std::make_unique<Supervisor>(options);
  RETURN_IF_ERROR(supervisor->Start());
  return std::unique_ptr<Node>(new Node(std::move(supervisor)));
}

}  // namespace anamnesis
