#ifndef ANAMNESIS_NODE_CLUSTER_MEMBERS_RECORD_H_
#define ANAMNESIS_NODE_CLUSTER_MEMBERS_RECORD_H_

// A change of the members as the ledger records it: what goes with the members into etcd, and the event that every node
// makes of it.

#include <optional>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "anamnesis/internal/peer.pb.h"
#include "anamnesis/v1/cluster.pb.h"
#include "anamnesis/v1/vocabulary_cluster.pb.h"
#include "ledger/base/status.h"
#include "ledger/sequencer/sequencer.h"
#include "node/replication/members.h"

namespace anamnesis {

// For Members::change, at this moment.
internal::ClusterMembersChange ChangeOf(v1::ClusterMembersChanged::Change change, const NodeId& node,
                                        const v1::Agent& requested_by, std::string_view rationale);

// The event cluster.members_changed; nullopt for members that don't say what changed. INVALID_ARGUMENT: what they say
// doesn't parse.
StatusOr<std::optional<Ordered::OwnEvent>> EventOf(const Members& members);

void ToProto(const Member& member, v1::ClusterMembersChanged::Node& node);
Member FromProto(const v1::ClusterMembersChanged::Node& node);

// Into any message that has `voters` and `learners`.
template <typename Message>
void AddNodes(const Members& members, Message& message) {
  for (const Member& voter : members.voters) ToProto(voter, *message.add_voters());
  for (const Member& learner : members.learners) ToProto(learner, *message.add_learners());
}

// What the members become by what an operator asks for. Fails as ClusterService.ChangeMembers says, as far as that is
// known before etcd is asked.
StatusOr<Members> NextMembers(const Members& current, const v1::ChangeMembersRequest& request,
                              const v1::Agent& requested_by, const absl::btree_map<NodeId, Revision>& durably_applied);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_MEMBERS_RECORD_H_
