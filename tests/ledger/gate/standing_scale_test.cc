// The standing check where much is recorded: that neither stops the ledger nor makes it pass anybody over.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/gate/stale_certifications.h"
#include "ledger/gate/standing_check.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/edges.h"
#include "tests/ledger/gate/standing_story.h"
#include "tests/support/counting_rows.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::ElementsAre;

constexpr Timestamp kEnd(kTestStart.us + int64_t{3600} * 1'000'000);

// The clearance ends at kEnd, and nothing is recorded of that.
GateWorld ClearedUntilEnd() {
  return GateWorld(Changed(GateStory(), "clear-us", Edit<v1::AuthorisationGranted>([](v1::AuthorisationGranted& body) {
                             body.mutable_terms()->set_valid_until_us(kEnd.us);
                           })));
}

// What the check would record at kEnd because of a step.
StatusOr<std::vector<StandingRecord>> CheckAtEnd(GateWorld& world, const RowReader& rows, const std::string& step,
                                                 size_t events_max = kQuestionEventsMax) {
  StandingBatch batch;
  batch.causes = {world.LeafOf(step)};
  batch.since = kEnd;
  batch.now = kEnd;
  batch.id_at = [](LeafIndex leaf) { return Text("id-", leaf.value); };
  batch.events_max = events_max;
  return CheckStanding(rows, world.ledger().size(), batch);
}

std::vector<std::string> TypesOf(const StatusOr<std::vector<StandingRecord>>& records) {
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<std::string> types;
  if (!records.ok()) return types;
  for (const StandingRecord& record : *records) types.push_back(record.type);
  return types;
}

// Makes a range of events too long to be looked at, without recording so many.
void TooMany(CountingRows& rows, const std::string& item, std::string_view type) {
  rows.Fail(TypedEdgesPrefix(ToEntity({"software_item", item}), type), absl::ResourceExhaustedError("too many"));
}

TEST(StandingScale, TooManyDecisionsAboutAnItemInstructNothingAndStopNothing) {
  GateWorld world = ClearedUntilEnd();
  Activate(world);
  EXPECT_THAT(TypesOf(CheckAtEnd(world, world.ledger().rows(), "clear-us")), Contains("deactivation.instructed"));
  CountingRows rows(world.ledger().rows());
  TooMany(rows, "alert", "decision.recorded");
  EXPECT_THAT(TypesOf(CheckAtEnd(world, rows, "clear-us")), ElementsAre("standing_hold.placed"));
}

TEST(StandingScale, TooManyItemsAroundAnotherTouchEverybodyAndStopNothing) {
  GateWorld world = ClearedUntilEnd();
  Activate(world);
  CountingRows rows(world.ledger().rows());
  TooMany(rows, "alert", "software_item.identified");
  EXPECT_THAT(TypesOf(CheckAtEnd(world, rows, "governor-class")), Contains("standing_hold.placed"));
}

// What can't be read is not what was recorded: then the ledger stops.
TEST(StandingScale, DamagedRowsAreNotPassedOver) {
  GateWorld world = ClearedUntilEnd();
  Activate(world);
  CountingRows rows(world.ledger().rows());
  rows.Fail(TypedEdgesPrefix(ToEntity({"software_item", "alert"}), "decision.recorded"),
            absl::DataLossError("damaged"));
  EXPECT_TRUE(absl::IsDataLoss(CheckAtEnd(world, rows, "clear-us").status()));
}

// What one unit rests on leaves as much for the next.
TEST(StandingScale, EachUnitHasItsOwnShareOfWhatMayBeRead) {
  constexpr int kUnits = 40;
  GateWorld world = ClearedUntilEnd();
  AddFleet(world, kUnits);
  constexpr size_t kEnoughForOne = 120;
  const auto records = CheckAtEnd(world, world.ledger().rows(), "clear-us", kEnoughForOne);
  ASSERT_TRUE(records.ok()) << records.status();
  int held = 0;
  for (const StandingRecord& record : *records) {
    v1::StandingHoldPlaced hold;
    if (record.type != "standing_hold.placed") continue;
    ASSERT_TRUE(hold.ParseFromString(record.content));
    EXPECT_EQ(Rules(hold), "G12");
    held += hold.units_size();
  }
  EXPECT_EQ(held, kUnits);
}

TEST(StandingScale, StaleCertificationsOfWhatRunsComeFirstWhereTheyDoNotAllFit) {
  std::vector<Step> story = GateStory();
  for (const char* version : {"2", "3", "4"}) {
    for (Step& step : AdaptationSteps({.version = version, .substrate = SubstrateDigest("7.2")})) {
      story.push_back(std::move(step));
    }
  }
  GateWorld world(story);
  Activate(world, "4");
  ASSERT_TRUE(world.Do({"soup-7.3", "ada", ChangeSoup("7.2", "7.3")}).ok());
  const auto find = [&](size_t max) {
    Facts facts(world.ledger().rows(), world.ledger().size());
    const auto found = gate::FindStaleCertifications(facts, world.now(), max);
    EXPECT_TRUE(found.ok()) << found.status();
    return *found;
  };
  EXPECT_EQ(find(4).list.size(), 4u);
  EXPECT_FALSE(find(4).more);
  const gate::StaleCertifications two = find(2);
  ASSERT_EQ(two.list.size(), 2u);
  EXPECT_TRUE(two.more);
  EXPECT_EQ(two.list[0].artifact.version(), "4");
  EXPECT_EQ(two.list[0].runs_on, "ICU-1");
  EXPECT_EQ(two.list[1].artifact.version(), "1");
}

}  // namespace
}  // namespace anamnesis
