#ifndef ANAMNESIS_NODE_REPLICATION_STATE_DIGESTS_H_
#define ANAMNESIS_NODE_REPLICATION_STATE_DIGESTS_H_

// What this node's state came to, held against what the others' did. Digests roll, so two nodes that differed once
// differ at every later revision. Pure; one caller at a time.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "ledger/base/state_digest.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"

namespace anamnesis {

// Where two nodes differ first, as far as both remember.
struct StateDifference {
  NodeId with;
  // They differ here; not known to be the first when `agreed` isn't known.
  Revision differs;
  // The last revision before it at which they agreed; nullopt when they remember none.
  std::optional<Revision> agreed;
  // The leaves that this node's batches added between the two.
  TreeSize from;
  TreeSize to;
  // Whether the logs differ; otherwise what was derived from them.
  bool logs_differ = false;

  // For a person.
  std::string ToText() const;
};

class StateDigests {
 public:
  // Remembers so many states of this node, and as many of each peer that are ahead of it.
  static constexpr size_t kRememberedMax = 4096;

  enum class Verdict {
    // Nobody is known to differ, or a majority of the voters is known to agree with this node.
    kAgrees,
    // Somebody differs, and it isn't known with whom the majority is: nothing more may be appended here.
    kUndecided,
    // A majority of the voters differs from this node, which must not serve.
    kOutvoted,
  };

  explicit StateDigests(NodeId self) : self_(std::move(self)) {}

  void SetMembers(const Members& members) { members_ = members; }
  // This node came to `state`; ascending, each one. A repeated revision is ignored.
  void OnOwn(const StateDigest& state);
  // A peer says that it came to `state`. Late and repeated ones are harmless.
  void OnPeer(const NodeId& node, const StateDigest& state);
  // What a peer remembers, ascending.
  void OnPeerHistory(const NodeId& node, const std::vector<StateDigest>& history);

  Verdict verdict() const;
  // Whether a peer differs, by the last that is known of it.
  bool Differs(const NodeId& node) const;
  // Where a voter, or else anybody, that differs was found to; nullopt while no history of such a one came.
  std::optional<StateDifference> difference() const;

  // What this node remembers of itself, ascending.
  std::vector<StateDigest> History() const;
  // The last own state; nullopt before the first.
  std::optional<StateDigest> latest() const;

 private:
  using States = absl::btree_map<Revision, StateDigest>;
  struct Peer {
    // What is ahead of this node.
    States ahead;
    // The last revision at which it agreed, 0 for none.
    Revision agrees;
    // The first after that at which it differed.
    std::optional<Revision> differs;
    std::optional<StateDifference> located;
  };

  void Compare(Peer& peer, const StateDigest& state);

  const NodeId self_;
  Members members_;
  States own_;
  absl::btree_map<NodeId, Peer> peers_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_STATE_DIGESTS_H_
