#include "node/replication/members.h"

#include "gtest/gtest.h"

namespace anamnesis {
namespace {

Members Of(std::initializer_list<const char*> voters, std::initializer_list<const char*> learners = {},
           uint64_t revision = 10) {
  Members members;
  members.revision = Revision(revision);
  members.incarnation = 1;
  for (const char* node : voters) members.voters.push_back({node, "", "", ""});
  for (const char* node : learners) members.learners.push_back({node, "", "", ""});
  return members;
}

TEST(MembersTest, MajorityIsMoreThanHalfOfTheVoters) {
  EXPECT_TRUE(IsMajority(Of({"a", "b", "c"}), {"a", "c"}));
  EXPECT_FALSE(IsMajority(Of({"a", "b", "c"}), {"a"}));
  EXPECT_FALSE(IsMajority(Of({"a", "b"}), {"a"}));
  EXPECT_FALSE(IsMajority(Of({"a", "b", "c"}, {"d"}), {"a", "d", "e"}));
  EXPECT_FALSE(IsMajority(Members(), {"a"}));
}

TEST(MembersTest, ReachedByMajority) {
  const Members three = Of({"a", "b", "c"});
  EXPECT_EQ(ReachedByMajority(three, {{"a", Revision(5)}, {"b", Revision(7)}, {"c", Revision(9)}}), Revision(7));
  EXPECT_EQ(ReachedByMajority(three, {{"a", Revision(5)}, {"b", Revision(7)}}), Revision(5));
  EXPECT_EQ(ReachedByMajority(three, {{"a", Revision(5)}, {"z", Revision(7)}}), Revision(0));
  EXPECT_EQ(ReachedByMajority(Of({"a", "b"}), {{"a", Revision(5)}, {"b", Revision(7)}}), Revision(5));
  EXPECT_EQ(ReachedByMajority(Members(), {{"a", Revision(5)}}), Revision(0));
}

TEST(MembersTest, OneVoterAtATime) {
  const Members current = Of({"a", "b", "c"}, {"d"});
  const absl::btree_map<NodeId, Revision> applied = {{"a", Revision(10)}, {"b", Revision(12)}};
  EXPECT_TRUE(CheckMembersChange(current, Of({"a", "b", "c", "d"}), applied).ok());
  EXPECT_TRUE(CheckMembersChange(current, Of({"a", "b"}, {"c", "d", "e"}), applied).ok());
  const auto code = [&](const Members& next) { return CheckMembersChange(current, next, applied).code(); };
  EXPECT_EQ(code(Of({"a", "b", "d"})), absl::StatusCode::kInvalidArgument) << "one swapped for another";
  EXPECT_EQ(code(Of({"a"})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Of({})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Of({"a", "b", "c"}, {"c"})), absl::StatusCode::kInvalidArgument) << "a node twice";
  EXPECT_EQ(code(Of({"a", "b", "c", "D!"})), absl::StatusCode::kInvalidArgument);
  Members shared = Of({"a", "b", "c", "d"});
  shared.voters[3].certificate_name = "b";
  EXPECT_EQ(code(shared), absl::StatusCode::kInvalidArgument) << "one certificate for two";
  Members other = current;
  other.incarnation = 2;
  EXPECT_EQ(code(other), absl::StatusCode::kInvalidArgument);
}

TEST(MembersTest, TheNextChangeWaitsForTheLast) {
  const Members current = Of({"a", "b", "c"});
  const Members next = Of({"a", "b"});
  EXPECT_EQ(CheckMembersChange(current, next, {{"a", Revision(10)}, {"b", Revision(9)}}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(CheckMembersChange(current, next, {{"a", Revision(10)}, {"c", Revision(10)}}).ok());
}

}  // namespace
}  // namespace anamnesis
