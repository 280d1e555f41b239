#ifndef ANAMNESIS_NODE_CLUSTER_PEERS_H_
#define ANAMNESIS_NODE_CLUSTER_PEERS_H_

// What this node and its peers send each other: one stream to each peer, and a server for theirs.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "anamnesis/internal/peer.pb.h"
#include "grpcpp/impl/service_type.h"
#include "ledger/base/status.h"
#include "node/cluster/cluster_options.h"
#include "node/replication/members.h"

namespace anamnesis {

// Safe for concurrent use.
class Peers {
 public:
  // Called with each message of a peer that said who it is, on a thread that this peer has to itself: what takes long
  // holds up that peer only.
  using OnMessage = std::function<void(const NodeId& from, internal::PeerMessage message)>;

  // Listens at options.peer_address. UNAVAILABLE when it can't be listened on.
  // `beside`, if it isn't null, is served there too and outlives this.
  static StatusOr<std::unique_ptr<Peers>> Start(const ClusterOptions& options, OnMessage on_message,
                                                grpc::Service* beside = nullptr);
  // Stops first.
  virtual ~Peers() = default;

  // Ends all streams: no message comes afterwards, and what is sent is dropped. Idempotent.
  virtual void Stop() = 0;

  // The nodes to send to, and whose messages are taken; others are turned away.
  virtual void SetMembers(const Members& members) = 0;
  // Queues a message for a peer; drops it when the peer can't be reached, is unknown, or has too much queued.
  virtual void Send(const NodeId& to, std::shared_ptr<const internal::PeerMessage> message) = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_PEERS_H_
