#include "node/cluster/session_keys.h"

#include "gtest/gtest.h"

namespace anamnesis {
namespace {

TEST(SessionKeysTest, ADeletionEndsTheSessionThatWasThere) {
  SessionKeys keys;
  keys.Created("sessions/a", SessionId(10));
  keys.Created("sessions/b", SessionId(12));
  EXPECT_EQ(keys.Deleted("sessions/a", Revision(20)), SessionId(10));
  keys.Created("sessions/a", SessionId(21));
  EXPECT_EQ(keys.Deleted("sessions/a", Revision(30)), SessionId(21));
  EXPECT_EQ(keys.Deleted("sessions/b", Revision(31)), SessionId(12));
}

TEST(SessionKeysTest, AReplayedDeletionIsNotTheEndOfTheSessionThatFollowed) {
  SessionKeys keys;
  // The snapshot, at 50, has the node's newest session.
  keys.Created("sessions/a", SessionId(40));
  // The watch begins at 20, and shows the end of a session from before.
  EXPECT_EQ(keys.Deleted("sessions/a", Revision(25)), SessionId(0));
  // Then a whole one, then the beginning of the one that the snapshot has.
  keys.Created("sessions/a", SessionId(26));
  EXPECT_EQ(keys.Deleted("sessions/a", Revision(39)), SessionId(26));
  keys.Created("sessions/a", SessionId(40));
  EXPECT_EQ(keys.Deleted("sessions/a", Revision(60)), SessionId(40));
}

TEST(SessionKeysTest, AKeyThatWasNeverSeenEndsNothing) {
  EXPECT_EQ(SessionKeys().Deleted("sessions/a", Revision(60)), SessionId(0));
}

}  // namespace
}  // namespace anamnesis
