#include "node/replication/replica.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr int64_t kSecond = 1'000'000;

// One line for each action.
struct Describe {
  static std::string Name(const BatchId& id) { return Text(id.session.value, "/", id.number.value); }
  std::string operator()(const Watch& a) const { return Text("watch ", a.from.value); }
  std::string operator()(const OpenSession&) const { return "open session"; }
  std::string operator()(const CloseSession&) const { return "close session"; }
  std::string operator()(const OrderTransaction& a) const {
    return Text("order ", Name(a.record.id), " members ", a.members.value);
  }
  std::string operator()(const TrimSessions& a) const { return Text("trim ", a.sessions.size()); }
  std::string operator()(const Compact& a) const { return Text("compact ", a.revision.value); }
  std::string operator()(const SendStore& a) const { return Text("store ", Name(a.batch.id), " at ", a.to); }
  std::string operator()(const Acknowledge& a) const { return Text("acknowledge ", Name(a.id), " to ", a.to); }
  std::string operator()(const Fetch& a) const { return Text("fetch ", Name(a.batch.id), " from ", a.from); }
  std::string operator()(const PublishApplied& a) const { return Text("publish ", a.revision.value); }
  std::string operator()(const Stage& a) const { return Text("stage ", Name(a.batch.id)); }
  std::string operator()(const RemoveStaged& a) const {
    std::string line = "remove";
    for (const BatchId& id : a.ids) line += " " + Name(id);
    return line;
  }
  std::string operator()(const DeliverBatch& a) const {
    return Text("deliver ", Name(a.record.id), " at ", a.revision.value);
  }
  std::string operator()(const DeliverMembers& a) const { return Text("members at ", a.members.revision.value); }
  std::string operator()(const DeliverProgress& a) const { return Text("progress ", a.revision.value); }
  std::string operator()(const Settled& a) const { return Text("settled ", a.revision.value); }
  std::string operator()(const Dropped& a) const {
    return Text("dropped ", Name(a.id), a.fate == Dropped::Fate::kUnknown ? " unknown" : " not ordered");
  }
  std::string operator()(const NeedCatchUp& a) const { return Text("catch up to ", a.at_least.value); }
  std::string operator()(const Halt&) const { return "halt"; }
};

using Lines = std::vector<std::string>;

Digest DigestOf(std::string_view text) { return Sha256(text); }

Members Voters(std::initializer_list<const char*> nodes, uint64_t revision) {
  Members members;
  members.revision = Revision(revision);
  members.incarnation = 1;
  for (const char* node : nodes) members.voters.push_back({node, "", "", ""});
  return members;
}

BatchId Id(uint64_t session, uint64_t number) { return {SessionId(session), BatchNumber(number)}; }

OrderRecord Record(uint64_t session, uint64_t number, const NodeId& proposer) {
  return {Id(session, number), DigestOf(Text(session, "/", number)), 10, proposer};
}

// Node a of the voters a, b, c, whose members were put at revision 1.
class ReplicaTest : public ::testing::Test {
 protected:
  ReplicaTest() { Make({"a", Revision(0), {}, {}, {}}, {Revision(1), {}, Voters({"a", "b", "c"}, 1)}); }

  void Make(DurableState durable, const EtcdSnapshot& snapshot, ReplicaOptions options = ReplicaOptions()) {
    replica_ = std::make_unique<Replica>(std::move(durable), options);
    ASSERT_TRUE(replica_->Start(0, snapshot).ok());
  }
  Lines Actions() {
    Lines lines;
    for (const Action& action : replica_->TakeActions()) lines.push_back(std::visit(Describe(), action));
    return lines;
  }
  // The members are applied and session 5 is open.
  void Open() {
    replica_->OnMembersChanged(Voters({"a", "b", "c"}, 1));
    replica_->OnApplied(Revision(1));
    replica_->OnSessionCreated(Revision(5));
    replica_->OnSessionOpened(SessionId(5));
    Actions();
  }
  BatchId Propose(uint64_t number) {
    const StatusOr<BatchId> id = replica_->Propose(DigestOf(Text("5/", number)), 10);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : BatchId();
  }
  // Stored here and at b.
  void Store(uint64_t number) {
    replica_->OnStaged(Id(5, number));
    replica_->OnAcknowledged("b", Id(5, number), DigestOf(Text("5/", number)));
  }

  std::unique_ptr<Replica> replica_;
};

TEST_F(ReplicaTest, ABatchFromProposalToSettled) {
  EXPECT_EQ(Actions(), Lines({"watch 1", "publish 0", "open session"}));
  Open();
  EXPECT_EQ(Propose(1), Id(5, 1));
  EXPECT_EQ(Actions(), Lines({"stage 5/1", "store 5/1 at b", "store 5/1 at c"}));
  replica_->OnStaged(Id(5, 1));
  EXPECT_EQ(Actions(), Lines());
  replica_->OnAcknowledged("b", Id(5, 1), DigestOf("other bytes"));
  replica_->OnAcknowledged("x", Id(5, 1), DigestOf("5/1"));
  EXPECT_EQ(Actions(), Lines());
  replica_->OnAcknowledged("b", Id(5, 1), DigestOf("5/1"));
  EXPECT_EQ(Actions(), Lines({"order 5/1 members 1"}));
  replica_->OnOrderOutcome(Id(5, 1), {OrderOutcome::Kind::kOrdered, {}});
  replica_->OnOrderRecord(Revision(6), Record(5, 1, "a"));
  EXPECT_EQ(Actions(), Lines({"deliver 5/1 at 6"}));
  replica_->OnApplied(Revision(6));
  EXPECT_EQ(Actions(), Lines({"publish 6"}));
  replica_->OnPeerApplied("c", Revision(6));
  EXPECT_EQ(Actions(), Lines({"settled 6"}));
  replica_->OnPeerApplied("b", Revision(6));
  EXPECT_EQ(Actions(), Lines({"remove 5/1"}));
  replica_->OnProgress(Revision(9));
  EXPECT_EQ(Actions(), Lines({"settled 9"}));
}

TEST_F(ReplicaTest, ANodeThatLeavesEndsItsSession) {
  Open();
  Propose(1);
  Actions();
  replica_->OnMembersChanged(Voters({"b", "c"}, 6));
  EXPECT_EQ(Actions(),
            Lines({"store 5/1 at b", "store 5/1 at c", "dropped 5/1 not ordered", "close session", "members at 6"}));
  EXPECT_FALSE(replica_->Propose(DigestOf("x"), 10).ok());
  replica_->OnMembersChanged(Voters({"a", "b", "c"}, 7));
  EXPECT_EQ(Actions(), Lines({"open session", "members at 7"}));
  replica_->OnMembersChanged(Voters({"b", "c"}, 8));
  replica_->OnSessionOpened(SessionId(9));
  EXPECT_EQ(Actions(), Lines({"members at 8", "close session"}));
}

TEST_F(ReplicaTest, WhoLeftIsAskedForWhatWasOrderedBefore) {
  Open();
  replica_->OnOrderRecord(Revision(6), Record(4, 1, "c"));
  replica_->OnMembersChanged(Voters({"a", "b"}, 7));
  EXPECT_TRUE(replica_->reachable().IsMember("c"));
  EXPECT_EQ(Actions(), Lines({"fetch 4/1 from c"}));
  replica_->OnFetchFailed("c", Id(4, 1), FetchFailure::kNotNow);
  EXPECT_EQ(Actions(), Lines({"fetch 4/1 from b"}));
  replica_->OnFetchFailed("b", Id(4, 1), FetchFailure::kNotNow);
  replica_->Tick(2 * kSecond);
  EXPECT_EQ(Actions(), Lines({"publish 1", "fetch 4/1 from c"}));
  replica_->OnFetched("c", Id(4, 1), DigestOf("4/1"));
  replica_->OnStaged(Id(4, 1));
  EXPECT_EQ(Actions(), Lines({"stage 4/1", "deliver 4/1 at 6", "members at 7"}));
  replica_->OnApplied(Revision(7));
  EXPECT_FALSE(replica_->reachable().IsMember("c"));
}

TEST_F(ReplicaTest, WhoIsSilentIsAskedLast) {
  Open();
  replica_->OnPeerApplied("b", Revision(0));
  replica_->OnOrderRecord(Revision(6), Record(4, 1, "c"));
  EXPECT_EQ(Actions(), Lines({"fetch 4/1 from b"}));
}

// It was started again when etcd had the change and its disk had not.
TEST_F(ReplicaTest, WhoLeftBeforeTheStartIsAskedToo) {
  Make({"a", Revision(5), {}, Voters({"a", "b", "c"}, 1), {}}, {Revision(9), {}, Voters({"a", "b"}, 7)});
  EXPECT_TRUE(replica_->reachable().IsMember("c"));
  EXPECT_FALSE(replica_->members().IsMember("c"));
}

// Else, while nothing is ordered, what the first has noted would not be settled there, and a read that waits for it
// would wait for ever.
TEST_F(ReplicaTest, WhatOneNotesOfAQuietOrderTheOthersNoteToo) {
  ReplicaOptions options;
  options.progress_revisions = 10;
  Make({"a", Revision(0), {}, {}, {}}, {Revision(1), {}, Voters({"a", "b", "c"}, 1)}, options);
  Open();
  replica_->OnPeerApplied("b", Revision(1));
  EXPECT_EQ(Actions(), Lines({"settled 5"}));
  replica_->OnProgress(Revision(11));
  EXPECT_EQ(Actions(), Lines({"progress 11", "settled 10"}));
  replica_->OnApplied(Revision(11));
  EXPECT_EQ(Actions(), Lines({"publish 11"}));
  replica_->OnProgress(Revision(12));
  EXPECT_EQ(Actions(), Lines());
  replica_->OnPeerApplied("b", Revision(11));
  EXPECT_EQ(Actions(), Lines({"settled 12"}));

  options.progress_revisions = 1000;
  Make({"a", Revision(0), {}, {}, {}}, {Revision(1), {}, Voters({"a", "b", "c"}, 1)}, options);
  Open();
  replica_->OnProgress(Revision(9));
  // What this node has not seen itself may hold a batch.
  replica_->OnPeerApplied("b", Revision(11));
  EXPECT_EQ(Actions(), Lines({"settled 9"}));
  replica_->OnProgress(Revision(13));
  EXPECT_EQ(Actions(), Lines({"progress 11", "settled 10"}));
  replica_->OnApplied(Revision(11));
  EXPECT_EQ(Actions(), Lines({"publish 11", "settled 13"}));
  replica_->OnProgress(Revision(14));
  EXPECT_EQ(Actions(), Lines({"settled 14"}));
}

TEST_F(ReplicaTest, OrdersOneAtATimeByNumber) {
  Open();
  Propose(1);
  Propose(2);
  Actions();
  Store(2);
  EXPECT_EQ(Actions(), Lines());
  Store(1);
  EXPECT_EQ(Actions(), Lines({"order 5/1 members 1"}));
  replica_->OnOrderRecord(Revision(6), Record(5, 1, "a"));
  EXPECT_EQ(Actions(), Lines({"deliver 5/1 at 6", "order 5/2 members 1"}));
  replica_->OnOrderOutcome(Id(5, 1), {OrderOutcome::Kind::kUnknown, {}});
  EXPECT_EQ(Actions(), Lines());
}

TEST_F(ReplicaTest, AnUnknownOutcomeIsAskedAgain) {
  Open();
  Propose(1);
  Store(1);
  Actions();
  replica_->OnOrderOutcome(Id(5, 1), {OrderOutcome::Kind::kUnknown, {}});
  EXPECT_EQ(Actions(), Lines());
  replica_->Tick(kSecond / 2);
  EXPECT_EQ(Actions(), Lines({"order 5/1 members 1"}));
  replica_->OnOrderOutcome(Id(5, 1), {OrderOutcome::Kind::kKeyExists, DigestOf("5/1")});
  replica_->Tick(kSecond * 9 / 10);
  EXPECT_EQ(Actions(), Lines());
  replica_->OnOrderRecord(Revision(6), Record(5, 1, "a"));
  EXPECT_EQ(Actions(), Lines({"deliver 5/1 at 6"}));
}

TEST_F(ReplicaTest, WhenMembersChangeTheMajorityIsCountedAgain) {
  Open();
  Propose(1);
  Store(1);
  Actions();
  replica_->OnOrderOutcome(Id(5, 1), {OrderOutcome::Kind::kMembersChanged, {}});
  EXPECT_EQ(Actions(), Lines());
  replica_->OnMembersChanged(Voters({"a", "b", "c", "d"}, 7));
  EXPECT_EQ(Actions(), Lines({"store 5/1 at c", "store 5/1 at d", "members at 7"}));
  replica_->OnAcknowledged("d", Id(5, 1), DigestOf("5/1"));
  EXPECT_EQ(Actions(), Lines({"order 5/1 members 7"}));
}

TEST_F(ReplicaTest, WhenTheSessionIsLostFatesAreTold) {
  Open();
  Propose(1);
  Propose(2);
  Store(1);
  Actions();
  replica_->OnSessionLost(SessionId(4));
  EXPECT_EQ(Actions(), Lines());
  replica_->OnSessionLost(SessionId(5));
  EXPECT_EQ(Actions(), Lines({"dropped 5/1 unknown", "dropped 5/2 not ordered", "open session"}));
  EXPECT_EQ(replica_->Propose(DigestOf("x"), 10).status().code(), absl::StatusCode::kUnavailable);
  // It was ordered after all.
  replica_->OnOrderRecord(Revision(6), Record(5, 1, "a"));
  EXPECT_EQ(Actions(), Lines({"deliver 5/1 at 6"}));
  replica_->OnSessionDeleted(Revision(7), SessionId(5));
  EXPECT_EQ(Actions(), Lines());
  replica_->OnStaged(Id(5, 2));
  replica_->OnApplied(Revision(6));
  EXPECT_EQ(Actions(), Lines({"publish 6", "remove 5/2"}));
}

TEST_F(ReplicaTest, RefusedForTheSessionIsCertain) {
  Open();
  Propose(1);
  Store(1);
  Actions();
  replica_->OnOrderOutcome(Id(5, 1), {OrderOutcome::Kind::kSessionEnded, {}});
  EXPECT_EQ(Actions(), Lines({"dropped 5/1 not ordered", "open session"}));
}

TEST_F(ReplicaTest, StoresForOthersAndRefusesWhatNobodyWouldRemove) {
  Open();
  replica_->OnSessionCreated(Revision(8));
  replica_->OnStoreRequest(Record(8, 1, "b"));
  EXPECT_EQ(Actions(), Lines({"stage 8/1"}));
  replica_->OnStoreRequest(Record(8, 1, "b"));
  EXPECT_EQ(Actions(), Lines());
  replica_->OnStaged(Id(8, 1));
  EXPECT_EQ(Actions(), Lines({"acknowledge 8/1 to b"}));
  replica_->OnStoreRequest(Record(8, 1, "b"));
  EXPECT_EQ(Actions(), Lines({"acknowledge 8/1 to b"}));
  OrderRecord other = Record(8, 1, "b");
  other.digest = DigestOf("other bytes");
  replica_->OnStoreRequest(other);
  replica_->OnStoreRequest(Record(8, 66, "b"));
  replica_->OnStoreRequest(Record(7, 1, "b"));
  EXPECT_EQ(Actions(), Lines()) << "other bytes, too far ahead, no such session any more";
  replica_->OnStoreRequest(Record(9, 1, "b"));
  EXPECT_EQ(Actions(), Lines({"stage 9/1"})) << "a session that the watch has not shown yet";
  replica_->OnStageFailed(Id(9, 1));
  EXPECT_EQ(Actions(), Lines());
  replica_->OnStoreRequest(Record(9, 1, "b"));
  EXPECT_EQ(Actions(), Lines({"stage 9/1"}));
}

TEST_F(ReplicaTest, FetchesWhatIsMissing) {
  Open();
  replica_->OnOrderRecord(Revision(10), Record(8, 1, "c"));
  EXPECT_EQ(Actions(), Lines({"fetch 8/1 from c"}));
  replica_->OnFetchFailed("c", Id(8, 1), FetchFailure::kNotNow);
  EXPECT_EQ(Actions(), Lines({"fetch 8/1 from b"}));
  replica_->OnFetched("b", Id(8, 1), DigestOf("other bytes"));
  EXPECT_EQ(Actions(), Lines());
  replica_->Tick(2 * kSecond);
  EXPECT_EQ(Actions(), Lines({"publish 1", "fetch 8/1 from c"}));
  replica_->OnFetched("c", Id(8, 1), DigestOf("8/1"));
  EXPECT_EQ(Actions(), Lines({"stage 8/1"}));
  replica_->OnStaged(Id(8, 1));
  EXPECT_EQ(Actions(), Lines({"deliver 8/1 at 10"}));
}

TEST_F(ReplicaTest, CatchesUpWhenNobodyKeepsTheBytes) {
  Open();
  replica_->OnOrderRecord(Revision(10), Record(8, 1, "c"));
  for (int round = 1; round <= 3; ++round) {
    replica_->OnFetchFailed("c", Id(8, 1), FetchFailure::kGone);
    replica_->OnFetchFailed("b", Id(8, 1), FetchFailure::kNotNow);
    replica_->Tick(round * 2 * kSecond);
  }
  EXPECT_TRUE(replica_->catching_up());
  Actions();
  replica_->OnStoreRequest(Record(11, 1, "b"));
  EXPECT_EQ(Actions(), Lines({"stage 11/1"})) << "it still stores for others";
}

TEST_F(ReplicaTest, CompactedHistory) {
  Open();
  const Members members = replica_->members();
  replica_->OnCompacted({Revision(0)}, {Revision(5), {SessionId(5)}, members});
  EXPECT_EQ(Actions(), Lines({"watch 6"})) << "there is nothing more";
  replica_->OnCompacted({Revision(0)}, {Revision(9), {SessionId(5)}, members});
  EXPECT_EQ(Actions(), Lines({"watch 10"})) << "nothing that is to be applied";
  EXPECT_EQ(replica_->session(), SessionId(5));
  replica_->OnCompacted({Revision(0), {{Revision(11), Record(8, 1, "c")}}}, {Revision(14), {SessionId(5)}, members});
  EXPECT_EQ(Actions(), Lines({"fetch 8/1 from c", "watch 15"})) << "what was ordered";
  replica_->OnCompacted({Revision(13), {}}, {Revision(16), {SessionId(5)}, members});
  EXPECT_EQ(Actions(), Lines({"watch 15"})) << "nothing that was not shown already";
  Propose(1);
  Actions();
  replica_->OnCompacted({Revision(16)}, {Revision(18), {SessionId(5)}, members});
  EXPECT_EQ(Actions(), Lines({"dropped 5/1 not ordered", "catch up to 16"}));
  EXPECT_FALSE(replica_->wants_watch());
}

TEST_F(ReplicaTest, AChangeOfMembersInCompactedHistory) {
  Open();
  Members members = Voters({"a", "b"}, 12);
  members.replaces = Revision(1);
  replica_->OnCompacted({Revision(0), {{Revision(10), Record(8, 1, "c")}, {Revision(14), Record(9, 1, "b")}}},
                        {Revision(14), {SessionId(5)}, members});
  replica_->OnFetched("c", Id(8, 1), DigestOf("8/1"));
  replica_->OnStaged(Id(8, 1));
  EXPECT_THAT(Actions(), testing::IsSupersetOf({"deliver 8/1 at 10", "members at 12", "fetch 9/1 from b", "watch 15"}));
  members.revision = Revision(18);
  members.replaces = Revision(16);
  replica_->OnCompacted({Revision(0)}, {Revision(20), {SessionId(5)}, members});
  EXPECT_THAT(Actions(), testing::Contains("catch up to 18")) << "there was another between";
}

TEST_F(ReplicaTest, WhatEndedInCompactedHistoryHasEnded) {
  Open();
  replica_->OnSessionCreated(Revision(8));
  replica_->OnStoreRequest(Record(8, 1, "b"));
  replica_->OnStaged(Id(8, 1));
  Propose(1);
  Actions();
  replica_->OnCompacted({Revision(0)}, {Revision(20), {}, replica_->members()});
  const std::vector<std::string> actions = Actions();
  EXPECT_THAT(actions, testing::IsSupersetOf({"dropped 5/1 not ordered", "open session", "watch 21"}));
  EXPECT_THAT(actions, testing::Contains(testing::HasSubstr(" 8/1"))) << "of a session that orders nothing more";
  EXPECT_EQ(replica_->session(), SessionId(0));
}

TEST_F(ReplicaTest, WhatCantBeWrittenIsNotFetchedAgainAtOnce) {
  Open();
  replica_->OnOrderRecord(Revision(10), Record(8, 1, "c"));
  replica_->OnFetched("c", Id(8, 1), DigestOf("8/1"));
  EXPECT_EQ(Actions(), Lines({"fetch 8/1 from c", "stage 8/1"}));
  replica_->OnStageFailed(Id(8, 1));
  replica_->OnOrderRecord(Revision(11), Record(8, 2, "c"));
  EXPECT_EQ(Actions(), Lines()) << "there is no space for that either";
  replica_->Tick(2 * kSecond);
  EXPECT_EQ(Actions(), Lines({"publish 1", "fetch 8/1 from c", "fetch 8/2 from c"}));
  replica_->OnFetched("c", Id(8, 1), DigestOf("8/1"));
  replica_->OnStageFailed(Id(8, 1));
  Actions();
  replica_->Tick(3 * kSecond + kSecond / 2);
  EXPECT_THAT(Actions(), testing::Not(testing::Contains("fetch 8/1 from c"))) << "the pause grows";
  replica_->Tick(5 * kSecond);
  EXPECT_THAT(Actions(), testing::Contains("fetch 8/1 from c"));
}

TEST_F(ReplicaTest, AMemberThatWasNeverHeardHoldsUpTrimmingNoLongerThanOneThatIsBehind) {
  ReplicaOptions options;
  options.far_behind_revisions = 50;
  options.compact_revisions = 20;
  const Members members = Voters({"a", "b", "c"}, 1);
  Make({"a", Revision(1), {}, members, {}}, {Revision(1), {}, members}, options);
  Actions();
  const auto compacts = [&](uint64_t revision) {
    replica_->OnProgress(Revision(revision));
    replica_->OnPeerApplied("b", Revision(revision));
    replica_->OnApplied(Revision(revision));
    const std::vector<std::string> actions = Actions();
    return std::any_of(actions.begin(), actions.end(),
                       [](const std::string& line) { return line.starts_with("compact"); });
  };
  EXPECT_FALSE(compacts(40));
  EXPECT_TRUE(compacts(60));
}

TEST_F(ReplicaTest, StartsFromTheDisk) {
  // 3/1 is applied, session 3 is gone, session 4 lives.
  Make({"a",
        Revision(20),
        {{SessionId(3), BatchNumber(1)}},
        Voters({"a", "b", "c"}, 1),
        {{Id(3, 1), DigestOf("3/1"), 10}, {Id(3, 2), DigestOf("3/2"), 10}, {Id(4, 1), DigestOf("4/1"), 10}}},
       {Revision(30), {SessionId(4)}, Voters({"a", "b", "c"}, 1)});
  EXPECT_EQ(Actions(), Lines({"watch 21", "publish 20", "open session"}));
  replica_->OnOrderRecord(Revision(25), Record(4, 1, "b"));
  EXPECT_EQ(Actions(), Lines({"deliver 4/1 at 25"}));
  replica_->OnApplied(Revision(25));
  EXPECT_EQ(Actions(), Lines({"publish 25"}));
  replica_->OnProgress(Revision(30));
  EXPECT_EQ(Actions(), Lines({"remove 3/2"})) << "not before everything up to the snapshot is applied";
  replica_->OnPeerApplied("b", Revision(20));
  replica_->OnPeerApplied("c", Revision(22));
  EXPECT_EQ(Actions(), Lines({"settled 20", "settled 22", "remove 3/1"}));
}

TEST_F(ReplicaTest, AtItsStartItTrimsOnlyWhatIsThere) {
  const Members members = Voters({"a", "b", "c"}, 1);
  AppliedNumbers numbers;
  for (uint64_t session = 2; session < 20; ++session) numbers[SessionId(session)] = BatchNumber(3);
  Make({"a", Revision(20), numbers, members, {}},
       {Revision(20), {SessionId(19)}, members, {SessionId(4), SessionId(9), SessionId(19)}});
  Actions();
  replica_->OnPeerApplied("b", Revision(20));
  replica_->OnPeerApplied("c", Revision(20));
  EXPECT_EQ(Actions(), Lines({"settled 20", "trim 2"})) << "the third goes on";
}

TEST_F(ReplicaTest, WhatIsLostInStagingIsFetchedAndDeliveredAgain) {
  const Members members = Voters({"a", "b", "c"}, 1);
  Make({"a", Revision(4), {}, members, {{Id(3, 1), DigestOf("3/1"), 10}, {Id(3, 2), DigestOf("3/2"), 10}}},
       {Revision(4), {SessionId(3)}, members});
  Actions();
  replica_->OnOrderRecord(Revision(5), Record(3, 1, "b"));
  replica_->OnOrderRecord(Revision(6), Record(3, 2, "b"));
  EXPECT_EQ(Actions(), Lines({"deliver 3/1 at 5", "deliver 3/2 at 6"}));
  replica_->OnStagedLost(Id(3, 1));
  EXPECT_EQ(Actions(), Lines({"fetch 3/1 from b"}));
  replica_->OnFetched("b", Id(3, 1), DigestOf("3/1"));
  EXPECT_EQ(Actions(), Lines({"stage 3/1"}));
  EXPECT_TRUE(replica_->OnStaged(Id(3, 1)));
  EXPECT_EQ(Actions(), Lines({"deliver 3/1 at 5", "deliver 3/2 at 6"}));
  replica_->OnApplied(Revision(6));
  replica_->OnStagedLost(Id(3, 1));
  EXPECT_EQ(replica_->applied(), Revision(6)) << "and nothing happens once it is applied";
}

TEST_F(ReplicaTest, DoesNotStartOnAnEtcdThatIsNotItsOwn) {
  const Members members = Voters({"a", "b", "c"}, 1);
  const auto start = [&](const EtcdSnapshot& snapshot) {
    return Replica({"a", Revision(20), {}, members, {}}, ReplicaOptions()).Start(0, snapshot).code();
  };
  EXPECT_EQ(start({Revision(20), {}, members}), absl::StatusCode::kOk);
  EXPECT_EQ(start({Revision(19), {}, members}), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(start({Revision(20), {}, Members()}), absl::StatusCode::kFailedPrecondition);
  Members recovered = members;
  recovered.incarnation = 2;
  EXPECT_EQ(start({Revision(20), {}, recovered}), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ReplicaTest, Bounds) {
  ReplicaOptions options;
  options.proposals_max = 2;
  options.proposed_bytes_max = 100;
  options.session_batches_max = 3;
  Make({"a", Revision(0), {}, {}, {}}, {Revision(1), {}, Voters({"a"}, 1)}, options);
  replica_->OnSessionOpened(SessionId(5));
  const auto propose = [&](uint64_t bytes) { return replica_->Propose(DigestOf("x"), bytes).status().code(); };
  EXPECT_EQ(propose(0), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(propose(101), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(propose(60), absl::StatusCode::kOk);
  EXPECT_EQ(propose(60), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(propose(40), absl::StatusCode::kOk);
  EXPECT_EQ(propose(1), absl::StatusCode::kResourceExhausted);
  const auto order = [&](uint64_t number, uint64_t revision) {
    OrderRecord record = Record(5, number, "a");
    record.digest = DigestOf("x");
    record.size_bytes = number == 1 ? 60 : 40;
    replica_->OnOrderRecord(Revision(revision), record);
  };
  order(1, 6);
  EXPECT_EQ(propose(40), absl::StatusCode::kOk);
  order(2, 7);
  EXPECT_EQ(propose(1), absl::StatusCode::kUnavailable) << "the session is full";
  Actions();
  order(3, 8);
  EXPECT_EQ(Actions(), Lines({"deliver 5/3 at 8", "open session"}));
}

TEST_F(ReplicaTest, HaltsWhenEtcdContradictsIt) {
  Open();
  Propose(1);
  Actions();
  OrderRecord forged = Record(5, 1, "a");
  forged.digest = DigestOf("other bytes");
  replica_->OnOrderRecord(Revision(6), forged);
  EXPECT_EQ(Actions(), Lines({"dropped 5/1 unknown", "halt"}));
  replica_->Tick(10 * kSecond);
  EXPECT_EQ(Actions(), Lines());
  EXPECT_EQ(replica_->Propose(DigestOf("x"), 10).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ReplicaTest, HaltsAtWhatCantBeRead) {
  Open();
  Propose(1);
  Actions();
  replica_->OnUnreadable(absl::DataLossError("no record"));
  EXPECT_EQ(Actions(), Lines({"dropped 5/1 unknown", "halt"}));
  replica_->OnOrderRecord(Revision(7), Record(5, 1, "a"));
  EXPECT_EQ(Actions(), Lines());
}

}  // namespace
}  // namespace anamnesis
