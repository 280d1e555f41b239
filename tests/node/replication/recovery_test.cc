#include "node/replication/recovery.h"

#include <string>

#include "gtest/gtest.h"

namespace anamnesis {
namespace {

BatchId Id(uint64_t session, uint64_t number) { return {SessionId(session), BatchNumber(number)}; }

StagedBatch Batch(uint64_t session, uint64_t number, uint8_t content = 1) {
  StagedBatch batch{Id(session, number), Digest(), 100};
  batch.digest.data()[0] = content;
  return batch;
}

NodeReport Report(const NodeId& node, uint64_t applied, AppliedNumbers numbers, std::vector<StagedBatch> staged) {
  NodeReport report;
  report.node = node;
  report.members.revision = Revision(1);
  report.members.incarnation = 1;
  for (const char* voter : {"a", "b", "c"}) report.members.voters.push_back({voter, "", "", ""});
  report.applied = Revision(applied);
  report.applied_numbers = std::move(numbers);
  report.staged = std::move(staged);
  return report;
}

TEST(RecoveryTest, LongestPrefixThenWhatIsStagedByNumber) {
  const auto plan = PlanRecovery({Report("a", 20, {{SessionId(5), BatchNumber(2)}}, {Batch(7, 1)}),
                                  Report("c", 30, {{SessionId(5), BatchNumber(3)}}, {Batch(5, 4), Batch(7, 1)})});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->prefix, Revision(30));
  EXPECT_EQ(plan->prefix_holders, std::vector<NodeId>({"c"}));
  ASSERT_EQ(plan->batches.size(), 2U);
  EXPECT_EQ(plan->batches[0].batch.id, Id(5, 4));
  EXPECT_EQ(plan->batches[0].revision, Revision(31));
  EXPECT_EQ(plan->batches[1].batch.id, Id(7, 1));
  EXPECT_EQ(plan->batches[1].holders, std::vector<NodeId>({"a", "c"}));
  EXPECT_EQ(plan->base, Revision(33)) << "the members have a place of their own";
  EXPECT_EQ(plan->members.incarnation, 2U);
  EXPECT_EQ(plan->members.voters.size(), 2U);
}

TEST(RecoveryTest, OrdersNothingThatThePrefixContains) {
  const auto plan = PlanRecovery({Report("a", 20, {}, {Batch(5, 1), Batch(5, 2), Batch(5, 3)}),
                                  Report("b", 30, {{SessionId(5), BatchNumber(2)}}, {Batch(5, 2)})});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->batches.size(), 1U);
  EXPECT_EQ(plan->batches[0].batch.id, Id(5, 3));
}

TEST(RecoveryTest, WhatItsOwnNodeHasAppliedIsNotInAReport) {
  std::vector<NodeReport> reports = {
      Report("a", 20, {{SessionId(5), BatchNumber(1)}}, {Batch(5, 1), Batch(5, 2), Batch(7, 1)}),
      Report("b", 30, {{SessionId(5), BatchNumber(2)}}, {Batch(5, 2), Batch(5, 3)})};
  const auto whole = PlanRecovery(reports);
  for (NodeReport& report : reports) LeaveOutApplied(report);
  EXPECT_EQ(reports[0].staged, std::vector<StagedBatch>({Batch(5, 2), Batch(7, 1)}));
  EXPECT_EQ(reports[1].staged, std::vector<StagedBatch>({Batch(5, 3)}));
  const auto plan = PlanRecovery(reports);
  ASSERT_TRUE(whole.ok() && plan.ok());
  ASSERT_EQ(plan->batches.size(), whole->batches.size());
  for (size_t i = 0; i < plan->batches.size(); ++i) EXPECT_EQ(plan->batches[i].batch, whole->batches[i].batch);
}

// Else the new etcd could open a session of that number again, and its batches would count as applied.
TEST(RecoveryTest, TheBaseIsAboveEverySession) {
  const auto plan = PlanRecovery({Report("a", 30, {}, {Batch(44, 1)}), Report("b", 30, {}, {})});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->batches[0].revision, Revision(31));
  EXPECT_EQ(plan->base, Revision(44));
}

TEST(RecoveryTest, ANodeNamesTheMembersThatCount) {
  NodeReport later = Report("d", 40, {}, {});
  later.members.revision = Revision(33);
  later.members.voters.push_back({"d", "", "", ""});
  EXPECT_EQ(PlanRecovery({Report("a", 20, {}, {}), later}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(PlanRecovery({Report("a", 20, {}, {}), Report("b", 20, {}, {}), later}).ok());
}

TEST(RecoveryTest, OneThatBrokeOffIsPlannedAgain) {
  // a followed the plan of a, b up to 33; b was not told any more, or not all of it.
  NodeReport followed = Report("a", 33, {{SessionId(5), BatchNumber(4)}}, {});
  followed.members.incarnation = 2;
  followed.members.revision = Revision(33);
  followed.members.voters.pop_back();
  const NodeReport behind = Report("b", 31, {{SessionId(5), BatchNumber(3)}}, {Batch(5, 4)});
  const auto plan = PlanRecovery({behind, followed});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->prefix, Revision(33));
  EXPECT_TRUE(plan->batches.empty());
  EXPECT_EQ(plan->members.incarnation, 3U);
  EXPECT_EQ(plan->members.voters.size(), 2U);
  EXPECT_EQ(PlanRecovery({Report("c", 31, {}, {}), behind, followed}).status().code(),
            absl::StatusCode::kInvalidArgument)
      << "c was not part of it";
  EXPECT_EQ(PlanRecovery({Report("b", 33, {}, {}), followed}).status().code(), absl::StatusCode::kInvalidArgument)
      << "b has something else there";
}

TEST(RecoveryTest, Refusals) {
  EXPECT_EQ(PlanRecovery({}).status().code(), absl::StatusCode::kInvalidArgument);
  const NodeReport a = Report("a", 20, {}, {Batch(5, 1)});
  EXPECT_EQ(PlanRecovery({a}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(PlanRecovery({a, a}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanRecovery({a, Report("b", 20, {}, {Batch(5, 1, 2)})}).status().code(), absl::StatusCode::kDataLoss);
  NodeReport other = Report("b", 20, {}, {});
  other.members.incarnation = 2;
  EXPECT_EQ(PlanRecovery({a, other}).status().code(), absl::StatusCode::kInvalidArgument);
  other = Report("b", 20, {}, {});
  other.members.voters.pop_back();
  EXPECT_EQ(PlanRecovery({a, other}).status().code(), absl::StatusCode::kDataLoss);
  NodeReport fresh{"b", Members(), Revision(0), {}, {}};
  EXPECT_EQ(PlanRecovery({fresh}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(PlanRecovery({fresh, a}).ok()) << "a new node knows no members and has a vote all the same";
}

}  // namespace
}  // namespace anamnesis
