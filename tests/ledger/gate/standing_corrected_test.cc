// The standing check sees what is taken back or replaced, however and by whomever.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/state/standing_rows.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::IsEmpty;

TEST(Standing, RetractedEvidenceIsSeen) {
  // Each taken back by somebody who may.
  for (const auto& [step, writer] : {std::pair{"produced", "tuner"},
                                     {"certified", "carl"},
                                     {"run-system", "certifier"},
                                     {"verify-effectiveness", "certifier"},
                                     {"stored", "tuner"},
                                     {"clear-us", "rita"},
                                     {"envelope", "ada"},
                                     {"sandbox", "ada"},
                                     {"control-set", "ada"},
                                     {"install-ICU-1", "ada"}}) {
    GateWorld world(GateStory());
    Activate(world);
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf(step));
    EventDraft draft =
        Because(Correct(*EventId::FromBytes(event->header.fields.event_id()), v1::RecordCorrected::RETRACTED));
    ASSERT_TRUE(world.Do({"retracted", writer, draft}).ok()) << step << " " << world.refused().at("retracted");
    EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world)) << step;
  }
}

// However it is corrected, and whatever type it is of.
TEST(Standing, ReplacedEvidenceIsSeen) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_THAT(DeniedByRecords(world), IsEmpty());
  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf("case-unit"));
  EventDraft replaced = Because(StepNamed("case-unit").draft);
  replaced.header.set_corrects(event->header.fields.event_id());
  ASSERT_TRUE(world.Do({"replaced", "ada", replaced}).ok()) << world.refused().at("replaced");
  EXPECT_EQ(DeniedByLooking(world).size(), 1u);
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
}

TEST(Standing, ARetractedRunThatNamesNoArtifactIsSeen) {
  Step bare = StepNamed("run-unit");
  bare.name = "run-bare";
  auto& refs = *bare.draft.header.mutable_refs();
  refs.erase(std::remove_if(refs.begin(), refs.end(),
                            [](const v1::EntityRef& ref) { return ref.role() == "verified" || ref.role() == "item"; }),
             refs.end());
  ASSERT_EQ(refs[0].role(), "test_run");
  refs[0].set_id("bare");
  std::vector<Step> story = Changed(GateStory(), "sandbox", [](EventDraft& draft) {
    for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
      if (ref.id() == "unit-1") ref.set_id("bare");
    }
  });
  story.insert(std::find_if(story.begin(), story.end(), [](const Step& s) { return s.name == "sandbox"; }), bare);
  GateWorld world(story);
  Activate(world);
  ASSERT_THAT(DeniedByRecords(world), IsEmpty());
  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf("run-bare"));
  const EventDraft retracted = Because(Correct(event->header.event_id, v1::RecordCorrected::RETRACTED));
  ASSERT_TRUE(world.Do({"retracted", "certifier", retracted}).ok()) << world.refused().at("retracted");
  EXPECT_EQ(DeniedByLooking(world).size(), 1u);
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
}

// What is kept of an artifact to find its units is of its first record.
TEST(Standing, AnArtifactThatIsRecordedAnewAfterItWasTakenBackIsLookedForEverywhere) {
  GateWorld world(GateStory());
  const auto recorded_anew = [&] {
    const auto mark = world.ledger().rows().Get(Family::kEntities, Text(kStandingAnyRows, "c"));
    return mark.ok() && mark->has_value() && !(*mark)->empty();
  };
  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf("produced"));
  ASSERT_TRUE(
      world.Do({"retracted", "tuner", Because(Correct(event->header.event_id, v1::RecordCorrected::RETRACTED))}).ok());
  EXPECT_FALSE(recorded_anew());
  ASSERT_TRUE(world.Do({"anew", "tuner", StepNamed("produced").draft}).ok());
  EXPECT_TRUE(recorded_anew());
}

}  // namespace
}  // namespace anamnesis
