#ifndef ANAMNESIS_NODE_CLUSTER_ETCD_MEMBERS_H_
#define ANAMNESIS_NODE_CLUSTER_ETCD_MEMBERS_H_

// The keys that make an etcd a cluster's: its members, the base, which is the revision before etcd's first, and that
// nothing is trimmed after that.

#include <cstdint>

#include "ledger/base/status.h"
#include "node/etcd/etcd_client.h"
#include "node/etcd/etcd_types.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"

namespace anamnesis {

// Puts them where there are no members, together, so that nobody ever counts from another base. Otherwise gets the
// members that are there.
EtcdTxn Founding(Revision base, const Members& members);

// As of etcd's revision `at`, or now when that is 0; their revision is etcd's. NOT_FOUND: there are none.
// INVALID_ARGUMENT: they don't parse. Otherwise fails as EtcdClient does.
StatusOr<Members> ReadMembers(EtcdClient& client, int64_t at = 0);

// NOT_FOUND: there is none. INVALID_ARGUMENT: it is no number. Otherwise fails as EtcdClient does.
StatusOr<uint64_t> ReadBase(EtcdClient& client);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_ETCD_MEMBERS_H_
