#ifndef ANAMNESIS_NODE_REPLICATION_BATCH_H_
#define ANAMNESIS_NODE_REPLICATION_BATCH_H_

// Names of what is replicated. A batch is bytes that one node proposes; here only its name, digest and size occur.
//
// Revisions are the ledger's: etcd's plus a base that is 0 for a ledger's first etcd and RecoveryPlan::base for one
// that follows it, so that they ascend for ever. Whoever talks to etcd adds the base on the way in and subtracts it on
// the way out.

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"

namespace anamnesis {

// A node, which is its disk: random text made together with the disk (1 to 64 characters of [a-z0-9-]) and lost with
// it. A machine that lost its disk comes back as another node.
using NodeId = std::string;

// A session of a node: the revision at which its key `sessions/<node>` was created. Unique, and later ones are greater.
using SessionId = Number<struct SessionIdTag>;

// The place of a batch in its session, from 1.
using BatchNumber = Number<struct BatchNumberTag>;

struct BatchId {
  SessionId session;
  BatchNumber number;

  friend auto operator<=>(const BatchId&, const BatchId&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const BatchId& id) {
    return H::combine(std::move(state), id.session, id.number);
  }
};

// What stands in etcd under `orders/<session>/<number>`; the revision of its put is the batch's place in the order.
struct OrderRecord {
  BatchId id;
  // SHA-256 of the batch's bytes.
  Digest digest;
  uint64_t size_bytes = 0;
  NodeId proposer;

  friend bool operator==(const OrderRecord&, const OrderRecord&) = default;
};

// Of each session the last number that was applied. That says all of them: a session's batches are ordered by number,
// each once. One entry for every session that ever ordered something.
using AppliedNumbers = absl::btree_map<SessionId, BatchNumber>;

inline bool Contains(const AppliedNumbers& applied, const BatchId& id) {
  const auto found = applied.find(id.session);
  return found != applied.end() && id.number <= found->second;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_BATCH_H_
