#ifndef ANAMNESIS_NODE_ETCD_ETCD_CLIENT_H_
#define ANAMNESIS_NODE_ETCD_ETCD_CLIENT_H_

// A client of etcd 3.4 and later over its own gRPC API, limited to one prefix: no key outside it can be named. It has a
// connection to each endpoint, of which one is used until it fails or a probe finds it dead or without a leader; then
// the next one. Safe for concurrent use; destroy watches and lease keepers first.
//
// Threads: gRPC's, which carry all calls, and one for timers. Callbacks come from them, with no lock held, and must not
// block; in particular they may not make the calls below that wait. No call costs a thread.
//
// Reads, leases and compaction are repeated on other endpoints until EtcdOptions::call_timeout. Their codes:
//   UNAVAILABLE          no endpoint answered in time, or none knows a leader
//   UNAUTHENTICATED, PERMISSION_DENIED    no or a wrong user or password; the user may not touch the key
//   FAILED_PRECONDITION  a user is given and etcd's authentication is off; or the endpoints are of two clusters
//   CANCELLED            the client was destroyed meanwhile
//
// Writes are transactions. The outcome of a write is one of three:
//   applied              OK, with its revision
//   unknown              the code UNKNOWN, and no other: it may have been applied, may be applied later, or never. So
//                        end a missed deadline, a connection that broke after sending, a lost leader, "database space
//                        exceeded" (see outcome.h), and what is not understood. The message says what happened.
//   certainly not applied, now or later    every other code:
//     UNAVAILABLE          it could not be sent before call_timeout, or no member knew a leader
//     INVALID_ARGUMENT     malformed or too large: see Txn
//     NOT_FOUND            a lease that it names does not exist (any more)
//     RESOURCE_EXHAUSTED   etcd is overrun; retry later
//     UNAUTHENTICATED, PERMISSION_DENIED, FAILED_PRECONDITION, CANCELLED    as above
// A write is never sent again once it may have been applied. Whoever gets UNKNOWN finds out by a key that only this
// write creates: a linearizable Get that finds it proves that it was applied; one that does not proves nothing, since
// it may be applied later, and the way on is to send the same transaction again, with IfAbsent on that key.

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "node/etcd/etcd_options.h"
#include "node/etcd/etcd_types.h"
#include "node/etcd/lease_keeper.h"
#include "node/etcd/watch.h"

namespace anamnesis {

class EtcdConnection;

class EtcdClient {
 public:
  // Doesn't wait until anything is connected. INVALID_ARGUMENT, naming the option that is wrong.
  static StatusOr<std::unique_ptr<EtcdClient>> Connect(EtcdOptions options);
  // Ends what goes on: every callback that is due comes before this returns, writes with UNKNOWN. Not from a callback.
  ~EtcdClient();
  EtcdClient(const EtcdClient&) = delete;
  EtcdClient& operator=(const EtcdClient&) = delete;

  // One key. NOT_FOUND when there is none.
  StatusOr<EtcdKeyValue> Get(std::string_view key, EtcdConsistency consistency = EtcdConsistency::kLinearizable);

  // A page of keys. OUT_OF_RANGE: query.revision is compacted. FAILED_PRECONDITION: it is in the future.
  StatusOr<EtcdRangeResult> Range(const EtcdRangeQuery& query);
  using OnRange = std::function<void(StatusOr<EtcdRangeResult>)>;
  void RangeAsync(const EtcdRangeQuery& query, OnRange done);

  // Writes; see above. INVALID_ARGUMENT: the transaction is above EtcdOptions::transaction_bytes_max, or etcd finds it
  // too large, or too long (128 operations unless etcd was started otherwise), or it changes one key twice.
  StatusOr<EtcdTxnResult> Txn(const EtcdTxn& txn);
  using OnTxn = std::function<void(StatusOr<EtcdTxnResult>)>;
  void TxnAsync(const EtcdTxn& txn, OnTxn done);

  // Forgets, in the whole store, all revisions of keys that are not the newest at `revision`. OK also when that was
  // done before. FAILED_PRECONDITION: `revision` is in the future. With authentication only etcd's root may do this.
  Status Compact(int64_t revision);

  // `ttl` is at least a second; etcd may give more. RESOURCE_EXHAUSTED: the store is over its quota. After UNAVAILABLE
  // a lease may exist that nobody knows; it ends by itself. The lease's time runs from before this call; so KeepAlive
  // is called at once.
  StatusOr<EtcdLease> GrantLease(std::chrono::seconds ttl);
  // Grants a lease and renews it; see LeaseKeeper.
  StatusOr<std::unique_ptr<LeaseKeeper>> KeepLease(std::chrono::seconds ttl, LeaseKeeper::OnLost on_lost);
  // Ends a lease, which deletes its keys. OK also when there is no such lease. PERMISSION_DENIED: it has keys that the
  // user may not delete.
  Status RevokeLease(int64_t lease_id);

  // Changes of the keys that start with `prefix`, from `from_revision` on, which is at least 1.
  // INVALID_ARGUMENT otherwise.
  StatusOr<std::unique_ptr<EtcdWatch>> Watch(std::string_view prefix, int64_t from_revision);

  // How each endpoint was when last asked, in the order of the options. Doesn't wait.
  std::vector<EtcdEndpointHealth> Health() const;
  // The cluster's alarms, asked for now.
  struct Alarms {
    bool no_space = false;
    bool corrupt = false;
  };
  StatusOr<Alarms> AskAlarms();

 private:
  explicit EtcdClient(std::shared_ptr<EtcdConnection> connection);
  std::string Whole(std::string_view key) const;

  const std::shared_ptr<EtcdConnection> connection_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_ETCD_CLIENT_H_
