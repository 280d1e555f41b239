// G08, G06, G05 and G11: of each test the last result decides, whatever passed before.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/crypto/sha256.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// The system test once more, on the same candidate.
Step Again(v1::TestRunCompleted::Result result, const std::string& id) {
  Step step = StepNamed("run-system");
  step.name = id;
  step.draft.header.mutable_refs(0)->set_id(id);
  Edit<v1::TestRunCompleted>([&](v1::TestRunCompleted& body) { body.set_result(result); })(step.draft);
  return step;
}

Step Evaluated(v1::EvaluationCompleted::Result result, const std::string& dataset, const std::string& id,
               const std::string& sensitivity = "") {
  v1::EvaluationCompleted body;
  body.set_result(result);
  if (!sensitivity.empty()) {
    v1::Metric& metric = *body.add_metrics();
    metric.set_name("sensitivity");
    metric.set_value(sensitivity);
  }
  return {id, "certifier",
          DraftWith(body, {"model=artifact:shift@1", "dataset=dataset:" + dataset, "evaluation=evaluation:" + id})};
}

TEST(GateTestResults, AFailedTestAfterAPassDenies) {
  GateWorld world(GateStory());
  ASSERT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do(Again(v1::TestRunCompleted::BLOCKED, "blocked")).ok());
  Step elsewhere = Again(v1::TestRunCompleted::FAIL, "elsewhere");
  Edit<v1::TestRunCompleted>([](v1::TestRunCompleted& body) {
    body.set_configuration_digest(Sha256("another configuration").bytes());
  })(elsewhere.draft);
  ASSERT_TRUE(world.Do(elsewhere).ok());
  EXPECT_EQ(Failed(world.Ask()), "") << "neither is a result on the candidate configuration";

  ASSERT_TRUE(world.Do(Again(v1::TestRunCompleted::FAIL, "failed")).ok());
  EXPECT_EQ(Failed(world.Ask()), "G06 G08");
  EXPECT_EQ(NoteOf(world.Ask(), "G08"),
            Text("test_case:system@1 failed (leaf ", world.LeafOf("failed").value, ") and has not passed since"));
  Step before = Again(v1::TestRunCompleted::PASS, "told-late");
  before.draft.header.set_retrospective(true);
  ASSERT_TRUE(world.Do(before).ok());
  EXPECT_EQ(Failed(world.Ask()), "G06 G08") << "it had passed before, which is told now";
  ASSERT_TRUE(world.Do(Again(v1::TestRunCompleted::PASS, "passed")).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateTestResults, WhoTestedDoesNotTakeAFailureBack) {
  GateWorld world(GateStory());
  ASSERT_TRUE(world.Do(Again(v1::TestRunCompleted::FAIL, "failed")).ok());
  const auto failed = LoadEvent(world.ledger().rows(), world.LeafOf("failed"));
  const EventDraft retracted = Because(Correct(failed->header.event_id, v1::RecordCorrected::RETRACTED));
  EXPECT_FALSE(world.Do({"by-certifier", "certifier", retracted}).ok());
  EXPECT_TRUE(world.Do({"by-ada", "ada", retracted}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateTestResults, AFailedEvaluationDeniesUntilItPassesOnTheSameData) {
  GateWorld world(GateStory());
  ASSERT_TRUE(world.Do(Evaluated(v1::EvaluationCompleted::FAIL, "rhythms", "e1")).ok());
  EXPECT_EQ(Failed(world.Ask()), "G06 G08");
  ASSERT_TRUE(world.Do(Evaluated(v1::EvaluationCompleted::PASS, "others", "e2")).ok());
  EXPECT_EQ(Failed(world.Ask()), "G06 G08") << "other data show something else";
  ASSERT_TRUE(world.Do(Evaluated(v1::EvaluationCompleted::PASS, "rhythms", "e3")).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

// The policy takes class C back by itself, but not for a failed test alone: what runs was verified.
TEST(GateTestResults, WhatRunsIsHeldAndNothingIsTakenBack) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world.Do(Again(v1::TestRunCompleted::FAIL, "failed")).ok());
  const auto holds = All<v1::StandingHoldPlaced>(world);
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(Rules(holds[0]), "G06 G08");
  EXPECT_THAT(holds[0].not_evaluated(), IsEmpty());
  EXPECT_THAT(All<v1::DeactivationInstructed>(world), IsEmpty());
  ASSERT_TRUE(world.Do(Again(v1::TestRunCompleted::PASS, "passed")).ok());
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  ASSERT_TRUE(world.Do(Again(v1::TestRunCompleted::FAIL, "failed-again")).ok());
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  EXPECT_EQ(All<v1::DeactivationInstructed>(world).size(), 1u) << "a hold is another reason";
}

std::vector<Step> WithFloor() {
  return Changed(GateStory(), "envelope", Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
                   v1::EnvelopeTerms::Dimension& floor = *body.mutable_terms()->add_dimensions();
                   floor.set_name("sensitivity");
                   floor.set_kind("floor");
                   floor.set_low("0.9");
                 }));
}

TEST(GateTestResults, FloorHoldsForTheLastMeasurementOnEachData) {
  GateWorld world(WithFloor());
  constexpr auto kMeasured = v1::EvaluationCompleted::NO_THRESHOLD;
  EXPECT_EQ(Failed(world.Ask()), "G05");
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston", "e1", "0.95")).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "berlin", "e2", "0.85")).ok());
  EXPECT_EQ(Failed(world.Ask()), "G05");
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston", "e3", "0.97")).ok());
  EXPECT_EQ(Failed(world.Ask()), "G05") << "more of the better data makes the other no better";
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "berlin", "e4", "0.92")).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  Step late = Evaluated(kMeasured, "berlin", "e5", "0.80");
  late.draft.header.set_retrospective(true);
  ASSERT_TRUE(world.Do(late).ok());
  EXPECT_EQ(Failed(world.Ask()), "") << "it was measured before the last one";
}

// What was measured is of the artifact as it was recorded then.
TEST(GateTestResults, MeasurementsFromBeforeAReplacedRecordDoNotCount) {
  GateWorld world(WithFloor());
  constexpr auto kMeasured = v1::EvaluationCompleted::NO_THRESHOLD;
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston", "e1", "0.95")).ok());
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), "");
  Step replaced = StepNamed("produced");
  const auto first = LoadEvent(world.ledger().rows(), world.LeafOf("produced"));
  replaced.draft = Because(replaced.draft);
  replaced.draft.header.set_corrects(first->header.event_id.bytes());
  ASSERT_TRUE(world.Do({"replaced", "tuner", replaced.draft}).ok()) << world.refused().at("replaced");
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("sensitivity: no evaluation reports it"));
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston", "e2", "0.95")).ok());
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), "");
}

TEST(GateTestResults, MeasurementsFromBeforeARecordThatWasTakenBackDoNotCount) {
  GateWorld world(WithFloor());
  ASSERT_TRUE(world.Do(Evaluated(v1::EvaluationCompleted::NO_THRESHOLD, "boston", "e1", "0.95")).ok());
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), "");
  const auto first = LoadEvent(world.ledger().rows(), world.LeafOf("produced"));
  const EventDraft retracted = Because(Correct(first->header.event_id, v1::RecordCorrected::RETRACTED));
  ASSERT_TRUE(world.Do({"retracted", "tuner", retracted}).ok()) << world.refused().at("retracted");
  ASSERT_TRUE(world.Do({"anew", "tuner", StepNamed("produced").draft}).ok()) << world.refused().at("anew");
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("sensitivity: no evaluation reports it"));
}

TEST(GateTestResults, AnEvaluationThatContradictsItselfCountsByItsWorst) {
  for (const auto& values : {std::pair("0.20", "0.95"), std::pair("0.95", "0.20")}) {
    GateWorld world(WithFloor());
    Step twice = Evaluated(v1::EvaluationCompleted::NO_THRESHOLD, "boston", "e1", values.first);
    Edit<v1::EvaluationCompleted>([&](v1::EvaluationCompleted& body) {
      *body.add_metrics() = body.metrics(0);
      body.mutable_metrics(1)->set_value(values.second);
    })(twice.draft);
    ASSERT_TRUE(world.Do(twice).ok()) << world.refused().at("e1");
    EXPECT_EQ(Failed(world.Ask()), "G05");
  }
}

TEST(GateTestResults, AnotherVersionOfTheDataMakesABadResultNoBetter) {
  constexpr auto kMeasured = v1::EvaluationCompleted::NO_THRESHOLD;
  GateWorld world(WithFloor());
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston@1", "e1", "0.20")).ok());
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston@2", "e2", "0.97")).ok());
  EXPECT_EQ(Failed(world.Ask()), "G05");
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston@1", "e3", "0.95")).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

// An artifact is made for one substrate: what was measured of it on that is never asked on another.
TEST(GateTestResults, AnotherSubstrateAsksForAnotherArtifact) {
  GateWorld world(WithFloor());
  ASSERT_TRUE(world.Do(Evaluated(v1::EvaluationCompleted::NO_THRESHOLD, "boston", "e1", "0.95")).ok());
  ASSERT_TRUE(world.Do({"soup", "ada", ChangeSoup("7.2", "7.3")}).ok());
  ASSERT_TRUE(world.Do({"substrate-2", "ada", DefineSubstrate("2", "7.3")}).ok());
  ASSERT_TRUE(world.Do({"install-2", "ada", InstallSubstrate("ICU-1", "2")}).ok());
  Step again = StepNamed("certified");
  Edit<v1::CertificationIssued>([](v1::CertificationIssued& body) {
    body.mutable_state()->set_substrate_digest(SubstrateDigest("7.3"));
  })(again.draft);
  again.draft.header.mutable_refs(0)->set_id("cert-again");
  ASSERT_TRUE(world.Do({"again", "certifier", again.draft}).ok());
  EXPECT_THAT(NoteOf(world.Ask(), "G04"), HasSubstr("the artifact was made for another substrate"));
  for (const Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.3")})) {
    ASSERT_TRUE(world.Do(step).ok()) << step.name;
  }
  EXPECT_EQ(Failed(world.Ask("2")), "G05") << "nobody measured this one";
}

TEST(GateTestResults, EveryMeasurementMeetsTheAcceptanceCriteria) {
  GateWorld world(Changed(GateStory(), "plan-us", Edit<v1::ChangePlanAuthorised>([](v1::ChangePlanAuthorised& body) {
                            v1::ChangePlanTerms::Criterion& criterion =
                                *body.mutable_terms()->add_acceptance_criteria();
                            criterion.set_metric("sensitivity");
                            criterion.set_comparator(">=");
                            criterion.set_value("0.9");
                          })));
  constexpr auto kMeasured = v1::EvaluationCompleted::NO_THRESHOLD;
  EXPECT_EQ(Failed(world.Ask()), "G11");
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "berlin", "e1", "0.85")).ok());
  ASSERT_TRUE(world.Do(Evaluated(kMeasured, "boston", "e2", "0.95")).ok());
  EXPECT_EQ(Failed(world.Ask()), "G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"), "acceptance criterion sensitivity: 0.85 is not >= 0.9");
}

TEST(GateTestResults, AMeasurementThatContradictsItselfMeetsNoCriterion) {
  const auto with = [](const std::string& ci_high) {
    GateWorld world(Changed(GateStory(), "plan-us", Edit<v1::ChangePlanAuthorised>([](v1::ChangePlanAuthorised& body) {
                              v1::ChangePlanTerms::Criterion& criterion =
                                  *body.mutable_terms()->add_acceptance_criteria();
                              criterion.set_metric("sensitivity");
                              criterion.set_comparator(">=");
                              criterion.set_value("0.9");
                            })));
    Step evaluated = Evaluated(v1::EvaluationCompleted::NO_THRESHOLD, "boston", "e1", "0.95");
    Edit<v1::EvaluationCompleted>(
        [&](v1::EvaluationCompleted& body) { body.mutable_metrics(0)->set_ci_high(ci_high); })(evaluated.draft);
    EXPECT_TRUE(world.Do(evaluated).ok());
    return NoteOf(world.Ask(), "G11");
  };
  EXPECT_EQ(with("0.97"), "");
  EXPECT_EQ(with("0.8"), "acceptance criterion sensitivity: 0.95 is not in its own interval, at most 0.8");
}

}  // namespace
}  // namespace anamnesis
