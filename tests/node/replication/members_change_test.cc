#include "node/replication/members_change.h"

#include "gtest/gtest.h"

namespace anamnesis {
namespace {

using Kind = MembersChange::Kind;

class MembersChangeTest : public testing::Test {
 protected:
  MembersChangeTest() {
    current_.revision = Revision(10);
    current_.voters = {{"a", "", "a:1", ""}, {"b", "", "b:1", ""}, {"c", "", "c:1", ""}};
    current_.learners = {{"d", "", "d:1", ""}};
  }

  StatusOr<Members> Make(Kind kind, Member member) { return Changed(current_, {kind, std::move(member)}, applied_); }
  absl::StatusCode Code(Kind kind, Member member) { return Make(kind, std::move(member)).status().code(); }

  Members current_;
  absl::btree_map<NodeId, Revision> applied_ = {
      {"a", Revision(5000)}, {"b", Revision(5000)}, {"c", Revision(20)}, {"d", Revision(4500)}};
};

TEST_F(MembersChangeTest, ALearnerIsAddedPromotedDemotedAndRemoved) {
  const Member node{"e", "site e", "e:1", "spiffe://x/node/e"};
  StatusOr<Members> next = Make(Kind::kAddLearner, node);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->learners.back(), node);
  EXPECT_EQ(next->voters, current_.voters);

  next = Make(Kind::kPromote, {"d", "", "", ""});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->voters.back(), current_.learners.front()) << "with the address that it had";
  EXPECT_TRUE(next->learners.empty());

  next = Make(Kind::kDemote, {"b", "", "", ""});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_FALSE(next->IsVoter("b"));
  EXPECT_TRUE(next->IsMember("b"));

  next = Make(Kind::kRemove, {"b", "", "", ""});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_FALSE(next->IsMember("b"));

  next = Make(Kind::kReaddress, {"b", "", "elsewhere:1", ""});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(next->IsVoter("b"));
  EXPECT_TRUE(CheckMembersChange(current_, *next, applied_).ok());
}

TEST_F(MembersChangeTest, WhatIsSoAlreadyIsSaid) {
  EXPECT_EQ(Code(Kind::kAddLearner, {"d", "", "d:1", ""}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Code(Kind::kPromote, {"a", "", "", ""}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Code(Kind::kDemote, {"d", "", "", ""}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Code(Kind::kReaddress, {"a", "", "a:1", ""}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Code(Kind::kRemove, {"z", "", "", ""}), absl::StatusCode::kNotFound);
}

TEST_F(MembersChangeTest, ALearnerThatHasNotCaughtUpIsNotPromoted) {
  applied_["d"] = Revision(5000 - kPromotionLagMax);
  EXPECT_EQ(Code(Kind::kPromote, {"d", "", "", ""}), absl::StatusCode::kOk);
  applied_["d"] = Revision(5000 - kPromotionLagMax - 1);
  EXPECT_EQ(Code(Kind::kPromote, {"d", "", "", ""}), absl::StatusCode::kFailedPrecondition);
  applied_.erase("d");
  EXPECT_EQ(Code(Kind::kPromote, {"d", "", "", ""}), absl::StatusCode::kFailedPrecondition);
}

TEST_F(MembersChangeTest, MalformedRequests) {
  EXPECT_EQ(Code(Kind::kAddLearner, {"E!", "", "e:1", ""}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code(Kind::kAddLearner, {"e", "", "", ""}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code(Kind::kReaddress, {"a", "", "", ""}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code(Kind::kRemove, {"", "", "", ""}), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace anamnesis
