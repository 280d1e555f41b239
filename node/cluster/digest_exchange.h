#ifndef ANAMNESIS_NODE_CLUSTER_DIGEST_EXCHANGE_H_
#define ANAMNESIS_NODE_CLUSTER_DIGEST_EXCHANGE_H_

// Tells peers what this node's state came to, hears the same of them, and says what follows (state_digests.h).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "anamnesis/internal/peer.pb.h"
#include "node/replication/state_digests.h"

namespace anamnesis {

// Used by one thread.
class DigestExchange {
 public:
  using Send = std::function<void(const NodeId& to, std::shared_ptr<const internal::PeerMessage>)>;

  DigestExchange(NodeId self, Send send) : digests_(std::move(self)), send_(std::move(send)) {}

  void SetMembers(const Members& members) { digests_.SetMembers(members); }
  void OnOwn(const StateDigest& state) { digests_.OnOwn(state); }
  // Adds this node's last state to what it says of itself.
  void AddTo(internal::PeerMessage::Applied& applied) const;
  void OnPeer(const NodeId& from, const internal::PeerMessage::Applied& applied, int64_t now_us);
  void OnHistory(const NodeId& from, const internal::PeerMessage::DigestHistory& history);

  // Why nothing may be appended here; empty while it may.
  std::string refusing() const;
  // Why this node must stop serving; nullopt while it needn't. Waits a while to learn where it differs.
  std::optional<std::string> Outvoted(int64_t now_us);

 private:
  StateDigests digests_;
  const Send send_;
  // When each peer that differs was told the history last.
  absl::btree_map<NodeId, int64_t> told_us_;
  std::optional<int64_t> outvoted_since_us_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_DIGEST_EXCHANGE_H_
