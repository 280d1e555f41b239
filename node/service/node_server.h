#ifndef ANAMNESIS_NODE_SERVICE_NODE_SERVER_H_
#define ANAMNESIS_NODE_SERVICE_NODE_SERVER_H_

// The services of a node on one listening address, with grpc.health.v1. Safe from any thread.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/engine/ledger.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

struct NodeServerOptions {
  // HOST:PORT; port 0 takes a free one.
  std::string address;
  // Who the node is to its clients, with certificate and CA. Null for no TLS: the caller sees to it that only this
  // machine can connect.
  std::shared_ptr<TlsIdentity> tls;
  // Threads for work that may wait for the disk.
  size_t workers = 4;
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
  // Tells health watchers whether the ledger takes appends. Cheap; call it about once a second.
  virtual void UpdateHealth() = 0;
  // Health turns to NOT_SERVING, nothing new is accepted, what was submitted gets its verdict, streams end with
  // UNAVAILABLE; calls that don't end in five seconds are cut off. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_NODE_SERVER_H_
