#include "node/replication/recovery.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"

namespace anamnesis {
namespace {

bool IsLater(const Members& one, const Members& other) {
  return std::pair(one.incarnation, one.revision) > std::pair(other.incarnation, other.revision);
}

// The last members that one of the nodes knows. Since a change waits until a majority has applied the one before, no
// majority of the voters misses more than the last change, and majorities around one change have a voter in common.
StatusOr<Members> LatestMembers(absl::Span<const NodeReport> reports) {
  const Members* latest = nullptr;
  for (const NodeReport& report : reports) {
    // A new node that has applied nothing yet knows no members.
    if (report.members.revision.value == 0) continue;
    if (latest == nullptr || IsLater(report.members, *latest)) latest = &report.members;
  }
  if (latest == nullptr) return absl::FailedPreconditionError("none of the nodes knows the members");
  for (const NodeReport& report : reports) {
    if (report.members.revision.value == 0) continue;
    if (report.members.incarnation == latest->incarnation) {
      if (report.members.revision != latest->revision || report.members == *latest) continue;
      return absl::DataLossError(
          Text("node ", report.node, " knows other members at revision ", latest->revision.value));
    }
    // A recovery that broke off: fenced since its plan was made, it has at most a part of what the plan says.
    if (latest->IsMember(report.node) && report.applied < latest->revision) continue;
    return absl::InvalidArgumentError(Text("node ", report.node, " is of incarnation ", report.members.incarnation,
                                           ", others of ", latest->incarnation,
                                           "; it was not part of the last recovery and has to be rebuilt"));
  }
  return *latest;
}

std::vector<Member> Reporting(const std::vector<Member>& members, const absl::btree_set<NodeId>& nodes) {
  std::vector<Member> reporting;
  std::copy_if(members.begin(), members.end(), std::back_inserter(reporting),
               [&](const Member& member) { return nodes.contains(member.node); });
  return reporting;
}

}  // namespace

void LeaveOutApplied(NodeReport& report) {
  std::erase_if(report.staged, [&](const StagedBatch& staged) { return Contains(report.applied_numbers, staged.id); });
}

StatusOr<RecoveryPlan> PlanRecovery(absl::Span<const NodeReport> reports) {
  if (reports.empty()) return absl::InvalidArgumentError("no node reports");
  absl::btree_set<NodeId> nodes;
  for (const NodeReport& report : reports) {
    if (!nodes.insert(report.node).second) {
      return absl::InvalidArgumentError(Text("node ", report.node, " reports twice"));
    }
  }
  ASSIGN_OR_RETURN(const Members latest, LatestMembers(reports));
  if (!IsMajority(latest, nodes)) {
    return absl::FailedPreconditionError(Text("the nodes are no majority of the ", latest.voters.size(), " voters at ",
                                              "revision ", latest.revision.value, "; what others hold may be missing"));
  }

  RecoveryPlan plan;
  const NodeReport* longest = &reports.front();
  for (const NodeReport& report : reports) {
    if (report.applied > longest->applied) longest = &report;
  }
  plan.prefix = longest->applied;
  absl::btree_map<BatchId, RecoveredBatch> batches;
  for (const NodeReport& report : reports) {
    if (report.applied == plan.prefix) plan.prefix_holders.push_back(report.node);
    for (const StagedBatch& staged : report.staged) {
      // What one node has staged another may have applied, or all of them and kept for those that are behind.
      if (Contains(longest->applied_numbers, staged.id)) continue;
      RecoveredBatch& batch = batches[staged.id];
      if (!batch.holders.empty() && batch.batch != staged) {
        return absl::DataLossError(Text("nodes ", batch.holders.front(), " and ", report.node,
                                        " have different bytes of ", "batch ", staged.id.number.value, " of session ",
                                        staged.id.session.value));
      }
      batch.batch = staged;
      batch.holders.push_back(report.node);
    }
  }
  plan.base = plan.prefix;
  for (auto& [id, batch] : batches) {
    batch.revision = plan.base = Revision(plan.base.value + 1);
    plan.batches.push_back(std::move(batch));
  }
  plan.base = Revision(plan.base.value + 1);
  // A session that was opened after the last order record must not get its number again.
  for (const auto& [id, batch] : batches) plan.base = std::max(plan.base, Revision(id.session.value));
  plan.members.revision = plan.base;
  plan.members.incarnation = latest.incarnation + 1;
  plan.members.voters = Reporting(latest.voters, nodes);
  plan.members.learners = Reporting(latest.learners, nodes);
  return plan;
}

}  // namespace anamnesis
