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
#include "ledger/engine/layout.h"
#include "ledger/engine/ledger.h"
#include "ledger/engine/scrubber.h"
#include "ledger/objects/object_store.h"
#include "ledger/tls/grpc_credentials.h"
#include "node/app/checkpoint_wiring.h"
#include "node/app/cluster_wiring.h"
#include "node/app/fence.h"
#include "node/app/housekeeping.h"
#include "node/app/log.h"
#include "node/app/member_ids.h"
#include "node/cluster/catch_up.h"
#include "node/cluster/catch_up_source.h"
#include "node/cluster/cluster_sequencer.h"
#include "node/cluster/recovery_sequencer.h"
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
  return absl::UnavailableError(Text("port file ", path, " can't be written"));
}

void Warn(std::string_view line) { LogLine(LogLevel::kWarning, line); }

StatusOr<std::shared_ptr<TlsIdentity>> LoadTls(const TlsFiles& files) {
  const bool wanted = !files.certificate.empty() || !files.ca.empty();
  return wanted ? TlsIdentity::Load(files, Warn) : StatusOr<std::shared_ptr<TlsIdentity>>(nullptr);
}

// Peers and clients refuse whoever can't show that it is a node of their ledger, so it is better to say it here.
Status CheckNamesNode(const TlsIdentity* tls, const std::string& origin) {
  if (tls == nullptr) return OkStatus();
  const Status names = NodeOf(origin)(tls->uris());
  if (names.ok()) return names;
  return absl::FailedPreconditionError(
      Text("--tls-certificate: must name a node with spiffe://", origin, "/node/ID: ", MessageOf(names)));
}

Status Announce(const NodeOptions& options, const TlsIdentity* tls, const std::string& address) {
  if (!options.port_file.empty()) RETURN_IF_ERROR(WritePortFile(options.port_file, address));
  std::cout << "listening on " << address << std::endl;
  if (tls != nullptr) {
    LogLine(LogLevel::kInfo, Text("serving ", options.dir, " on ", address, " over TLS as ", tls->uris().front()));
    return OkStatus();
  }
  Warn(Text("NO TLS and NO AUTHENTICATION of callers: for demonstration on one machine; serving ", options.dir, " on ",
            address));
  return OkStatus();
}

constexpr char kCopying[] = "this node copies the ledger from another; ask another node, or retry later";
constexpr char kOpening[] = "this node opens its ledger again; retry";

// How long a node waits before it tries again to copy its ledger, or to take part.
constexpr auto kRetryAfter = std::chrono::seconds(1);

// A ledger that is served. Taken down from the last to the first.
struct Parts {
  ~Parts() {
    housekeeping.reset();
    if (checkpoints != nullptr) checkpoints->web.reset();
    if (server != nullptr) server->Stop();
    server.reset();
    scrubber.reset();
    if (ledger != nullptr) ledger->StopAppends();
  }
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<CheckpointParts> checkpoints;
  // Null when nothing is scrubbed.
  std::unique_ptr<Scrubber> scrubber;
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
  // What the parts ask for, from their threads: a later one takes the place of one that was not looked at yet, but none
  // that of an end.
  struct Wish {
    // The ledger is copied up to here before it is opened again.
    std::optional<Revision> catch_up;
    // Nothing is served any more, and why.
    std::optional<std::string> end;
  };
  void Want(Wish wish);

  Status StartCluster();
  std::function<StatusOr<std::unique_ptr<Sequencer>>(const std::string&, Staging&)> SequencerMaker();
  std::unique_ptr<Scrubber> StartScrubber(Ledger& ledger);
  Status Serve();
  // Answers every call with `why` from now on.
  Status ServeNothing(const std::string& why);
  Status AnnounceOnce(int port);
  Status AnnounceWeb(const WebServer* web);
  void Run();
  void ServeAgain(std::optional<Revision> catch_up);
  // False when the node is to stop.
  bool Sleep();

  NodeOptions options_;
  std::shared_ptr<TlsIdentity> tls_;
  std::shared_ptr<TlsIdentity> etcd_tls_;
  MemberIds members_;
  // Of a cluster's node.
  std::optional<ClusterOptions> cluster_;
  const std::shared_ptr<RecoveryControl> recovery_ = std::make_shared<RecoveryControl>();
  std::unique_ptr<CatchUp> catch_up_;
  bool announced_ = false;
  // Outlives the server in parts_.
  std::unique_ptr<ObjectStore> objects_;
  // Used by Start, then by thread_.
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<UnavailableServer> unavailable_;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::optional<Wish> wish_;
  bool ended_ = false;
  std::thread thread_;
};

// --- Serving ---

Status Node::Supervisor::AnnounceOnce(int port) {
  const std::string address = Text(options_.listen.substr(0, options_.listen.rfind(':')), ":", port);
  // Callers keep the address that they were told.
  options_.listen = address;
  if (std::exchange(announced_, true)) return OkStatus();
  return Announce(options_, tls_.get(), address);
}

Status Node::Supervisor::AnnounceWeb(const WebServer* web) {
  if (web == nullptr) return OkStatus();
  NodeOptions::Checkpoints& checkpoints = options_.checkpoints;
  // The same port again when the ledger is opened again.
  checkpoints.http_listen = web->address();
  LogLine(LogLevel::kInfo,
          Text("serving tiles, SCITT receipts and add-checkpoint on ", tls_ == nullptr ? "http://" : "https://",
               web->address(), checkpoints.http_public ? ", to everybody" : ""));
  return checkpoints.http_port_file.empty() ? OkStatus() : WritePortFile(checkpoints.http_port_file, web->address());
}

std::function<StatusOr<std::unique_ptr<Sequencer>>(const std::string&, Staging&)> Node::Supervisor::SequencerMaker() {
  if (!IsFenced(options_.dir)) {
    return [cluster = *cluster_](const std::string& origin, Staging& staging) mutable {
      cluster.origin = origin;
      return MakeClusterSequencer(cluster, staging);
    };
  }
  RecoveryCallbacks callbacks;
  callbacks.catch_up = [this](Revision at_least) { Want({at_least, std::nullopt}); };
  callbacks.finished = [this] {
    RETURN_IF_ERROR(RemoveFence(options_.dir));
    Want({});
    return OkStatus();
  };
  return [this, cluster = *cluster_, callbacks](const std::string& origin, Staging& staging) mutable {
    cluster.origin = origin;
    return StatusOr<std::unique_ptr<Sequencer>>(MakeRecoverySequencer(cluster, staging, recovery_, callbacks));
  };
}

std::unique_ptr<Scrubber> Node::Supervisor::StartScrubber(Ledger& ledger) {
  if (options_.scrub_rate == 0) return nullptr;
  ScrubberOptions scrubber;
  scrubber.bytes_per_second = options_.scrub_rate;
  scrubber.file = ScrubPath(options_.dir);
  scrubber.log = Warn;
  if (cluster_.has_value()) {
    scrubber.find_source = [this, origin = ledger.GetStatus().origin()]() -> StatusOr<std::unique_ptr<RepairSource>> {
      return std::make_unique<CatchUpSource>(origin, cluster_->node, members_.Get(), tls_);
    };
  }
  return Scrubber::Start(ledger, std::move(scrubber));
}

Status Node::Supervisor::Serve() {
  auto parts = std::make_unique<Parts>();
  LedgerOptions ledger_options;
  ledger_options.log = Warn;
  ledger_options.store_memory_bytes = options_.memory_mib << 20;
  if (cluster_.has_value()) ledger_options.make_sequencer = SequencerMaker();
  ASSIGN_OR_RETURN(parts->ledger, Ledger::Open(options_.dir, ledger_options));
  RETURN_IF_ERROR(CheckNamesNode(tls_.get(), parts->ledger->GetStatus().origin()));
  unavailable_.reset();
  if (objects_ == nullptr) {
    ASSIGN_OR_RETURN(objects_,
                     ObjectStore::Open(options_.objects.empty() ? ObjectsPath(options_.dir) : options_.objects));
  }
  NodeServerOptions server_options;
  server_options.objects = objects_.get();
  server_options.backups = options_.backups;
  server_options.address = options_.listen;
  server_options.tls = tls_;
  server_options.is_member = [this](std::string_view id) { return members_.Has(id); };
  const bool fenced = cluster_.has_value() && IsFenced(options_.dir);
  if (!fenced) {
    ASSIGN_OR_RETURN(parts->checkpoints, StartCheckpoints(*parts->ledger, options_, tls_, server_options.is_member));
    server_options.publisher = parts->checkpoints->publisher.get();
    parts->scrubber = StartScrubber(*parts->ledger);
    server_options.scrubber = parts->scrubber.get();
    RETURN_IF_ERROR(AnnounceWeb(parts->checkpoints->web.get()));
  }
  server_options.log = Warn;
  if (cluster_.has_value()) server_options.cluster = cluster_->control.get();
  if (fenced) server_options.recovery = recovery_.get();
  ASSIGN_OR_RETURN(parts->server, NodeServer::Start(*parts->ledger, server_options));
  RETURN_IF_ERROR(AnnounceOnce(parts->server->port()));
  parts->housekeeping = std::make_unique<Housekeeping>(*parts->server, *parts->ledger,
                                                       std::vector<std::shared_ptr<TlsIdentity>>{tls_, etcd_tls_});
  parts_ = std::move(parts);
  return OkStatus();
}

Status Node::Supervisor::ServeNothing(const std::string& why) {
  parts_.reset();
  unavailable_.reset();
  ASSIGN_OR_RETURN(unavailable_, UnavailableServer::Start(options_.listen, tls_, why));
  return AnnounceOnce(unavailable_->port());
}

// --- Beginning and end ---

Status Node::Supervisor::Start() {
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  ASSIGN_OR_RETURN(tls_, LoadTls(options_.tls));
  return options_.cluster.etcd_endpoints.empty() ? Serve() : StartCluster();
}

Status Node::Supervisor::StartCluster() {
  if (!options_.cluster.join.empty()) RETURN_IF_ERROR(JoinLedger(options_.dir, options_.cluster.join));
  if (options_.cluster.recover) RETURN_IF_ERROR(Fence(options_.dir));
  ASSIGN_OR_RETURN(cluster_, ClusterOptionsOf(options_));
  cluster_->tls = tls_;
  ASSIGN_OR_RETURN(etcd_tls_, LoadTls(options_.cluster.etcd_tls));
  cluster_->etcd.tls = etcd_tls_;
  cluster_->control = std::make_shared<ClusterControl>();
  cluster_->warnings = [this] { return ExpiryWarnings(ExpiringOf({tls_, etcd_tls_}), SystemClock().Now()); };
  cluster_->on_members = [this](const Members& members) { members_.Set(members); };
  cluster_->catch_up = [this](Revision at_least) { Want({at_least, std::nullopt}); };
  cluster_->outvoted = [this](const std::string& why) { Want({std::nullopt, why}); };
  catch_up_ = std::make_unique<CatchUp>(*cluster_, options_.dir);
  ASSIGN_OR_RETURN(const bool copying, CopyIsUnfinished(options_.dir));
  if (copying) {
    RETURN_IF_ERROR(ServeNothing(kCopying));
    Want({Revision(0), std::nullopt});
  } else if (const Status served = Serve(); absl::IsUnavailable(served)) {
    // etcd may come later, as after a power cut.
    Warn(Text("not serving yet: ", MessageOf(served)));
    RETURN_IF_ERROR(ServeNothing(kOpening));
    Want({});
  } else {
    RETURN_IF_ERROR(served);
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
  // While they end they still ask for things, of members that go before them.
  parts_.reset();
  unavailable_.reset();
}

void Node::Supervisor::Want(Wish wish) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = wish.end.has_value();
    wish_ = std::move(wish);
  }
  wake_.notify_all();
}

// --- Opening again ---

bool Node::Supervisor::Sleep() {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, kRetryAfter, [this] { return stopping_; });
}

void Node::Supervisor::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || wish_.has_value(); });
    if (stopping_) return;
    const Wish wish = *std::exchange(wish_, std::nullopt);
    lock.unlock();
    if (wish.end.has_value()) {
      LogLine(LogLevel::kError, *wish.end);
      while (!ServeNothing(*wish.end).ok() && Sleep()) {
      }
    } else {
      ServeAgain(wish.catch_up);
    }
    lock.lock();
  }
}

void Node::Supervisor::ServeAgain(std::optional<Revision> catch_up) {
  const char* const why = catch_up.has_value() ? kCopying : kOpening;
  bool copied = !catch_up.has_value();
  Status done = ServeNothing(why);
  do {
    if (done.ok() && !copied) {
      done = catch_up_->Run(*catch_up);
      copied = done.ok();
      if (copied) LogLine(LogLevel::kInfo, "the ledger is copied");
    }
    if (done.ok() && copied) done = Serve();
    if (done.ok() && parts_ != nullptr) {
      LogLine(LogLevel::kInfo, "the ledger is served again");
      return;
    }
    if (!absl::IsCancelled(done)) LogLine(LogLevel::kError, Text("not serving: ", done.ToString()));
    // Whatever failed, callers are told, and it is tried again.
    const std::string so_far = Text(why, " (", MessageOf(done), ")");
    if (unavailable_ != nullptr) unavailable_->Say(so_far);
    done = unavailable_ == nullptr ? ServeNothing(so_far) : OkStatus();
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
