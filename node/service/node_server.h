#ifndef ANAMNESIS_NODE_SERVICE_NODE_SERVER_H_
#define ANAMNESIS_NODE_SERVICE_NODE_SERVER_H_

// The services of a node on one listening address, with grpc.health.v1. Safe from any thread.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/engine/ledger.h"
#include "ledger/engine/scrubber.h"
#include "ledger/objects/object_store.h"
#include "ledger/tls/tls_identity.h"
#include "node/checkpoint/publisher.h"
#include "node/cluster/cluster_control.h"
#include "node/cluster/recovery_sequencer.h"
#include "node/service/access.h"

namespace anamnesis {

struct NodeServerOptions {
  // HOST:PORT; port 0 takes a free one.
  std::string address;
  // Who the node is to its clients, with certificate and CA. Null for no TLS: the caller sees to it that only this
  // machine can connect.
  std::shared_ptr<TlsIdentity> tls;
  // With TLS: the nodes that may call, by the id in their certificates.
  Access::IsMember is_member = [](std::string_view) { return false; };
  // Threads for work that may wait for the disk.
  size_t workers = 4;
  // What ObjectService serves; null for not serving it. Outlives the server.
  ObjectStore* objects = nullptr;
  // The directory of BackupService; empty for none.
  std::string backups;
  // What WitnessService serves; null for not serving it. Outlives the server.
  Publisher* publisher = nullptr;
  // What ScrubService speaks of; null for not serving it. Outlives the server.
  Scrubber* scrubber = nullptr;
  // Of a node in a cluster; null otherwise. Outlives the server.
  ClusterOperations* cluster = nullptr;
  // Of a fenced node, which answers everything else UNAVAILABLE; null otherwise. Outlives the server.
  RecoveryControl* recovery = nullptr;
  // Gets one line for a failed call, at a bounded rate; may be called from any thread.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

class NodeServer {
 public:
  // Serves `ledger`, which outlives the server. UNAVAILABLE when the address can't be listened on.
  static StatusOr<std::unique_ptr<NodeServer>> Start(Ledger& ledger, const NodeServerOptions& options);
  // Stops first.
  virtual ~NodeServer() = default;

  // The port that was taken.
  virtual int port() const = 0;
  // Ends the streams of callers that may not go on with them: whose last key was revoked, for instance. Looks each of
  // them up; call it about once a second.
  virtual void EndRefusedStreams() = 0;
  // Tells health watchers whether the ledger takes appends, whether the node cosigns it and has seen no fork, and
  // whether its disk is known to be damaged. Cheap; call it about once a second.
  virtual void UpdateHealth() = 0;
  // Health turns to NOT_SERVING, nothing new is accepted, what was submitted gets its verdict, streams end with
  // UNAVAILABLE. Ends the ledger's appends too (Ledger::StopAppends): what can't be ordered in limits::kStopWaitUs ends
  // as unknown. Calls that don't end ten seconds after that are cut off. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_NODE_SERVER_H_
