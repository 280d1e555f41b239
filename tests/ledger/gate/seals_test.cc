// What was sealed with a key that was lost or revoked before counts for nothing, whichever rule rests on it (G15).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "ledger/gate/seal_key.h"
#include "tests/ledger/gate/full_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

void Do(GateWorld& world, const Step& step) {
  ASSERT_TRUE(world.Do(step).ok()) << step.name << ": " << world.refused().at(step.name);
}

// The story in which eve has roles too, and recorded some of its steps: an administrator's last key can't be lost.
std::vector<Step> ByEve(const std::set<std::string>& names, std::vector<Step> story = GateStory()) {
  for (Step& step : story) {
    if (names.count(step.name) > 0) step.writer = "eve";
  }
  for (const v1::Role role : {v1::ADMINISTRATOR, v1::QUALITY_OFFICER, v1::VERIFIER}) {
    story.insert(story.begin(), {Text("role-", v1::Role_Name(role)), "ada", GrantRole("eve", role)});
  }
  return story;
}

// Reports the key that a step was sealed with as lost since then.
void Lose(GateWorld& world, const std::string& step, const std::string& holder) {
  Facts facts(world.ledger().rows(), world.ledger().size());
  const StatusOr<std::string> key = gate::SealKeyOf(facts, world.LeafOf(step));
  ASSERT_TRUE(key.ok());
  v1::CredentialReportedLost lost;
  lost.set_public_key(*key);
  lost.set_lost_since_us((*facts.At(world.LeafOf(step)))->event.recorded.us);
  EventDraft draft = Because(DraftWith(lost, {"holder=" + holder}));
  SetOccurred(draft, world.now(), world.now());
  Do(world, {"lost", "ada", draft});
}

std::string Sealed(const GateWorld& world, const std::string& step) {
  return Text("as of before it sealed leaf ", world.LeafOf(step).value, " ");
}

Step ConfirmTraining(const std::string& name) {
  v1::AuthorisationConditionConfirmed confirmed;
  confirmed.set_condition("training");
  *confirmed.mutable_signature() = FreshSignature();
  return {name, "rita", DraftWith(confirmed, {"authorisation=authorisation:K1@1"})};
}

TEST(GateSeals, ConditionThatAThiefConfirmedIsNot) {
  GateWorld world(StoryOfEverything());
  ASSERT_EQ(Failed(world.Ask()), "");
  // What was assigned after that is the thief's too.
  Lose(world, "confirmed", "person:rita");
  EXPECT_EQ(Failed(world.Ask()), "G12 G15");
  EXPECT_THAT(NoteOf(world.Ask(), "G12"),
              HasSubstr("the key that confirmed it was reported lost " + Sealed(world, "confirmed")));
  EXPECT_THAT(NoteOf(world.Ask(), "G15"), HasSubstr(Sealed(world, "udi")));
}

TEST(GateSeals, ConditionThatWasConfirmedBeforeGoesOnCounting) {
  std::vector<Step> steps = StoryOfEverything();
  steps.push_back(ConfirmTraining("again"));
  GateWorld world(steps);
  Lose(world, "again", "person:rita");
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateSeals, ChangeThatAThiefApprovedIsNot) {
  v1::ChangeRequested requested;
  requested.set_text("move the threshold");
  v1::ChangeApproved approved;
  *approved.mutable_signature() = FreshSignature();
  v1::ChangeImplemented implemented;
  implemented.set_summary("moved");
  const std::string change = "change=change_request:c1";
  std::vector<Step> steps = ByEve({}, Without(GateStory(), {"plan-us"}));
  for (const Step& step :
       std::vector<Step>{{"requested", "rita", Because(DraftWith(requested, {change, "item=software_item:alert"}))},
                         {"analysed", "ada", DraftWith(v1::ChangeImpactAnalysed(), {change})},
                         {"approved", "eve", DraftWith(approved, {change})},
                         {"implemented", "rita", DraftWith(implemented, {change, "result=artifact:shift@1"})}}) {
    steps.push_back(step);
  }
  GateWorld world(steps);
  ASSERT_EQ(Failed(world.Ask()), "G11");
  Lose(world, "approved", "person:eve");
  EXPECT_EQ(Failed(world.Ask()), "G10 G11");
  EXPECT_THAT(NoteOf(world.Ask(), "G10"), HasSubstr("the key that approved change_request:c1 was reported lost"));
}

TEST(GateSeals, EvaluationOfAnAnomalyByAThiefIsNone) {
  GateWorld world(ByEve({}));
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  Do(world, {"anomaly", "rita", DraftWith(anomaly, {"anomaly=anomaly:a1", "found_in=artifact:shift@1"})});
  Do(world, {"evaluated", "eve", Because(DraftWith(v1::AnomalyEvaluated(), {"anomaly=anomaly:a1"}))});
  ASSERT_EQ(Failed(world.Ask()), "");
  Lose(world, "evaluated", "person:eve");
  EXPECT_EQ(Failed(world.Ask()), "G15");
  EXPECT_THAT(NoteOf(world.Ask(), "G15"),
              HasSubstr("the key of person:eve was reported lost " + Sealed(world, "evaluated")));
}

// Nobody gains by recording an anomaly: that a thief may have recorded one is no reason to deny.
TEST(GateSeals, AnomalyThatAThiefRecordedIsEvaluatedAllTheSame) {
  std::vector<Step> steps = ByEve({});
  for (Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.2")})) {
    steps.push_back(std::move(step));
  }
  GateWorld world(steps);
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  Do(world, {"anomaly", "eve", DraftWith(anomaly, {"anomaly=anomaly:a1", "found_in=software_item:alert"})});
  EXPECT_EQ(Failed(world.Ask()), "G09");
  Do(world, {"evaluated", "ada", Because(DraftWith(v1::AnomalyEvaluated(), {"anomaly=anomaly:a1"}))});
  ASSERT_EQ(Failed(world.Ask()), "");
  Lose(world, "anomaly", "person:eve");
  EXPECT_EQ(Failed(world.Ask()), "");
  GateRequest request = world.Request("2");
  request.rollback_target->set_kind("artifact");
  request.rollback_target->set_id("shift");
  request.rollback_target->set_version("1");
  EXPECT_EQ(Failed(world.Ask(request)), "") << "nor is it one by way of the fallback, which is decided on too";
  const v1::GateDecided decision = world.Ask();
  const auto& results = decision.results();
  const auto anomalies =
      std::find_if(results.begin(), results.end(), [](const auto& each) { return each.rule_id() == "G09"; });
  ASSERT_NE(anomalies, results.end());
  EXPECT_THAT(anomalies->evidence(), testing::Contains(world.LeafOf("anomaly").value)) << "it is listed";
}

TEST(GateSeals, DatasetThatAThiefSealedIsSealedAgain) {
  GateWorld world(ByEve({"sealed-new"}, FullStory()));
  ASSERT_EQ(Failed(world.Ask()), "");
  Lose(world, "sealed-new", "person:eve");
  EXPECT_EQ(Failed(world.Ask()), "G15");
  Step again = StepOfStory("sealed-new");
  again.name = "sealed-again";
  Do(world, again);
  EXPECT_EQ(Failed(world.Ask()), "") << "one good seal is enough";
}

TEST(GateSeals, ProblemThatAThiefClosedIsOpen) {
  GateWorld world(ByEve({}));
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::SAFETY);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("the unit was off");
  Do(world, {"problem", "rita", DraftWith(problem, {"problem=problem:p1", "affected=software_item:alert"})});
  Do(world, {"decided", "eve", Because(DraftWith(v1::ProblemNoActionDecided(), {"problem=problem:p1"}))});
  ASSERT_EQ(Failed(world.Ask()), "");
  Lose(world, "decided", "person:eve");
  EXPECT_EQ(Failed(world.Ask()), "G15");
}

TEST(GateSeals, PolicyThatAThiefAdoptedIsNone) {
  GateWorld world(ByEve({"gate-policy"}));
  Lose(world, "gate-policy", "person:eve");
  EXPECT_THAT(NoteOf(world.Ask(), "G15"), HasSubstr(Sealed(world, "gate-policy")));
}

TEST(GateSeals, SetOfRiskControlsByAThiefIsNone) {
  GateWorld world(ByEve({"control-set"}));
  Lose(world, "control-set", "person:eve");
  EXPECT_THAT(NoteOf(world.Ask(), "G15"), HasSubstr(Sealed(world, "control-set")));
}

// The machine's evidence too: another tester than the certifier, whose key holds.
TEST(GateSeals, TestsAndVerificationsByAThiefShowNothing) {
  for (const char* name : {"run-system", "verify-effectiveness", "sandbox"}) {
    GateWorld world(ByEve({name}));
    ASSERT_EQ(Failed(world.Ask()), "") << name;
    Lose(world, name, "person:eve");
    EXPECT_EQ(Failed(world.Ask()), "G15") << name;
    EXPECT_THAT(NoteOf(world.Ask(), "G15"), HasSubstr(Sealed(world, name)));
  }
}

TEST(GateSeals, HoldThatAThiefLiftedStands) {
  GateWorld world(ByEve({}));
  Do(world, {"hold", "rita", Because(DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=artifact:shift@1"}))});
  Do(world, {"lifted", "eve", Because(DraftWith(v1::HoldLifted(), {"hold=hold:h1"}))});
  ASSERT_EQ(Failed(world.Ask()), "");
  Lose(world, "lifted", "person:eve");
  EXPECT_EQ(Failed(world.Ask()), "G13");
}

}  // namespace
}  // namespace anamnesis
