// Who is in the minority, from when on, and where.

#include "node/replication/state_digests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using Verdict = StateDigests::Verdict;

// The state after the batch at `revision` of a node whose history is `history`: one letter for each batch.
StateDigest StateOf(const std::string& history, size_t batches, bool log = true) {
  const std::string lived = history.substr(0, batches);
  return {Revision(10 * batches), Sha256(lived), TreeSize(3 * batches), log ? Sha256(lived) : Sha256("same")};
}

Members Voters(const std::vector<NodeId>& nodes, const std::vector<NodeId>& learners = {}) {
  Members members;
  for (const NodeId& node : nodes) members.voters.push_back({node, "", "", ""});
  for (const NodeId& node : learners) members.learners.push_back({node, "", "", ""});
  return members;
}

class StateDigestsTest : public testing::Test {
 protected:
  StateDigestsTest() { digests_.SetMembers(Voters({"a", "b", "c"}, {"l"})); }

  void Live(size_t from, size_t to) {
    for (size_t i = from; i <= to; ++i) digests_.OnOwn(StateOf("xxxxxxxxxxxx", i));
  }
  static std::vector<StateDigest> HistoryOf(const std::string& history, size_t from = 1, bool log = true) {
    std::vector<StateDigest> states;
    for (size_t i = from; i <= history.size(); ++i) states.push_back(StateOf(history, i, log));
    return states;
  }

  StateDigests digests_{"a"};
};

TEST_F(StateDigestsTest, WhoAgreesIsLeftAlone) {
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
  Live(1, 5);
  for (size_t i : {1, 3, 5, 2}) digests_.OnPeer("b", StateOf("xxxxxxx", i));
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
  EXPECT_FALSE(digests_.Differs("b"));
  EXPECT_EQ(digests_.latest(), StateOf("xxxxxxx", 5));
  EXPECT_EQ(digests_.History(), HistoryOf("xxxxx"));
}

TEST_F(StateDigestsTest, OneThatDiffersLeavesItOpenUntilTheThirdSpeaks) {
  Live(1, 5);
  digests_.OnPeer("c", StateOf("xxxxx", 3));
  digests_.OnPeer("b", StateOf("xxxyy", 5));
  EXPECT_TRUE(digests_.Differs("b"));
  // What c said is from before.
  EXPECT_EQ(digests_.verdict(), Verdict::kUndecided);
  digests_.OnPeer("c", StateOf("xxxxx", 5));
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
}

TEST_F(StateDigestsTest, OutvotedByAMajority) {
  Live(1, 5);
  digests_.OnPeer("b", StateOf("xxxyy", 5));
  digests_.OnPeer("c", StateOf("xxxyy", 4));
  EXPECT_EQ(digests_.verdict(), Verdict::kOutvoted);
}

TEST_F(StateDigestsTest, TwoVotersWithoutAMajority) {
  digests_.SetMembers(Voters({"a", "b"}));
  Live(1, 5);
  digests_.OnPeer("b", StateOf("xxxyy", 5));
  EXPECT_EQ(digests_.verdict(), Verdict::kUndecided);
}

TEST_F(StateDigestsTest, FiveVoters) {
  digests_.SetMembers(Voters({"a", "b", "c", "d", "e"}));
  Live(1, 5);
  digests_.OnPeer("b", StateOf("xxxyy", 5));
  digests_.OnPeer("c", StateOf("xxxyy", 5));
  EXPECT_EQ(digests_.verdict(), Verdict::kUndecided);
  digests_.OnPeer("d", StateOf("xxxxx", 5));
  EXPECT_EQ(digests_.verdict(), Verdict::kUndecided);
  digests_.OnPeer("e", StateOf("xxxxx", 5));
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
  digests_.OnPeer("e", StateOf("xxxxxz", 6));
  Live(6, 6);
  EXPECT_EQ(digests_.verdict(), Verdict::kOutvoted);
}

TEST_F(StateDigestsTest, LearnersAndStrangersHaveNoVote) {
  Live(1, 5);
  digests_.OnPeer("l", StateOf("yyyyy", 5));
  digests_.OnPeer("stranger", StateOf("yyyyy", 5));
  EXPECT_TRUE(digests_.Differs("l"));
  EXPECT_FALSE(digests_.Differs("stranger"));
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
}

TEST_F(StateDigestsTest, ALearnerIsOutvotedToo) {
  StateDigests digests("l");
  digests.SetMembers(Voters({"a", "b", "c"}, {"l"}));
  digests.OnOwn(StateOf("y", 1));
  digests.OnPeer("a", StateOf("x", 1));
  EXPECT_EQ(digests.verdict(), Verdict::kUndecided);
  digests.OnPeer("b", StateOf("x", 1));
  EXPECT_EQ(digests.verdict(), Verdict::kOutvoted);
}

TEST_F(StateDigestsTest, WhatIsAheadIsComparedWhenItIsReached) {
  Live(1, 2);
  digests_.OnPeer("b", StateOf("xxxyy", 4));
  digests_.OnPeer("c", StateOf("xxxyy", 5));
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
  Live(3, 3);
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
  Live(4, 4);
  EXPECT_EQ(digests_.verdict(), Verdict::kUndecided);
  Live(5, 5);
  EXPECT_EQ(digests_.verdict(), Verdict::kOutvoted);
}

TEST_F(StateDigestsTest, ABatchThatIsNotHereIsADifference) {
  Live(1, 2);
  Live(4, 5);
  digests_.OnPeer("b", StateOf("xxxxx", 3));
  EXPECT_TRUE(digests_.Differs("b"));
}

TEST_F(StateDigestsTest, WhatIsNotRememberedSaysNothing) {
  Live(3, 5);
  digests_.OnPeer("b", StateOf("yyyyy", 2));
  EXPECT_FALSE(digests_.Differs("b"));
}

TEST_F(StateDigestsTest, OneThatWasMendedAgreesAgain) {
  Live(1, 5);
  digests_.OnPeer("b", StateOf("xxxyy", 5));
  digests_.OnPeerHistory("b", HistoryOf("xxxyy"));
  EXPECT_TRUE(digests_.difference().has_value());
  Live(6, 6);
  digests_.OnPeer("b", StateOf("xxxxxx", 6));
  EXPECT_FALSE(digests_.Differs("b"));
  EXPECT_FALSE(digests_.difference().has_value());
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
}

TEST_F(StateDigestsTest, SaysWhere) {
  Live(1, 6);
  EXPECT_FALSE(digests_.difference().has_value());
  digests_.OnPeerHistory("b", HistoryOf("xxxyy"));
  const std::optional<StateDifference> found = digests_.difference();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->with, "b");
  EXPECT_EQ(found->agreed, Revision(30));
  EXPECT_EQ(found->differs, Revision(40));
  EXPECT_EQ(found->from, TreeSize(9));
  EXPECT_EQ(found->to, TreeSize(12));
  EXPECT_TRUE(found->logs_differ);
  EXPECT_THAT(found->ToText(), HasSubstr("leaves [9, 12)"));
  EXPECT_THAT(found->ToText(), HasSubstr("the logs differ"));
}

TEST_F(StateDigestsTest, SaysThatProjectionsDiffer) {
  for (size_t i = 1; i <= 6; ++i) digests_.OnOwn(StateOf("xxxxxx", i, false));
  digests_.OnPeerHistory("b", HistoryOf("xxxyy", 2, false));
  ASSERT_TRUE(digests_.difference().has_value());
  EXPECT_FALSE(digests_.difference()->logs_differ);
  EXPECT_THAT(digests_.difference()->ToText(), HasSubstr("projections differ"));
}

TEST_F(StateDigestsTest, AFirstDifferenceThatNobodyRemembers) {
  Live(4, 6);
  digests_.OnPeerHistory("b", HistoryOf("yyyyy"));
  ASSERT_TRUE(digests_.difference().has_value());
  EXPECT_FALSE(digests_.difference()->agreed.has_value());
  EXPECT_THAT(digests_.difference()->ToText(), HasSubstr("at revision 40 and before"));
}

TEST_F(StateDigestsTest, HistoriesThatAgreeOrDoNotMeetSayNothing) {
  Live(4, 6);
  digests_.OnPeerHistory("b", HistoryOf("xxxxxxx"));
  digests_.OnPeerHistory("c", HistoryOf("yy"));
  digests_.OnPeerHistory("c", {});
  EXPECT_FALSE(digests_.difference().has_value());
  EXPECT_EQ(digests_.verdict(), Verdict::kAgrees);
}

TEST_F(StateDigestsTest, MemoryIsBounded) {
  for (size_t i = 1; i <= 2 * StateDigests::kRememberedMax; ++i) {
    digests_.OnOwn({Revision(i), Sha256(Text(i)), TreeSize(i), Digest()});
  }
  EXPECT_EQ(digests_.History().size(), StateDigests::kRememberedMax);
  EXPECT_EQ(digests_.latest()->revision, Revision(2 * StateDigests::kRememberedMax));
}

}  // namespace
}  // namespace anamnesis
