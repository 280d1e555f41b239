#include "node/app/wiring.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>

#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "ledger/engine/files.h"
#include "ledger/engine/ledger.h"
#include "ledger/tls/grpc_credentials.h"
#include "node/app/housekeeping.h"
#include "node/app/log.h"
#include "node/app/node_id.h"
#include "node/cluster/cluster_sequencer.h"
#include "node/service/node_server.h"

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

StatusOr<std::shared_ptr<TlsIdentity>> LoadTls(const TlsFiles& files) {
  const bool wanted = !files.certificate.empty() || !files.ca.empty();
  return wanted ? TlsIdentity::Load(files, Warn) : StatusOr<std::shared_ptr<TlsIdentity>>(nullptr);
}

Status ReadEtcdUser(const std::string& file, EtcdOptions& etcd) {
  if (file.empty()) return OkStatus();
  ASSIGN_OR_RETURN(std::string line, ReadSmallFile(file));
  line.resize(std::min(line.find('\n'), line.size()));
  const size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0) {
    return absl::InvalidArgumentError(Text("--etcd-user-file: ", file, ": its first line is not USER:PASSWORD"));
  }
  etcd.user = line.substr(0, colon);
  etcd.password = line.substr(colon + 1);
  return OkStatus();
}

// Peers and clients refuse whoever can't show that it is a node of their ledger, so it is better to say it here.
Status CheckNamesNode(const TlsIdentity* tls, const std::string& origin) {
  if (tls == nullptr) return OkStatus();
  const Status names = NodeOf(origin)(tls->uris());
  if (names.ok()) return names;
  return absl::FailedPreconditionError(
      Text("--tls-certificate: must name a node with spiffe://", origin, "/node/ID: ", MessageOf(names)));
}

StatusOr<ClusterOptions> ClusterOptionsOf(const NodeOptions& options) {
  ClusterOptions cluster;
  RETURN_IF_ERROR(ReadEtcdUser(options.cluster.etcd_user_file, cluster.etcd));
  ASSIGN_OR_RETURN(cluster.node, ReadOrMakeNodeId(options.dir));
  cluster.peer_address = options.cluster.peer_listen;
  cluster.etcd.endpoints = options.cluster.etcd_endpoints;
  cluster.etcd.prefix = options.cluster.etcd_prefix;
  cluster.session_ttl = std::chrono::seconds(options.cluster.session_ttl_seconds);
  cluster.log = Warn;
  for (const std::string& voter : options.cluster.founding_voters) {
    const size_t equals = voter.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(Text("--found-with: \"", voter, "\" is not ID=HOST:PORT"));
    }
    cluster.founding_voters.push_back({voter.substr(0, equals), "", voter.substr(equals + 1), ""});
  }
  return cluster;
}

Status Announce(const NodeOptions& options, const TlsIdentity* tls, int port) {
  const std::string address = Text(options.listen.substr(0, options.listen.rfind(':')), ":", port);
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

}  // namespace

// Taken down from the last to the first.
class Node::Parts {
 public:
  std::shared_ptr<TlsIdentity> tls;
  std::shared_ptr<TlsIdentity> etcd_tls;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<NodeServer> server;
  std::unique_ptr<Housekeeping> housekeeping;
};

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Node::~Node() {
  parts_->housekeeping.reset();
  parts_->server->Stop();
  parts_->ledger->StopAppends();
}

StatusOr<std::unique_ptr<Node>> Node::Start(const NodeOptions& options) {
  auto parts = std::make_unique<Parts>();
  ASSIGN_OR_RETURN(parts->tls, LoadTls(options.tls));
  LedgerOptions ledger_options;
  ledger_options.log = Warn;
  if (!options.cluster.etcd_endpoints.empty()) {
    ASSIGN_OR_RETURN(ClusterOptions cluster, ClusterOptionsOf(options));
    cluster.tls = parts->tls;
    ASSIGN_OR_RETURN(parts->etcd_tls, LoadTls(options.cluster.etcd_tls));
    cluster.etcd.tls = parts->etcd_tls;
    ledger_options.make_sequencer = [cluster](const std::string& origin, Staging& staging) mutable {
      cluster.origin = origin;
      return MakeClusterSequencer(cluster, staging);
    };
  }
  ASSIGN_OR_RETURN(parts->ledger, Ledger::Open(options.dir, ledger_options));
  RETURN_IF_ERROR(CheckNamesNode(parts->tls.get(), parts->ledger->GetStatus().origin()));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  NodeServerOptions server_options;
  server_options.address = options.listen;
  server_options.tls = parts->tls;
  server_options.log = Warn;
  ASSIGN_OR_RETURN(parts->server, NodeServer::Start(*parts->ledger, server_options));
  RETURN_IF_ERROR(Announce(options, parts->tls.get(), parts->server->port()));
  parts->housekeeping = std::make_unique<Housekeeping>(*parts->ledger, *parts->server);
  return std::unique_ptr<Node>(new Node(std::move(parts)));
}

}  // namespace anamnesis
