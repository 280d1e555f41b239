#include "node/cluster/order_in_etcd.h"

#include <string>
#include <utility>

#include "node/cluster/etcd_members.h"
#include "node/cluster/wire.h"

namespace anamnesis {
namespace {

constexpr std::string_view kRemedy = "; give the nodes a new etcd or another --etcd-prefix";

}  // namespace

StatusOr<std::optional<OrderInEtcd>> OrderInEtcd::Read(EtcdClient& client) {
  StatusOr<Members> members = ReadMembers(client);
  if (absl::IsNotFound(members.status())) return std::optional<OrderInEtcd>();
  RETURN_IF_ERROR(members.status());
  ASSIGN_OR_RETURN(const uint64_t base, ReadBase(client));
  EtcdRangeQuery live;
  live.prefix = std::string(kSessionsPrefix);
  ASSIGN_OR_RETURN(const EtcdRangeResult sessions, client.Range(live));
  std::optional<OrderInEtcd> order(OrderInEtcd(client, *std::move(members), base, sessions.revision));
  ASSIGN_OR_RETURN(order->sessions_, order->keys_.Sessions());
  for (const EtcdKeyValue& item : sessions.items) {
    order->sessions_.emplace_back(base + static_cast<uint64_t>(item.create_revision));
  }
  return order;
}

Status OrderInEtcd::CheckGoesOn(const NodeReport& node) const {
  // A new disk says incarnation 0, which is also that of every order that was founded and never recovered.
  if (node.members.revision == Revision(0)) {
    return absl::FailedPreconditionError(
        Text("node ", node.node, " knows no members of any order, and etcd holds one", kRemedy));
  }
  if (node.members.incarnation != incarnation()) {
    return absl::FailedPreconditionError(Text("etcd holds the members of incarnation ", incarnation(),
                                              " of an order already, and node ", node.node, " is of incarnation ",
                                              node.members.incarnation, ": etcd is not lost, or not new", kRemedy));
  }
  if (node.applied > now_) {
    return absl::FailedPreconditionError(Text("etcd is at revision ", now_.value, " of an order of which node ",
                                              node.node, " has applied ", node.applied.value,
                                              ": it was put back from a snapshot", kRemedy));
  }
  const Status same = keys_.CheckApplied(sessions_, node.applied, node.applied_numbers);
  if (!absl::IsFailedPrecondition(same)) return same;
  return absl::FailedPreconditionError(Text("node ", node.node, ": ", MessageOf(same), kRemedy));
}

}  // namespace anamnesis
