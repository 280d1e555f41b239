#ifndef ANAMNESIS_NODE_REPLICATION_REPLICA_OPTIONS_H_
#define ANAMNESIS_NODE_REPLICATION_REPLICA_OPTIONS_H_

// What bounds a Replica, and how long it waits before it asks again. Times are in microseconds of the clock that Tick
// is given, and are noticed at the next Tick only.

#include <cstddef>
#include <cstdint>

namespace anamnesis {

struct ReplicaOptions {
  // Own proposals that were not delivered or dropped yet. Beyond either bound Propose is RESOURCE_EXHAUSTED. A single
  // proposal may be as large as `proposed_bytes_max`.
  size_t proposals_max = 64;
  uint64_t proposed_bytes_max = uint64_t{64} << 20;
  // After so many batches the session is ended and another opened, because order keys can only be trimmed of sessions
  // that have ended: so many of each node's are in etcd at most, with what every member has still to apply. Voters
  // refuse numbers that are further than proposals_max ahead of what they saw ordered, so that all nodes need the same
  // proposals_max.
  uint64_t session_batches_max = 10'000;
  // Deliveries that were not answered by OnApplied yet.
  size_t deliveries_max = 64;
  uint64_t delivered_bytes_max = uint64_t{64} << 20;
  // Seen by the watch and not applied; beyond it wants_watch() is false.
  size_t watched_max = 100'000;
  // How many of the next batches that are missing here are fetched at a time.
  size_t fetches_max = 16;
  // Applied batches stay in staging until every member that isn't far behind has them, but not more than this.
  size_t retained_max = 100'000;
  uint64_t retained_bytes_max = uint64_t{1} << 30;

  int64_t store_again_us = 2'000'000;
  int64_t order_again_us = 100'000;
  int64_t fetch_again_us = 1'000'000;
  // What can't be written for want of space is fetched again after fetch_again_us, then twice that, up to this.
  int64_t fetch_pause_max_us = 30'000'000;
  int64_t publish_again_us = 1'000'000;

  // A member whose durably applied revision is further behind than this, or of which nothing was heard for so long,
  // does not hold up trimming and compaction: it catches up from a peer. More than about what stays in staging is of no
  // use: without the bytes order records help nobody.
  uint64_t far_behind_revisions = 100'000;
  int64_t silent_us = int64_t{24} * 3600 * 1'000'000;
  // Compaction is asked for when it would remove at least so many revisions.
  uint64_t compact_revisions = 10'000;
  // An applied revision is noted without a batch when it moves by so many.
  uint64_t progress_revisions = 1'000;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_REPLICA_OPTIONS_H_
