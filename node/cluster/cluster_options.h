#ifndef ANAMNESIS_NODE_CLUSTER_CLUSTER_OPTIONS_H_
#define ANAMNESIS_NODE_CLUSTER_CLUSTER_OPTIONS_H_

// How a node takes part in a cluster.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/tls/tls_identity.h"
#include "node/cluster/cluster_control.h"
#include "node/etcd/etcd_options.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"
#include "node/replication/replica_options.h"

namespace anamnesis {

struct ClusterOptions {
  // Made with the disk, and lost with it.
  NodeId node;
  // Of the ledger: peers of another are turned away.
  std::string origin;
  // HOST:PORT that is listened on for peers.
  std::string peer_address;
  // Who this node is to its peers, with certificate and CA; null for plain connections, which are for peers on one
  // machine only: the caller sees to it that peer_address is on the loopback.
  std::shared_ptr<TlsIdentity> tls;
  // Told the members whenever they change, from the cluster's own threads; must not block.
  std::function<void(const Members&)> on_members = [](const Members&) {};
  EtcdOptions etcd;
  // How long etcd keeps this node's session after it was heard last.
  std::chrono::seconds session_ttl{10};
  // The voters with which a new cluster begins; ignored when it has members.
  std::vector<Member> founding_voters;
  ReplicaOptions replica;
  // Of peers' batches that wait for the disk, and again of those that are staged and held for their delivery. What is
  // beyond the first is sent again by whoever proposed it, what is beyond the second is read from staging.
  uint64_t held_bytes_max = uint64_t{64} << 20;
  // This node has missed too much: its ledger is to be closed and brought up to this revision (catch_up.h). Called once
  // at most, from any thread; must not block.
  std::function<void(Revision at_least)> catch_up = [](Revision) {};
  // This node has come to another state than a majority of the voters, as the text says, and must not serve. As above.
  std::function<void(const std::string& why)> outvoted = [](const std::string&) {};
  // What an operator should look at soon, such as certificates that are about to expire; from any thread. May be null.
  std::function<std::vector<std::string>()> warnings;
  // Where operators reach the sequencer while it takes part; null for nowhere.
  std::shared_ptr<ClusterControl> control;
  // Gets one line for each thing an operator should know; may be called from any thread.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CLUSTER_OPTIONS_H_
