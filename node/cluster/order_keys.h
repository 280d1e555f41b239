#ifndef ANAMNESIS_NODE_CLUSTER_ORDER_KEYS_H_
#define ANAMNESIS_NODE_CLUSTER_ORDER_KEYS_H_

// The keys below orders/ as they stood at one of etcd's revisions, and what is said of those that were removed. There
// can be many, so few of each session are read.

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "ledger/base/status.h"
#include "node/etcd/etcd_client.h"
#include "node/replication/batch.h"
#include "node/replication/replica.h"

namespace anamnesis {

// Used by one thread; its calls wait for etcd and fail as EtcdClient does.
class OrderKeys {
 public:
  // At etcd's revision `at`; `base` comes before its first. `client` outlives it.
  OrderKeys(EtcdClient& client, uint64_t base, int64_t at) : client_(client), base_(base), at_(at) {}

  // The sessions that have keys, ascending.
  StatusOr<std::vector<SessionId>> Sessions() const;

  // Whether of each of these sessions, which live or have keys, what was applied up to `applied` is just what was
  // ordered up to there. Keys go when their session has ended, all of a session together, so that one that is missing
  // beside others was never there. FAILED_PRECONDITION: it is not; this etcd was put back from a snapshot since, even
  // if it has more revisions by now than were applied.
  Status CheckApplied(absl::Span<const SessionId> sessions, Revision applied, const AppliedNumbers& numbers) const;

  // Up to which revision order keys may be missing; nullopt when nothing is said of it.
  StatusOr<std::optional<Revision>> Trimmed() const;

  // What was ordered above `seen` and at or before this revision, whatever was compacted.
  StatusOr<Missed> OrderedAfter(Revision seen) const;

 private:
  Status CheckSession(SessionId session, Revision applied, BatchNumber last) const;

  EtcdClient& client_;
  const uint64_t base_;
  const int64_t at_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_ORDER_KEYS_H_
