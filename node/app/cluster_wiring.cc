#include "node/app/cluster_wiring.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "ledger/engine/files.h"
#include "node/app/log.h"
#include "node/app/node_id.h"

namespace anamnesis {
namespace {

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

// A cluster that is founded without this node can never be founded again with it.
Status CheckFounds(const ClusterOptions& cluster, const std::string& dir) {
  const std::vector<Member>& voters = cluster.founding_voters;
  const bool named =
      std::any_of(voters.begin(), voters.end(), [&](const Member& voter) { return voter.node == cluster.node; });
  if (voters.empty() || named) return OkStatus();
  return absl::FailedPreconditionError(Text(
      "--found-with: does not name this node, whose id is \"", cluster.node, "\" by ", dir, "/node-id: name it as ",
      cluster.node, "=", cluster.peer_address, ", or, before its first start, write there ",
      "which of the voters it is; a node that joins a cluster is started without --found-with"));
}

}  // namespace

StatusOr<ClusterOptions> ClusterOptionsOf(const NodeOptions& options) {
  ClusterOptions cluster;
  RETURN_IF_ERROR(ReadEtcdUser(options.cluster.etcd_user_file, cluster.etcd));
  ASSIGN_OR_RETURN(cluster.node, ReadOrMakeNodeId(options.dir));
  cluster.peer_address = options.cluster.peer_listen;
  cluster.etcd.endpoints = options.cluster.etcd_endpoints;
  cluster.etcd.prefix = options.cluster.etcd_prefix;
  cluster.session_ttl = std::chrono::seconds(options.cluster.session_ttl_seconds);
  cluster.log = [](std::string_view line) { LogLine(LogLevel::kWarning, line); };
  cluster.replica.far_behind_revisions = options.cluster.far_behind_revisions;
  cluster.replica.compact_revisions = options.cluster.compact_revisions;
  cluster.replica.session_batches_max = options.cluster.session_batches_max;
  for (const std::string& voter : options.cluster.founding_voters) {
    const size_t equals = voter.find('=');
    cluster.founding_voters.push_back({voter.substr(0, equals), "", voter.substr(equals + 1), ""});
  }
  RETURN_IF_ERROR(CheckFounds(cluster, options.dir));
  return cluster;
}

}  // namespace anamnesis
