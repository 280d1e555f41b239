#ifndef ANAMNESIS_NODE_CLUSTER_WIRE_H_
#define ANAMNESIS_NODE_CLUSTER_WIRE_H_

// The replication protocol's values as messages (peer.proto) and as keys in etcd, and back. Parsing fails with
// INVALID_ARGUMENT.
//
// Keys: base, the revision that comes before etcd's first, in decimal digits; members; sessions/<node>;
// orders/<session>/<number>, both numbers as 16 hexadecimal digits, so that they are in order; trimmed/<revision>, the
// same way, up to which order keys may be missing; barriers/<node>, empty, of which only the last change's revision
// says something (barriers.h).

#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/internal/peer.pb.h"
#include "anamnesis/v1/cluster.pb.h"
#include "ledger/base/status.h"
#include "node/etcd/etcd_types.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"

namespace anamnesis {

inline constexpr std::string_view kBaseKey = "base";
inline constexpr std::string_view kMembersKey = "members";
inline constexpr std::string_view kSessionsPrefix = "sessions/";
inline constexpr std::string_view kOrdersPrefix = "orders/";
inline constexpr std::string_view kTrimmedPrefix = "trimmed/";
inline constexpr std::string_view kBarriersPrefix = "barriers/";

std::string SessionKey(const NodeId& node);
std::string BarrierKey(const NodeId& node);
std::string OrderKey(const BatchId& id);
// The keys of a session's order records: they start with it.
std::string OrderKeysOf(SessionId session);
// The session of an order key; nullopt when it is none.
std::optional<SessionId> SessionOfOrderKey(std::string_view key);

std::string TrimmedKey(Revision through);
// nullopt when it is none.
std::optional<Revision> RevisionOfTrimmedKey(std::string_view key);

internal::OrderRecord ToProto(const OrderRecord& record);
StatusOr<OrderRecord> FromProto(const internal::OrderRecord& proto);
StatusOr<OrderRecord> ParseOrderRecord(std::string_view bytes);

void ToProto(const EtcdEndpointHealth& health, v1::ClusterStatus::EtcdEndpoint& endpoint);

// `revision` is only in the message when it is not 0.
internal::ClusterMembers ToProto(const Members& members);
StatusOr<Members> ParseMembers(std::string_view bytes);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_WIRE_H_
