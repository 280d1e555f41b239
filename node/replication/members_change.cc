#include "node/replication/members_change.h"

#include <algorithm>

namespace anamnesis {
namespace {

using Kind = MembersChange::Kind;

// Takes the node out of the list, if it is there.
bool Take(std::vector<Member>& members, const NodeId& node, Member& taken) {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.node == node; });
  if (found == members.end()) return false;
  taken = *found;
  members.erase(found);
  return true;
}

Status CheckAsked(const MembersChange& change) {
  const Member& member = change.member;
  if (!IsNodeId(member.node)) {
    return absl::InvalidArgumentError(Text("node: \"", member.node, "\" is not 1 to 64 characters of [a-z0-9-]"));
  }
  const bool needs_address = change.kind == Kind::kAddLearner || change.kind == Kind::kReaddress;
  if (needs_address && member.address.empty()) {
    return absl::InvalidArgumentError(Text("address: the HOST:PORT where the others reach node ", member.node));
  }
  return OkStatus();
}

Status CheckHasCaughtUp(const Members& current, const NodeId& learner,
                        const absl::btree_map<NodeId, Revision>& durably_applied) {
  const auto found = durably_applied.find(learner);
  const uint64_t has = found == durably_applied.end() ? 0 : found->second.value;
  const uint64_t majority = ReachedByMajority(current, durably_applied).value;
  if (has + kPromotionLagMax >= majority) return OkStatus();
  return absl::FailedPreconditionError(Text("node ", learner, " has applied up to revision ", has,
                                            ", the voters up to ", majority, "; wait until it is at most ",
                                            kPromotionLagMax, " behind (`anamnesis cluster status`)"));
}

}  // namespace

StatusOr<Members> Changed(const Members& current, const MembersChange& change,
                          const absl::btree_map<NodeId, Revision>& durably_applied) {
  RETURN_IF_ERROR(CheckAsked(change));
  const NodeId& node = change.member.node;
  if (change.kind == Kind::kAddLearner) {
    if (current.IsMember(node)) return absl::AlreadyExistsError(Text("node ", node, " is a member already"));
    Members next = current;
    next.learners.push_back(change.member);
    return next;
  }
  Members next = current;
  Member member;
  const bool voter = Take(next.voters, node, member);
  if (!voter && !Take(next.learners, node, member)) {
    // One that is gone was removed by the request that is retried, or never there.
    return absl::NotFoundError(Text("node ", node, " is no member of this cluster"));
  }
  switch (change.kind) {
    case Kind::kPromote:
      if (voter) return absl::AlreadyExistsError(Text("node ", node, " is a voter already"));
      RETURN_IF_ERROR(CheckHasCaughtUp(current, node, durably_applied));
      next.voters.push_back(member);
      return next;
    case Kind::kDemote:
      if (!voter) return absl::AlreadyExistsError(Text("node ", node, " is a learner already"));
      next.learners.push_back(member);
      return next;
    case Kind::kReaddress:
      if (member == change.member) return absl::AlreadyExistsError(Text("node ", node, " is known with these already"));
      (voter ? next.voters : next.learners).push_back(change.member);
      return next;
    case Kind::kRemove:
    case Kind::kAddLearner:
      return next;
  }
  return next;
}

}  // namespace anamnesis
