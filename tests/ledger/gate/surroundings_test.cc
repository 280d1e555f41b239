// G09, G13, G18 and G20: what is placed against, found in or taken out of what the artifact runs with and was made
// from.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/base/bytes.h"
#include "ledger/gate/seal_key.h"
#include "tests/ledger/gate/full_story.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

v1::ProblemReported ProblemOf(v1::ProblemReported::Criticality criticality) {
  v1::ProblemReported problem;
  problem.set_criticality(criticality);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("the unit was off");
  return problem;
}

EventDraft SafetyProblem(const std::vector<std::string>& of) {
  return WithRefs(DraftWith(ProblemOf(v1::ProblemReported::SAFETY), {"problem=problem:p1"}), of);
}

EventDraft Decide(const std::string& about, const std::string& choice) {
  v1::DecisionRecorded decision;
  decision.set_question("may it be?");
  decision.add_options(choice);
  decision.set_choice(choice);
  return Because(DraftWith(decision, {"decision=decision:of-" + choice, "about=" + about}));
}

EventDraft Recall(const std::string& scope) {
  v1::FieldActionInitiated body;
  body.set_kind(v1::FieldActionInitiated::RECALL);
  body.set_scope_text("all");
  body.set_initiated_at_us(kTestStart.us);
  return Because(DraftWith(body, {"field_action=field_action:f1", "scope=" + scope}));
}

TEST(GateSurroundings, FullStoryIsAllowed) {
  GateWorld world(FullStory());
  EXPECT_TRUE(world.refused().empty()) << world.refused().begin()->first << ": " << world.refused().begin()->second;
  EXPECT_EQ(Failed(world.Ask()), "") << NoteOf(world.Ask(), "G18");
}

TEST(GateSurroundings, ProblemOfTheUnitStandsOnThatUnit) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"problem", "ada", SafetyProblem({"unit=device_unit:ICU-1"})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09");
  EXPECT_EQ(Failed(world.Ask("1", "ICU-2", "DE")), "");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));
  ASSERT_TRUE(world.Do({"permitted", "ada", Decide("problem:p1", "operation_permitted")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(0));
  GateWorld other(GateStory());
  ASSERT_TRUE(
      other.Do({"problem", "ada", SafetyProblem({"unit=device_unit:ICU-1", "affected=artifact:shift@0"})}).ok());
  EXPECT_EQ(Failed(other.Ask()), "") << "it says what it is of, and that doesn't run";
}

TEST(GateSurroundings, ProblemThatProvesToConcernSafetyStands) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world
                  .Do({"problem", "ada",
                       DraftWith(ProblemOf(v1::ProblemReported::PERFORMANCE),
                                 {"problem=problem:p1", "affected=artifact:shift@1"})})
                  .ok());
  v1::ProblemInvestigated investigated;
  investigated.set_cause("a race");
  investigated.set_outcome("seen again");
  ASSERT_TRUE(world.Do({"investigated", "ada", DraftWith(investigated, {"problem=problem:p1"})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  investigated.set_safety_relevant(true);
  ASSERT_TRUE(world.Do({"relevant", "ada", DraftWith(investigated, {"problem=problem:p1"})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));
  ASSERT_TRUE(
      world.Do({"no-action", "ada", Because(DraftWith(v1::ProblemNoActionDecided(), {"problem=problem:p1"}))}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do({"relevant-again", "ada", DraftWith(investigated, {"problem=problem:p1"})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09") << "nobody decided about what is known since";
}

TEST(GateSurroundings, ReleasesOfTheBaselineAreRunWith) {
  for (const char* release : {"release:app@1", "release:app@2"}) {
    GateWorld problem(FullStory());
    ASSERT_TRUE(problem.Do({"problem", "ada", SafetyProblem({Text("affected=", release)})}).ok());
    EXPECT_EQ(Failed(problem.Ask()), "G09") << release;
    GateWorld recalled(FullStory());
    Activate(recalled);
    ASSERT_TRUE(recalled.Do({"recalled", "ada", Recall(release)}).ok());
    EXPECT_EQ(Failed(recalled.Ask()), "G13") << release;
    EXPECT_THAT(DeniedByRecords(recalled), SizeIs(1)) << release;
  }
  GateWorld approved_later(Without(FullStory(), {"release-2"}));
  Activate(approved_later);
  ASSERT_TRUE(approved_later.Do({"recalled", "ada", Recall("release:app@2")}).ok());
  EXPECT_THAT(DeniedByRecords(approved_later), SizeIs(0));
  ASSERT_TRUE(approved_later.Do(ReleaseStep("2", "baseline:base@5")).ok());
  EXPECT_THAT(DeniedByRecords(approved_later), SizeIs(1)) << "now it is known what the baseline is of";
  // The unit stands on a release itself.
  GateWorld directly(Changed(GateStory(), "commission-ICU-1", [](EventDraft& draft) {
    v1::EntityRef& baseline = *draft.header.mutable_refs(3);
    baseline.set_kind("release");
    baseline.set_id("app");
    baseline.set_version("1");
  }));
  ASSERT_TRUE(directly.Do({"recalled", "ada", Recall("release:app@1")}).ok());
  EXPECT_THAT(NoteOf(directly.Ask(), "G13"), HasSubstr("a field action on release:app@1 is under way"));
}

TEST(GateSurroundings, HoldOnWhatContainsTheItem) {
  GateWorld world(FullStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "software_item:system")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G13");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));
  // By being divided into parts, whatever the part says itself.
  GateWorld divided(Changed(FullStory(), "item", [](EventDraft& draft) { draft.header.mutable_refs()->RemoveLast(); }));
  v1::SoftwareItemDecomposed decomposed;
  ASSERT_TRUE(
      divided
          .Do({"decomposed", "ada", DraftWith(decomposed, {"item=software_item:system", "part=software_item:alert"})})
          .ok());
  Activate(divided);
  ASSERT_TRUE(divided.Do({"hold", "ada", Hold("h1", "software_item:system")}).ok());
  EXPECT_EQ(Failed(divided.Ask()), "G13");
  EXPECT_THAT(DeniedByRecords(divided), SizeIs(1));
}

TEST(GateSurroundings, HoldOnTheKeyOfWhoDelegated) {
  GateWorld world(GateStory());
  Facts facts(world.ledger().rows(), world.ledger().size());
  const StatusOr<std::string> key = gate::SealKeyOf(facts, world.LeafOf("delegation"));
  ASSERT_TRUE(key.ok());
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "credential:" + HexEncode(*key))}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G13");
  ASSERT_TRUE(world.Do({"lift", "ada", Lift("h1")}).ok());
  v1::CredentialRevoked revoked;
  revoked.set_public_key(*key);
  revoked.set_effective_from_us(world.now().us + 1);
  ASSERT_TRUE(world.Do({"revoked", "ada", Because(DraftWith(revoked, {"holder=person:carl"}))}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G13");
  EXPECT_THAT(NoteOf(world.Ask(), "G13"), HasSubstr("the key of who delegated to the certifier was revoked"));
}

// shift@2 was made from shift@1.
std::vector<Step> TwoGenerations(std::vector<Step> steps) {
  for (Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.2"), .parent = "1"})) {
    steps.push_back(std::move(step));
  }
  return steps;
}

TEST(GateSurroundings, WhatIsPlacedAgainstAParentStandsAgainstWhatWasMadeFromIt) {
  GateWorld world(TwoGenerations(GateStory()));
  Activate(world, "2");
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  EXPECT_EQ(Failed(world.Ask("2")), "G13");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));
  ASSERT_TRUE(world.Do({"lift", "ada", Lift("h1")}).ok());
  EXPECT_EQ(Failed(world.Ask("2")), "");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(0));
  ASSERT_TRUE(
      world.Do({"revoked", "ada", Because(DraftWith(v1::ArtifactRevoked(), {"artifact=artifact:shift@1"}))}).ok());
  EXPECT_EQ(Failed(world.Ask("2")), "G13");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));
  ASSERT_TRUE(world.Do({"by-eve", "eve", Decide("artifact:shift@1", "use_permitted")}).ok());
  EXPECT_EQ(Failed(world.Ask("2")), "G13") << "eve answers for nothing";
  EventDraft permitted = Decide("artifact:shift@1", "use_permitted");
  permitted.header.mutable_refs(0)->set_id("by-ada");
  ASSERT_TRUE(world.Do({"by-ada", "ada", permitted}).ok());
  EXPECT_EQ(Failed(world.Ask("2")), "");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(0));
  EXPECT_EQ(Failed(world.Ask("1")), "G13") << "that permits what was made from it, not itself";
}

TEST(GateSurroundings, ARevokedArtifactIsNoFallback) {
  std::vector<Step> steps = GateStory();
  for (Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.2")})) steps.push_back(step);
  GateWorld world(steps);
  GateRequest request = world.Request("2");
  request.rollback_target->set_kind("artifact");
  request.rollback_target->set_id("shift");
  request.rollback_target->set_version("1");
  EXPECT_EQ(Failed(world.Ask(request)), "");
  ASSERT_TRUE(
      world.Do({"revoked", "ada", Because(DraftWith(v1::ArtifactRevoked(), {"artifact=artifact:shift@1"}))}).ok());
  request.at = request.known_until = world.now();
  EXPECT_EQ(Failed(world.Ask(request)), "G20");
}

EventDraft Withdraw(const std::string& dataset) {
  v1::DatasetRecordWithdrawn withdrawn;
  withdrawn.set_basis("consent");
  return Because(DraftWith(withdrawn, {"dataset=dataset:" + dataset, "record=record:3"}));
}

TEST(GateSurroundings, DataOfTheModelThatItWasTrainedOnFrom) {
  GateWorld world(FullStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"withdrawn", "ada", Withdraw("old@1")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G18");
  EXPECT_THAT(NoteOf(world.Ask(), "G18"), HasSubstr("records of dataset:old@1 were withdrawn"));
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));
  ASSERT_TRUE(world.Do({"permitted", "ada", Decide("dataset:old@1", "use_permitted")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  v1::SubjectDataErased erased;
  erased.set_basis("Art. 17(1)(b)");
  erased.set_authorised_by("ada");
  ASSERT_TRUE(world.Do({"erased", "ada", Because(DraftWith(erased, {"dataset=dataset:old", "record=record:7"}))}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G18");
  EXPECT_THAT(NoteOf(world.Ask(), "G18"), HasSubstr("records of dataset:old@1 were erased"));
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));

  const auto overlapping = Edit<v1::SplitDefined>([](v1::SplitDefined& body) { body.set_overlapping_subjects(1); });
  EXPECT_EQ(Failed(GateWorld(Changed(FullStory(), "split-old", overlapping)).Ask()), "G18");
  GateWorld unrecorded(Without(FullStory(), {"model-2.0"}));
  EXPECT_EQ(NoteOf(unrecorded.Ask(), "G18"), "model:base@2.0 is not recorded");
}

TEST(GateSurroundings, DataOfTheParentArtifact) {
  std::vector<Step> steps = DatasetSteps("rhythms");
  for (Step& step : TwoGenerations(Changed(GateStory(), "produced", [](EventDraft& draft) {
         AddReference(draft, "dataset", "dataset", "rhythms", "1");
       }))) {
    steps.push_back(std::move(step));
  }
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask("2")), "");
  Activate(world, "2");
  ASSERT_TRUE(world.Do({"withdrawn", "ada", Withdraw("rhythms@1")}).ok());
  EXPECT_EQ(Failed(world.Ask("2")), "G18");
  EXPECT_THAT(DeniedByRecords(world), SizeIs(1));
}

}  // namespace
}  // namespace anamnesis
