#include "node/replication/members.h"

#include <algorithm>
#include <functional>

namespace anamnesis {
namespace {

bool Names(const std::vector<Member>& members, const NodeId& node) {
  return std::any_of(members.begin(), members.end(), [&](const Member& member) { return member.node == node; });
}

Status CheckValue(const Members& members) {
  if (members.voters.empty()) return absl::InvalidArgumentError("members: there must be a voter");
  if (members.voters.size() > kVotersMax) {
    return absl::InvalidArgumentError(Text("members: ", members.voters.size(), " voters; at most ", kVotersMax));
  }
  if (members.voters.size() + members.learners.size() > kMembersMax) {
    return absl::InvalidArgumentError(Text("members: more than ", kMembersMax, " nodes"));
  }
  absl::btree_set<NodeId> nodes;
  absl::btree_set<NodeId> certificates;
  for (const Member* member : members.All()) {
    if (!IsNodeId(member->node)) {
      return absl::InvalidArgumentError(Text("members: '", member->node, "' is not 1 to 64 characters of [a-z0-9-]"));
    }
    if (!nodes.insert(member->node).second) {
      return absl::InvalidArgumentError(Text("members: node ", member->node, " is named twice"));
    }
    // Whoever has it could acknowledge for both.
    if (!certificates.insert(member->CertificateId()).second) {
      return absl::InvalidArgumentError(Text("members: two nodes have the certificate name ", member->CertificateId()));
    }
  }
  return OkStatus();
}

}  // namespace

bool IsNodeId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::vector<const Member*> Members::All() const {
  std::vector<const Member*> all;
  all.reserve(voters.size() + learners.size());
  for (const auto* list : {&voters, &learners}) {
    for (const Member& member : *list) all.push_back(&member);
  }
  return all;
}

bool Members::IsVoter(const NodeId& node) const { return Names(voters, node); }

bool Members::IsMember(const NodeId& node) const { return Names(voters, node) || Names(learners, node); }

bool IsMajority(const Members& members, const absl::btree_set<NodeId>& nodes) {
  const auto among = std::count_if(members.voters.begin(), members.voters.end(),
                                   [&](const Member& voter) { return nodes.contains(voter.node); });
  return static_cast<size_t>(among) * 2 > members.voters.size();
}

Revision ReachedByMajority(const Members& members, const absl::btree_map<NodeId, Revision>& reached) {
  if (members.voters.empty()) return Revision(0);
  std::vector<Revision> revisions;
  revisions.reserve(members.voters.size());
  for (const Member& voter : members.voters) {
    const auto found = reached.find(voter.node);
    revisions.push_back(found == reached.end() ? Revision(0) : found->second);
  }
  std::sort(revisions.begin(), revisions.end(), std::greater<>());
  return revisions[revisions.size() / 2];
}

Status CheckMembersChange(const Members& current, const Members& next,
                          const absl::btree_map<NodeId, Revision>& durably_applied) {
  RETURN_IF_ERROR(CheckValue(next));
  if (next.incarnation != current.incarnation) {
    return absl::InvalidArgumentError("members: only recover makes another incarnation");
  }
  size_t changed = 0;
  for (const Member& voter : next.voters) changed += !current.IsVoter(voter.node);
  for (const Member& voter : current.voters) changed += !next.IsVoter(voter.node);
  if (changed > 1) {
    return absl::InvalidArgumentError("members: add or remove one voter at a time; replacing one is two changes");
  }
  if (ReachedByMajority(current, durably_applied) < current.revision) {
    return absl::FailedPreconditionError(Text("members: no majority of the voters has yet applied the last change, at ",
                                              "revision ", current.revision.value, "; try again"));
  }
  return OkStatus();
}

}  // namespace anamnesis
