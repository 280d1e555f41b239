// What changes with time alone: an end of validity or a beginning that lay ahead comes, and nothing else is recorded.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/event/names.h"
#include "ledger/gate/standing_check.h"
#include "ledger/state/standing_rows.h"
#include "ledger/state/standing_times.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Timestamp kEnd(kTestStart.us + int64_t{3600} * 1'000'000);

std::vector<Step> ClearedUntil(Timestamp end) {
  return Changed(GateStory(), "clear-us", Edit<v1::AuthorisationGranted>([end](v1::AuthorisationGranted& granted) {
                   granted.mutable_terms()->set_valid_until_us(end.us);
                 }));
}

CommitBatch Wait(GateWorld& world, Timestamp until) {
  Batch none;
  none.proposed = until;
  return world.ledger().Commit(none);
}

EventDraft HoldFrom(const std::string& id, const std::string& scope, Timestamp from) {
  v1::HoldPlaced body;
  body.set_effective_from_us(from.us);
  return Because(DraftWith(body, {"hold=hold:" + id, "scope=" + scope}));
}

TEST(StandingTime, ClearanceExpiresAndNothingElseHappens) {
  GateWorld world(ClearedUntil(kEnd));
  Activate(world);
  const uint64_t size = world.ledger().size().value;
  const CommitBatch before = Wait(world, Timestamp(kEnd.us - 1));
  EXPECT_EQ(world.ledger().size().value, size);
  EXPECT_EQ(before.next_due, kEnd);
  const CommitBatch at = Wait(world, kEnd);
  ASSERT_EQ(All<v1::StandingHoldPlaced>(world).size(), 1u);
  const v1::StandingHoldPlaced hold = All<v1::StandingHoldPlaced>(world)[0];
  EXPECT_EQ(Rules(hold), "G12");
  EXPECT_THAT(hold.causes(), ElementsAre(world.LeafOf("clear-us").value));
  EXPECT_EQ(hold.at_us(), kEnd.us);
  EXPECT_THAT(hold.results(0).note(), testing::HasSubstr("has expired"));
  EXPECT_EQ(All<v1::DeactivationInstructed>(world).size(), 1u) << "class C";
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
  EXPECT_FALSE(at.work_left);
  EXPECT_NE(at.next_due, kEnd);
  // One batch is enough.
  const uint64_t after = world.ledger().size().value;
  Wait(world, Timestamp(kEnd.us + 1'000'000));
  EXPECT_EQ(world.ledger().size().value, after);
  ExpectRebuildsTheSame(world);
}

// A ledger that nobody keeps open looks when it is next appended to, whatever that is about.
TEST(StandingTime, NextAppendLooksToo) {
  GateWorld world(ClearedUntil(kEnd));
  Activate(world);
  Batch none;
  none.proposed = kEnd;
  none.own_events.push_back({"clock.anomaly_detected", [] {
                               v1::ClockAnomalyDetected body;
                               body.set_step_us(1);
                               return body.SerializeAsString();
                             }()});
  world.ledger().Commit(none);
  EXPECT_EQ(DeniedByRecords(world).size(), 1u);
}

TEST(StandingTime, HoldAndLiftThatBeginLater) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"hold", "ada", HoldFrom("h1", "device_unit:ICU-1", kEnd)}).ok());
  v1::HoldLifted lifted;
  lifted.set_effective_from_us(kEnd.us + 60'000'000);
  ASSERT_TRUE(world.Do({"lift", "ada", Because(DraftWith(lifted, {"hold=hold:h1"}))}).ok());
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  EXPECT_EQ(Wait(world, kEnd).next_due, Timestamp(kEnd.us + 60'000'000));
  EXPECT_EQ(DeniedByRecords(world).size(), 1u);
  Wait(world, Timestamp(kEnd.us + 60'000'000));
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  EXPECT_EQ(All<v1::StandingHoldLifted>(world).size(), 1u);
  EXPECT_THAT(All<v1::LateKnowledgeFound>(world), IsEmpty()) << "nothing was late";
  ExpectRebuildsTheSame(world);
}

// What was taken away by then has no effect when its time comes.
TEST(StandingTime, RetractedBeforeItBegins) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"hold", "ada", HoldFrom("h1", "device_unit:ICU-1", kEnd)}).ok());
  const StatusOr<LoadedEvent> said = LoadEvent(world.ledger().rows(), world.LeafOf("hold"));
  ASSERT_TRUE(
      world
          .Do({"retracted", "ada",
               Because(Correct(*EventId::FromBytes(said->header.fields.event_id()), v1::RecordCorrected::RETRACTED))})
          .ok());
  const uint64_t size = world.ledger().size().value;
  Wait(world, kEnd);
  EXPECT_EQ(world.ledger().size().value, size);
}

TEST(StandingTime, NothingIsAwaitedWhereNothingEnds) {
  // The story's delegation ends, and nothing that runs rests on that.
  GateWorld world(GateStory());
  Activate(world);
  const uint64_t size = world.ledger().size().value;
  const CommitBatch much_later = Wait(world, Timestamp(kTestStart.us + int64_t{365} * 86'400 * 1'000'000));
  EXPECT_EQ(much_later.next_due, std::nullopt);
  EXPECT_EQ(world.ledger().size().value, size);
  // And nothing is awaited where nothing adapted ever ran.
  GateWorld idle(ClearedUntil(kEnd));
  EXPECT_EQ(Wait(idle, idle.now()).next_due, std::nullopt);
}

// More come at once than a batch looks at: the rest follows, in batches of the same size.
TEST(StandingTime, ManyTimesAtOnceAreWorkedOffInPortions) {
  GateWorld world(GateStory());
  Activate(world);
  std::vector<EventDraft> drafts;
  for (size_t i = 0; i < 2 * kStandingTimesMax; ++i) {
    drafts.push_back(HoldFrom(Text("h", i), "device_unit:ICU-2", kEnd));
  }
  drafts.push_back(HoldFrom("last", "device_unit:ICU-1", kEnd));
  world.DoAll("ada", drafts);
  EXPECT_TRUE(Wait(world, kEnd).work_left);
  EXPECT_THAT(DeniedByRecords(world), IsEmpty()) << "not yet";
  EXPECT_TRUE(Wait(world, kEnd).work_left);
  EXPECT_FALSE(Wait(world, kEnd).work_left);
  EXPECT_EQ(DeniedByRecords(world).size(), 1u);
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
  const uint64_t size = world.ledger().size().value;
  Wait(world, kEnd);
  EXPECT_EQ(world.ledger().size().value, size);
  ExpectRebuildsTheSame(world);
}

// The ledger's own records take time too: what begins while they are made is not passed over.
TEST(StandingTime, WhatComesWhileTheLedgerRecordsIsSeen) {
  GateWorld world(GateStory());
  Activate(world);
  Activate(world, "1", "ICU-2", "DE");
  ASSERT_TRUE(world.Do({"hold", "ada", HoldFrom("h1", "device_unit:ICU-1", kEnd)}).ok());
  ASSERT_TRUE(world.Do({"hold-2", "ada", HoldFrom("h2", "device_unit:ICU-2", Timestamp(kEnd.us + 1))}).ok());
  EXPECT_FALSE(Wait(world, kEnd).work_left);
  EXPECT_EQ(DeniedByRecords(world).size(), 2u);
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
}

TEST(StandingTime, ReplicasRecordTheSame) {
  const std::vector<Step> story = ClearedUntil(kEnd);
  GateWorld one(story);
  GateWorld other(story);
  for (GateWorld* world : {&one, &other}) {
    Activate(*world);
    Wait(*world, kEnd);
    EXPECT_EQ(DeniedByRecords(*world).size(), 1u);
  }
  EXPECT_EQ(one.ledger().state().frontier.Root(), other.ledger().state().frontier.Root());
  EXPECT_EQ(one.ledger().state().digest.digest, other.ledger().state().digest.digest);
}

}  // namespace
}  // namespace anamnesis
