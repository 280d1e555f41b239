#include "node/cluster/cluster_status.h"

#include "node/cluster/members_record.h"
#include "node/cluster/wire.h"

namespace anamnesis {
namespace {

// A member that was heard of so recently counts as reachable: each tells the others something every second.
constexpr int64_t kHeardWithinUs = 5'000'000;

}  // namespace

v1::ClusterStatus ClusterStatusOf(const ClusterOptions& options, const Replica& replica,
                                  const std::vector<EtcdEndpointHealth>& etcd) {
  v1::ClusterStatus status;
  status.set_origin(options.origin);
  status.set_node(options.node);
  const Members& members = replica.members();
  status.set_incarnation(members.incarnation);
  status.set_members_revision(members.revision.value);
  const auto applied = replica.applied_by_members();
  for (const Member* member : members.All()) {
    v1::ClusterStatus::Member& one = *status.add_members();
    ToProto(*member, *one.mutable_node());
    one.set_voter(members.IsVoter(member->node));
    if (const auto found = applied.find(member->node); found != applied.end()) {
      one.set_applied_revision(found->second.value);
    }
    one.set_heard(replica.HeardWithin(member->node, kHeardWithinUs));
  }
  status.set_watched_revision(replica.watched().value);
  status.set_applied_revision(replica.applied().value);
  status.set_settled_revision(replica.settled().value);
  for (const EtcdEndpointHealth& health : etcd) ToProto(health, *status.add_etcd());
  if (options.warnings != nullptr) {
    for (std::string& warning : options.warnings()) status.add_warnings(std::move(warning));
  }
  return status;
}

}  // namespace anamnesis
