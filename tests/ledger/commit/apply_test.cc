#include "ledger/commit/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/refused_attempts.h"
#include "tests/ledger/rules/refusals.h"
#include "tests/support/projected_history.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

std::shared_ptr<const AdmittedRun> Admitted(const v1::Run& run) {
  StatusOr<AdmittedRun> admitted = AdmitRun(run, kTestOrigin);
  EXPECT_TRUE(admitted.ok()) << admitted.status();
  return std::make_shared<const AdmittedRun>(*std::move(admitted));
}

Batch BatchOf(Timestamp proposed, const std::vector<v1::Run>& runs) {
  Batch batch;
  batch.proposed = proposed;
  for (const v1::Run& run : runs) batch.runs.push_back(Admitted(run));
  return batch;
}

LedgerState EmptyState() {
  LedgerState state;
  state.origin = kTestOrigin;
  return state;
}

class ApplyTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(ledger_.Append(admin_.Write(FoundingDrafts(admin_))).ok()); }

  std::string Leaf(uint64_t index) { return ledger_.rows().Get(Family::kLeaves, LeafKey(LeafIndex(index)))->value(); }
  internal::AppliedState Applied() {
    internal::AppliedState applied;
    EXPECT_TRUE(applied.ParseFromString(ledger_.rows().Get(Family::kMeta, kAppliedKey)->value()));
    return applied;
  }

  TestLedger ledger_;
  TestWriter admin_{"person", "admin", 1};
};

// The rules that an integration test is found to break when two unit tests came before it and the second was taken
// back.
std::vector<std::string> FindingsOnIntegration(bool in_one_batch) {
  TestLedger ledger;
  TestWriter admin{"person", "admin", 1};
  EXPECT_TRUE(ledger.Append(admin.Write(FoundingDrafts(admin))).ok());
  const v1::Run roles = admin.Write({GrantRole("admin", v1::AUTHOR), GrantRole("admin", v1::VERIFIER)});
  EXPECT_TRUE(ledger.Append(roles).ok());
  v1::SoftwareItemIdentified item;
  item.set_name("alert");
  item.set_level(v1::SoftwareItemIdentified::ITEM);
  item.set_trainability(v1::SoftwareItemIdentified::FIXED);
  v1::SafetyClassAssigned assigned;
  assigned.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  v1::TestCaseApproved approved;
  approved.set_level(v1::UNIT);
  approved.set_procedure("run it");
  approved.set_expected("as before");
  const auto test = [](v1::TestLevel level, const std::string& id) {
    v1::TestRunCompleted body;
    body.set_level(level);
    body.set_result(v1::TestRunCompleted::PASS);
    body.set_configuration_digest(std::string(Digest::kSize, 'c'));
    body.set_test_configuration("bench");
    body.add_tools("harness");
    body.add_unit_criteria("boundaries");
    return DraftWith(body, {"test_run=test_run:" + id, "test_case=test_case:unit@1", "item=software_item:alert",
                            "tester=person:admin"});
  };
  std::vector<v1::Run> runs;
  runs.push_back(admin.Write({DraftWith(item, {"item=software_item:alert"})}));
  runs.push_back(admin.Write({DraftWith(assigned, {"item=software_item:alert"})}));
  runs.push_back(admin.Write({DraftWith(approved, {"test_case=test_case:unit@1"})}));
  runs.push_back(admin.Write({test(v1::UNIT, "first")}));
  runs.push_back(admin.Write({test(v1::UNIT, "second")}));
  runs.push_back(admin.Write({Correct(admin.LastId(), v1::RecordCorrected::RETRACTED)}));
  runs.push_back(admin.Write({test(v1::INTEGRATION, "third")}));
  std::vector<std::string> broken;
  for (size_t from = 0; from < runs.size(); from += in_one_batch ? runs.size() : 1) {
    const std::vector<v1::Run> some(runs.begin() + static_cast<ptrdiff_t>(from),
                                    in_one_batch ? runs.end() : runs.begin() + static_cast<ptrdiff_t>(from) + 1);
    const CommitBatch commit = ledger.Commit(BatchOf(ledger.next_proposed(), some));
    for (const RunVerdict& verdict : commit.verdicts) EXPECT_TRUE(verdict.status.ok()) << verdict.status;
    broken.clear();
    for (const v1::EventFinding& each : commit.verdicts.back().findings) broken.push_back(each.finding().rule());
  }
  return broken;
}

TEST(ApplyGrouping, WhatWasTakenBackGivesPlaceToTheOneBeforeHoweverRunsAreGrouped) {
  const std::vector<std::string> apart = FindingsOnIntegration(false);
  EXPECT_EQ(std::count(apart.begin(), apart.end(), "UNIT-BEFORE-INTEGRATION"), 0);
  EXPECT_EQ(FindingsOnIntegration(true), apart);
}

TEST_F(ApplyTest, AnEmptyBatchMovesTheRevisionOnly) {
  const Digest root = ledger_.state().frontier.Root();
  const CommitBatch commit = ledger_.Commit(BatchOf(kTestStart, {}));
  EXPECT_TRUE(commit.verdicts.empty());
  EXPECT_EQ(ledger_.state().revision, Revision(2));
  EXPECT_EQ(Applied().revision(), 2u);
  EXPECT_EQ(Applied().tree_size(), 3u);
  EXPECT_EQ(Applied().root(), root.bytes());
}

TEST_F(ApplyTest, AppliedStateLeavesAndTilesAgree) {
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(ledger_.Append(admin_.Write({ReferToDocument("d")})).ok());
  const internal::AppliedState applied = Applied();
  EXPECT_EQ(applied.tree_size(), 303u);
  EXPECT_EQ(applied.last_recorded_us(), ledger_.state().last_recorded.us);
  Frontier frontier;
  for (uint64_t i = 0; i < 303; ++i) frontier.Append(LeafHash(Leaf(i)));
  EXPECT_EQ(applied.root(), frontier.Root().bytes());
  const StatusOr<Frontier> loaded = Frontier::Load(StoredTiles(ledger_.rows()), TreeSize(303));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->Root(), frontier.Root());
}

TEST_F(ApplyTest, OnlyTheLastLeafOfARunHasTheSeal) {
  const v1::Run run = admin_.Write({ReferToDocument("a"), ReferToDocument("b"), ReferToDocument("c")});
  ASSERT_TRUE(ledger_.Append(run).ok());
  for (uint64_t i = 0; i < 3; ++i) {
    const std::string leaf = Leaf(3 + i);
    const StatusOr<LeafView> view = ParseLeaf(leaf);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->header, run.headers(static_cast<int>(i)));
    ASSERT_EQ(view->seal.has_value(), i == 2);
    if (i == 2) {
      EXPECT_EQ(view->seal->statement, run.seal().statement());
      EXPECT_EQ(view->seal->signature, run.seal().signature());
    }
  }
}

TEST_F(ApplyTest, RecordedTimesIncreaseWhateverIsProposed) {
  std::mt19937_64 random(4);
  Timestamp last = ledger_.state().last_recorded;
  for (int i = 0; i < 200; ++i) {
    const Timestamp proposed(kTestStart.us + static_cast<int64_t>(random() % 2000) - 1000);
    const StatusOr<RunVerdict> verdict =
        ledger_.AppendAt(proposed, admin_.Write({ReferToDocument("a"), ReferToDocument("b")}));
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    for (Timestamp recorded : verdict->recorded) {
      EXPECT_EQ(recorded, std::max(proposed, Timestamp(last.us + 1)));
      last = recorded;
    }
  }
  // The leaves say the same.
  Timestamp before = kTimestampMin;
  for (uint64_t i = 0; i < ledger_.size().value; ++i) {
    const std::string leaf = Leaf(i);
    EXPECT_GT(ParseLeaf(leaf)->recorded, before);
    before = ParseLeaf(leaf)->recorded;
  }
}

TEST_F(ApplyTest, OfARefusedRunNothingIsWrittenButThatItWasAttemptedAndTheOthersStand) {
  TestWriter stranger("person", "stranger", 9);
  const v1::Run first = admin_.Write({ReferToDocument("a")});
  const v1::Run refused = stranger.Write({ReferToDocument("x"), ReferToDocument("y")});
  const v1::Run second = admin_.Write({ReferToDocument("b")});
  const CommitBatch commit = ledger_.Commit(BatchOf(kTestStart, {first, refused, second}));
  ASSERT_EQ(commit.verdicts.size(), 3u);
  EXPECT_TRUE(commit.verdicts[0].status.ok());
  ExpectRefused(commit.verdicts[1].status, v1::KEY_UNKNOWN, "seal.key_id", StatusCode::kUnauthenticated);
  EXPECT_TRUE(commit.verdicts[1].indexes.empty());
  EXPECT_EQ(commit.verdicts[2].indexes, std::vector{LeafIndex(5)});
  EXPECT_EQ(ledger_.size(), TreeSize(6));
  const StatusOr<LoadedEvent> attempt = LoadEvent(ledger_.rows(), LeafIndex(4));
  ASSERT_TRUE(attempt.ok()) << attempt.status();
  const auto* failed = BodyAs<v1::SignatureAttemptFailed>(attempt->body.get());
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->reason(), "KEY_UNKNOWN");
  EXPECT_EQ(failed->attempted_stream(), "person/stranger");
  EXPECT_EQ(failed->key_id(), stranger.key().public_key().bytes());
  for (const auto& [family, key, value] : AllRows(ledger_.rows())) {
    if (family != Family::kEdges) {
      EXPECT_EQ(key.find("stranger"), std::string::npos);
    }
    EXPECT_FALSE(family == Family::kEventIds && key == stranger.IdAt(1).view());
    EXPECT_FALSE(family == Family::kEventIds && key == stranger.IdAt(2).view());
  }
  // More of the same soon after are refused and not recorded: nobody fills the ledger with refusals.
  for (uint64_t seed = 10; seed < 14; ++seed) {
    TestWriter another("person", "stranger", seed);
    EXPECT_FALSE(ledger_.Append(another.Write({ReferToDocument("x")})).ok());
  }
  EXPECT_EQ(ledger_.size(), TreeSize(6));
  const Timestamp later(ledger_.state().last_recorded.us + kRefusedAttemptsPauseUs);
  TestWriter another("person", "stranger", 15);
  EXPECT_FALSE(ledger_.AppendAt(later, another.Write({ReferToDocument("x")})).ok());
  EXPECT_EQ(ledger_.size(), TreeSize(7));
}

// A run whose last event is refused must not leave the first ones, which were fine.
TEST_F(ApplyTest, ARunIsAppendedWholeOrNotAtAll) {
  EventDraft last = ReferToDocument("b");
  last.header.add_causes(DerivedId("nowhere", 1).bytes());
  const CommitBatch commit = ledger_.Commit(BatchOf(kTestStart, {admin_.Write({ReferToDocument("a"), last})}));
  ExpectRefused(commit.verdicts[0].status, v1::REFERENCE_INVALID, "header.causes[0]", StatusCode::kFailedPrecondition);
  EXPECT_EQ(RefusalDetailOf(commit.verdicts[0].status)->event_index(), 1u);
  EXPECT_EQ(commit.rows->rows().size(), 1u);  // The applied state.
  EXPECT_EQ(ledger_.size(), TreeSize(3));
}

TEST_F(ApplyTest, RunsOfABatchSeeTheOnesBefore) {
  TestWriter author("person", "author", 2);
  const v1::Run issue = admin_.Write({IssueKey("person", "author", author.key().public_key())});
  const v1::Run first = author.Write({Activate("ICU-7", "s", "m")});
  const v1::Run second = author.Write({Correct(author.IdAt(1), v1::RecordCorrected::RETRACTED)});
  const v1::Run revoke = admin_.Write({RevokeKey("person", "author", author.key().public_key())});
  const v1::Run late = author.Write({ReferToDocument("late")});
  const CommitBatch commit = ledger_.Commit(BatchOf(kTestStart, {issue, first, first, second, revoke, late}));
  EXPECT_TRUE(commit.verdicts[0].status.ok());
  EXPECT_TRUE(commit.verdicts[1].status.ok());
  EXPECT_TRUE(commit.verdicts[2].already_recorded) << "a retry within the batch";
  EXPECT_EQ(commit.verdicts[2].indexes, commit.verdicts[1].indexes);
  EXPECT_EQ(commit.verdicts[2].recorded, commit.verdicts[1].recorded);
  EXPECT_TRUE(commit.verdicts[3].status.ok()) << commit.verdicts[3].status;
  EXPECT_TRUE(commit.verdicts[4].status.ok());
  ExpectRefused(commit.verdicts[5].status, v1::KEY_NOT_VALID, "seal.key_id", StatusCode::kPermissionDenied);
}

TEST_F(ApplyTest, AClockStepIsRecordedBeforeTheBatch) {
  Batch batch = BatchOf(Timestamp(kTestStart.us - 5000000), {admin_.Write({ReferToDocument("a")})});
  batch.clock_step_us = -6000000;
  const Timestamp last = ledger_.state().last_recorded;
  const CommitBatch commit = ledger_.Commit(batch);
  EXPECT_EQ(commit.verdicts[0].indexes, std::vector{LeafIndex(4)});
  const StatusOr<LoadedEvent> event = LoadEvent(ledger_.rows(), LeafIndex(3));
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->header.fields.stream(), kLedgerStream);
  EXPECT_EQ(event->header.event_id, LedgerEventId(kTestOrigin, LeafIndex(3)));
  EXPECT_EQ(event->header.event_id.version(), 8);
  const auto* body = BodyAs<v1::ClockAnomalyDetected>(event->body.get());
  ASSERT_NE(body, nullptr);
  EXPECT_EQ(body->proposed_us(), kTestStart.us - 5000000);
  EXPECT_EQ(body->last_recorded_us(), last.us);
  EXPECT_EQ(body->step_us(), -6000000);
  // The next one continues the stream "ledger".
  batch = BatchOf(kTestStart, {});
  batch.clock_step_us = 7;
  ledger_.Commit(batch);
  const StatusOr<LoadedEvent> next = LoadEvent(ledger_.rows(), LeafIndex(5));
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->header.fields.stream_position(), 2u);
  EXPECT_EQ(next->header.previous_digest, event->header.digest);
}

TEST_F(ApplyTest, OwnEventsAreRecordedBeforeTheRuns) {
  v1::ClusterMembersChanged changed;
  changed.set_change(v1::ClusterMembersChanged::FOUNDED);
  changed.add_voters()->set_node("node-a");
  Batch batch = BatchOf(kTestStart, {admin_.Write({ReferToDocument("a")})});
  batch.own_events.push_back({"cluster.members_changed", changed.SerializeAsString()});
  const CommitBatch commit = ledger_.Commit(batch);
  EXPECT_EQ(commit.verdicts[0].indexes, std::vector{LeafIndex(4)});
  const StatusOr<LoadedEvent> event = LoadEvent(ledger_.rows(), LeafIndex(3));
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->header.fields.stream(), kLedgerStream);
  const auto* body = BodyAs<v1::ClusterMembersChanged>(event->body.get());
  ASSERT_NE(body, nullptr);
  EXPECT_EQ(body->voters(0).node(), "node-a");
}

TEST_F(ApplyTest, AnOwnEventThatIsNotTheLedgersToDecideIsNotApplied) {
  for (const auto& [type, content] : std::map<std::string, std::string>{
           {"document.referenced", ""}, {"no.such_type", ""}, {"cluster.members_changed", "not a message"}}) {
    Batch batch = BatchOf(kTestStart, {});
    batch.own_events.push_back({type, content});
    const Revision next(ledger_.state().revision.value + 1);
    EXPECT_FALSE(Apply(ledger_.state(), ledger_.rows(), next, batch).ok()) << type;
  }
}

// What a broken clock proposes must not stop the ledger or reach a reader as a time that it can't hold.
TEST_F(ApplyTest, AbsurdClocksAreRecordedWithinRange) {
  for (const int64_t proposed : {INT64_MIN, kTimestampMin.us - 1, int64_t{0}, INT64_MAX, INT64_MAX, int64_t{0}}) {
    Batch batch = BatchOf(Timestamp(proposed), {});
    batch.clock_step_us = -1;
    const uint64_t index = ledger_.size().value;
    ledger_.Commit(batch);
    const StatusOr<LoadedEvent> event = LoadEvent(ledger_.rows(), LeafIndex(index));
    ASSERT_TRUE(event.ok()) << proposed << " " << event.status();
    EXPECT_LT(event->recorded.us, kTimestampLimit.us + 10) << proposed;
    EXPECT_TRUE(ledger_.AppendAt(Timestamp(proposed), admin_.Write({ReferToDocument("a")})).ok()) << proposed;
  }
}

class SeenCheckpointTest : public ApplyTest {
 protected:
  void SetUp() override {
    ApplyTest::SetUp();
    for (int i = 0; i < 300; ++i) {
      roots_[ledger_.size().value] = ledger_.state().frontier.Root();
      ASSERT_TRUE(ledger_.Append(admin_.Write({ReferToDocument(Text("d", i))})).ok());
    }
  }

  static EventDraft Seeing(uint64_t size, std::string_view root) {
    EventDraft draft = ReferToDocument("seen");
    draft.header.set_seen_tree_size(size);
    draft.header.set_seen_root(std::string(root));
    return draft;
  }
  // The field that the ledger finds wrong; empty when it takes the event.
  std::string WrongField(const EventDraft& draft) {
    const v1::Run run = admin_.Write({draft});
    const Status status = ledger_.Append(run).status();
    if (status.ok()) return "";
    admin_.RewindTo(ParseHeader(run.headers(0))->position().value - 1);
    EXPECT_EQ(DetailOf(status).reason(), v1::REFERENCE_INVALID) << status;
    return DetailOf(status).field();
  }

  std::map<uint64_t, Digest> roots_;
};

TEST_F(SeenCheckpointTest, MustBeOneThatTheLedgerCanHaveSigned) {
  for (const auto& [size, root] : roots_) {
    if (size % 37 == 0 || size > 250) EXPECT_EQ(WrongField(Seeing(size, root.view())), "") << size;
  }
  const auto& [size, root] = *roots_.rbegin();
  EXPECT_EQ(WrongField(Seeing(size - 1, root.view())), "header.seen_root");
  EXPECT_EQ(WrongField(Seeing(size, std::string(32, 'r'))), "header.seen_root");
  EXPECT_EQ(WrongField(Seeing(1'000'000'000'000'000, root.view())), "header.seen_tree_size");
  // The whole ledger, before the event, is the newest that can be.
  const std::string now = ledger_.state().frontier.Root().bytes();
  EXPECT_EQ(WrongField(Seeing(ledger_.size().value + 1, now)), "header.seen_tree_size");
  EXPECT_EQ(WrongField(Seeing(ledger_.size().value, now)), "");
}

// What is refused says that a restore may be why, before anybody looks for a forger.
TEST_F(SeenCheckpointTest, WhatIsNotOfTheLogMayBeFromBeforeARestore) {
  const auto& [size, root] = *roots_.rbegin();
  const Status refused = ledger_.Append(admin_.Write({Seeing(size, std::string(32, 'r'))})).status();
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("before this one was restored from a backup"));
}

// Each costs reads that all writers wait for.
TEST_F(SeenCheckpointTest, OneRunNamesOne) {
  const auto& [size, root] = *roots_.rbegin();
  const auto& [earlier, root_then] = *roots_.begin();
  const v1::Run two = admin_.Write({Seeing(size, root.view()), Seeing(earlier, root_then.view())});
  const Status refused = ledger_.Append(two).status();
  EXPECT_EQ(DetailOf(refused).field(), "header.seen_tree_size") << refused;
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("a run names one checkpoint"));
  admin_.RewindTo(ParseHeader(two.headers(0))->position().value - 1);
  const v1::Run one = admin_.Write({Seeing(size, root.view()), ReferToDocument("none"), Seeing(size, root.view())});
  EXPECT_TRUE(ledger_.Append(one).ok());
}

// Nothing of a batch is settled before all of it is, wherever its runs begin.
TEST_F(SeenCheckpointTest, IsFromBeforeTheBatch) {
  const uint64_t size = ledger_.size().value;
  const std::string root = ledger_.state().frontier.Root().bytes();
  const v1::Run first = admin_.Write({ReferToDocument("first")});
  const v1::Run second = admin_.Write({Seeing(size, root)});
  const v1::Run third = admin_.Write({Seeing(size + 1, std::string(32, 'r'))});
  const CommitBatch commit = ledger_.Commit(BatchOf(ledger_.next_proposed(), {first, second, third}));
  EXPECT_TRUE(commit.verdicts[1].status.ok()) << commit.verdicts[1].status;
  EXPECT_EQ(DetailOf(commit.verdicts[2].status).field(), "header.seen_tree_size");
}

// Batches are applied on top of one that is not written yet.
TEST_F(SeenCheckpointTest, MayBeOverWhatIsNotWrittenYet) {
  const Batch before = BatchOf(ledger_.next_proposed(), {admin_.Write({ReferToDocument("before")})});
  StatusOr<CommitBatch> pending =
      Apply(ledger_.state(), ledger_.rows(), Revision(ledger_.state().revision.value + 1), before, {}, std::nullopt);
  ASSERT_TRUE(pending.ok()) << pending.status();
  const std::string root = pending->next.frontier.Root().bytes();
  const Batch after = BatchOf(ledger_.next_proposed(), {admin_.Write({Seeing(pending->next.size().value, root)})});
  const StatusOr<CommitBatch> on_top =
      Apply(pending->next, *pending->rows, Revision(pending->next.revision.value + 1), after, {}, std::nullopt);
  ASSERT_TRUE(on_top.ok()) << on_top.status();
  EXPECT_TRUE(on_top->verdicts[0].status.ok()) << on_top->verdicts[0].status;
}

TEST(ApplyEmptyTest, AnEmptyLedgerRecordsNoClockStep) {
  TestLedger ledger;
  Batch batch;
  batch.proposed = kTestStart;
  batch.clock_step_us = 5;
  ledger.Commit(batch);
  EXPECT_EQ(ledger.size(), TreeSize(0));
}

TEST(ApplyEmptyTest, LedgerEventIdsDifferByOriginAndIndex) {
  EXPECT_EQ(LedgerEventId("a", LeafIndex(1)), LedgerEventId("a", LeafIndex(1)));
  EXPECT_NE(LedgerEventId("a", LeafIndex(1)), LedgerEventId("a", LeafIndex(2)));
  EXPECT_NE(LedgerEventId("a", LeafIndex(1)), LedgerEventId("b", LeafIndex(1)));
  EXPECT_EQ(LedgerEventNonce(LedgerEventId("a", LeafIndex(1))).size(), 32u);
}

// A random ledger of several writers as batches: good runs, retries, refusals and clock steps.
std::vector<Batch> RandomBatches(uint64_t seed) {
  std::mt19937_64 random(seed);
  TestWriter admin("person", "admin", 1);
  TestWriter device("device_unit", "ICU-7", 2);
  TestWriter stranger("person", "stranger", 3);
  std::vector<v1::Run> sent = {
      admin.Write(FoundingDrafts(admin)),
      admin.Write({IssueKey("device_unit", "ICU-7", device.key().public_key()), EnrolPerson("q")})};
  std::vector<Batch> batches = {BatchOf(kTestStart, {sent[0], sent[1]})};
  for (int b = 0; b < 12; ++b) {
    std::vector<v1::Run> runs;
    for (uint64_t r = random() % 5; r > 0; --r) {
      switch (random() % 6) {
        case 0:
          runs.push_back(sent[random() % sent.size()]);
          break;
        case 1:
          runs.push_back(stranger.Write({ReferToDocument("x")}));
          break;
        case 2:
          runs.push_back(admin.Write({ReferToDocument(Text("d", random() % 3)), GrantRole("q", v1::REVIEWER)}));
          break;
        case 3: {
          if (sent.size() < 4) continue;
          v1::EventHeader named;
          named.ParseFromString(sent[3].headers(0));
          runs.push_back(admin.Write({Correct(*EventId::FromBytes(named.event_id()), v1::RecordCorrected::RETRACTED)}));
          break;
        }
        default:
          runs.push_back(device.Write(
              {Commission("ICU-7"), Activate("ICU-7", Text("s", random() % 3), "m"), Deactivate("ICU-7", "s1")}));
      }
      sent.push_back(runs.back());
    }
    Batch batch = BatchOf(Timestamp(kTestStart.us + static_cast<int64_t>(random() % 1000000)), runs);
    if (random() % 4 == 0) batch.clock_step_us = static_cast<int64_t>(random() % 100) - 50;
    batches.push_back(std::move(batch));
  }
  return batches;
}

// The engine applies a batch while the one before is being written, and where that write stands must not matter.
TEST(ApplyDeterminismTest, ABatchOnTopOfPendingRowsMakesTheSameRows) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    std::mt19937_64 random(seed);
    const std::vector<Batch> batches = RandomBatches(seed);
    TestLedger expected;
    const std::unique_ptr<Store> store = MakeMemoryStore();
    LedgerState state;
    state.origin = kTestOrigin;
    std::unique_ptr<RowOverlay> pending;
    for (const Batch& batch : batches) {
      const bool written_meanwhile = random() % 2 == 0;
      if (pending != nullptr && written_meanwhile) {
        ASSERT_TRUE(store->Write(pending->rows(), true).ok());
      }
      const RowFinder& base = pending != nullptr ? static_cast<const RowFinder&>(*pending) : *store;
      if (pending != nullptr) pending->Rebase(*store);
      StatusOr<CommitBatch> commit = Apply(state, base, Revision(state.revision.value + 1 + random() % 3), batch);
      ASSERT_TRUE(commit.ok()) << commit.status();
      const CommitBatch other = expected.Commit(batch);
      ASSERT_EQ(commit->next.frontier.Root(), other.next.frontier.Root());
      ASSERT_EQ(commit->rows->rows().size(), other.rows->rows().size());
      ASSERT_EQ(commit->verdicts.size(), other.verdicts.size());
      for (size_t i = 0; i < other.verdicts.size(); ++i) {
        ASSERT_EQ(commit->verdicts[i].status, other.verdicts[i].status);
        ASSERT_EQ(commit->verdicts[i].indexes, other.verdicts[i].indexes);
      }
      if (pending != nullptr && !written_meanwhile) {
        ASSERT_TRUE(store->Write(pending->rows(), true).ok());
      }
      state = commit->next;
      pending = std::move(commit->rows);
    }
    ASSERT_TRUE(store->Write(pending->rows(), true).ok());
    const auto without_meta = [](const RowReader& rows) {
      auto all = AllRows(rows);
      std::erase_if(all, [](const auto& row) { return std::get<0>(row) == Family::kMeta; });
      return all;
    };
    EXPECT_TRUE(without_meta(*store) == without_meta(expected.rows()));
  }
}

TEST(ApplyDeterminismTest, TheSameBatchesMakeTheSameRows) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    const std::vector<Batch> batches = RandomBatches(seed);
    TestLedger one;
    TestLedger other;
    for (const Batch& batch : batches) {
      const CommitBatch a = one.Commit(batch);
      const CommitBatch b = other.Commit(batch);
      ASSERT_EQ(a.rows->rows().size(), b.rows->rows().size());
      for (size_t i = 0; i < a.rows->rows().size(); ++i) {
        ASSERT_EQ(a.rows->rows()[i].family, b.rows->rows()[i].family);
        ASSERT_EQ(a.rows->rows()[i].key, b.rows->rows()[i].key);
        ASSERT_EQ(a.rows->rows()[i].value, b.rows->rows()[i].value);
      }
      ASSERT_EQ(a.verdicts.size(), b.verdicts.size());
      for (size_t i = 0; i < a.verdicts.size(); ++i) ASSERT_EQ(a.verdicts[i].status, b.verdicts[i].status);
    }
    EXPECT_GT(one.size().value, 6u);
    EXPECT_TRUE(AllRows(one.rows()) == AllRows(other.rows()));
  }
}

// How runs are put into batches may change recorded times only: with one proposed time, leaves and projections are the
// same whether the runs come one by one or together.
TEST(ApplyDeterminismTest, BatchingChangesNothingButTheRevision) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    TestLedger together;
    TestLedger apart;
    for (Batch batch : RandomBatches(seed)) {
      batch.clock_step_us = 0;
      together.Commit(batch);
      for (const std::shared_ptr<const AdmittedRun>& run : batch.runs) {
        Batch single;
        single.proposed = batch.proposed;
        single.runs = {run};
        apart.Commit(single);
      }
    }
    EXPECT_EQ(together.state().frontier.Root(), apart.state().frontier.Root());
    const auto without_meta = [](const RowReader& rows) {
      auto all = AllRows(rows);
      std::erase_if(all, [](const auto& row) { return std::get<0>(row) == Family::kMeta; });
      return all;
    };
    EXPECT_TRUE(without_meta(together.rows()) == without_meta(apart.rows()));
  }
}

TEST(ApplyDeathTest, RevisionsAscend) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  EXPECT_DEATH((void)Apply(EmptyState(), *store, EmptyState().revision, Batch()), "revision");
}

}  // namespace
}  // namespace anamnesis
