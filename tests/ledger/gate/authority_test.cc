// Whose word the gate takes: decisions that permit, certifications under a delegation, artifacts recorded anew, and
// references that name a version of what has none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/event/refusal.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/query/ask.h"
#include "ledger/state/broken_rules.h"
#include "tests/ledger/gate/gate_story.h"
#include "tests/support/counting_rows.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

EventDraft Retrospective(EventDraft draft) {
  draft.header.set_retrospective(true);
  return Because(std::move(draft));
}

EventDraft Problem(const std::string& id) {
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::SAFETY);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("the unit was off");
  return DraftWith(problem, {"problem=problem:" + id, "affected=software_item:alert"});
}

EventDraft Permission(const std::string& id, const std::string& problem) {
  v1::DecisionRecorded decision;
  decision.set_question("may it run on?");
  decision.add_options("operation_permitted");
  decision.set_choice("operation_permitted");
  return Because(DraftWith(decision, {"decision=decision:" + id, "about=problem:" + problem}));
}

std::string ReasonOf(const StatusOr<RunVerdict>& verdict) {
  if (verdict.ok()) return "";
  const std::optional<v1::RefusalDetail> detail = RefusalDetailOf(verdict.status());
  return detail.has_value() ? v1::RefusalReason_Name(detail->reason()) : verdict.status().ToString();
}

const Step& StepNamed(const std::vector<Step>& steps, const std::string& name) {
  return *std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.name == name; });
}

EventDraft WithScope(EventDraft grant, const std::function<void(v1::Scope&)>& limit) {
  Edit<v1::RoleGranted>([&](v1::RoleGranted& body) { limit(*body.mutable_scope()); })(grant);
  return grant;
}

// Who certifies may have tested, signed and said whatever else without end.
TEST(Authority, WhatSomebodyDidBesideCostsADecisionNothing) {
  GateWorld world(GateStory());
  const auto rows_read = [&] {
    const CountingRows rows(world.ledger().rows());
    Facts facts(rows, world.ledger().size());
    const StatusOr<v1::GateDecided> decision = Decide(facts, world.Request());
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(Failed(*decision), "");
    return rows.count();
  };
  const size_t before = rows_read();
  std::vector<EventDraft> runs;
  for (int i = 0; i < 50; ++i) {
    v1::TestRunCompleted run;
    run.set_level(v1::UNIT);
    run.set_configuration_digest(ArtifactBytesDigest("other"));
    run.set_test_configuration("bench");
    run.add_tools("ctest");
    run.add_unit_criteria("boundaries");
    run.set_result(v1::TestRunCompleted::PASS);
    runs.push_back(DraftWith(run, {Text("test_run=test_run:other-", i), "test_case=test_case:unit@1",
                                   "verified=model:other@1", "tester=person:carl"}));
  }
  world.DoAll("ada", runs);
  EXPECT_LT(rows_read(), before + runs.size());
}

TEST(Authority, OnlyWhoLiftsHoldsPermitsWhatWouldBeDenied) {
  GateWorld world(GateStory());
  ASSERT_TRUE(world.Do({"problem", "ada", Problem("p1")}).ok());
  for (const char* writer : {"eve", "tuner", "ICU-1", "carl"}) {
    ASSERT_TRUE(world.Do({"permit", writer, Permission(Text("by-", writer), "p1")}).ok());
    EXPECT_EQ(Failed(world.Ask()), "G09") << writer;
  }
  ASSERT_TRUE(world.Do({"permit", "ada", Permission("by-ada", "p1")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");

  // The role at the time counts: what was permitted stays so, and nothing more is.
  ASSERT_TRUE(world.Do({"withdrawn", "ada", WithdrawRole("ada", v1::QUALITY_OFFICER)}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do({"problem", "ada", Problem("p2")}).ok());
  ASSERT_TRUE(world.Do({"permit", "ada", Permission("late", "p2")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09");
  const EventDraft other_item =
      WithScope(GrantRole("ada", v1::QUALITY_OFFICER), [](v1::Scope& scope) { scope.add_items("gate"); });
  ASSERT_TRUE(world.Do({"granted", "ada", other_item}).ok());
  ASSERT_TRUE(world.Do({"permit", "ada", Permission("elsewhere", "p2")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09") << "a role for another item";
  const EventDraft this_item =
      WithScope(GrantRole("ada", v1::QUALITY_OFFICER), [](v1::Scope& scope) { scope.add_items("alert"); });
  ASSERT_TRUE(world.Do({"granted", "ada", this_item}).ok());
  ASSERT_TRUE(world.Do({"permit", "ada", Permission("here", "p2")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(Authority, OneArtifactVersionIsOneThing) {
  const std::vector<Step> story = GateStory();
  const Step& produced = StepNamed(story, "produced");
  GateWorld world(story);
  ASSERT_TRUE(world.Do({"again", "tuner", produced.draft}).ok());
  EXPECT_EQ(Failed(world.Ask()), "") << "told twice";

  const auto recorded_as = [&](const std::string& writer, const std::function<void(EventDraft&)>& change) {
    GateWorld other(story);
    EventDraft draft = produced.draft;
    change(draft);
    EXPECT_TRUE(other.Do({"otherwise", writer, draft}).ok()) << "an observation is recorded";
    const v1::GateDecided decision = other.Ask();
    EXPECT_THAT(Failed(decision), HasSubstr("G02"));
    EXPECT_THAT(NoteOf(decision, "G02"), HasSubstr(Text("leaf ", other.LeafOf("otherwise").value)));
    EXPECT_THAT(NoteOf(decision, "G02"), HasSubstr(Text("leaf ", other.LeafOf("produced").value)));
  };
  recorded_as("tuner", Edit<v1::ArtifactProduced>(
                           [](v1::ArtifactProduced& body) { body.mutable_parameters(0)->set_value("0.02"); }));
  recorded_as("tuner", [](EventDraft& draft) { AddReference(draft, "parent", "artifact", "shift", "0"); });
  recorded_as("eve", [](EventDraft& draft) { draft.header.clear_on_behalf_of(); });

  // First in shadow mode, then as a candidate.
  const auto shadow =
      Edit<v1::ArtifactProduced>([](v1::ArtifactProduced& body) { body.set_mode(v1::ArtifactProduced::SHADOW); });
  GateWorld promoted(Changed(story, "produced", shadow));
  ASSERT_TRUE(promoted.Do({"candidate", "tuner", produced.draft}).ok());
  EXPECT_THAT(Failed(promoted.Ask()), HasSubstr("G02"));
}

TEST(Authority, WhatIsRecordedOfAnArtifactComesBeforeItsCertification) {
  const std::vector<Step> story = GateStory();
  GateWorld world(story);
  EventDraft replaced = StepNamed(story, "produced").draft;
  Edit<v1::ArtifactProduced>([](v1::ArtifactProduced& body) { body.mutable_parameters(0)->set_value("0.02"); })(
      replaced);
  const StatusOr<LoadedEvent> first = LoadEvent(world.ledger().rows(), world.LeafOf("produced"));
  replaced.header.set_corrects(first->header.event_id.bytes());
  ASSERT_TRUE(world.Do({"replaced", "tuner", replaced}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G06 G08") << "nor was it tested since";
}

// The story with another delegation, and the certification of the certifier under it.
struct Delegation {
  std::function<void(v1::AuthorityDelegated&)> terms = [](v1::AuthorityDelegated&) {};
  std::function<void(v1::CertificationIssued&)> certification = [](v1::CertificationIssued&) {};
};

std::string CertifiedUnder(const Delegation& delegation) {
  GateWorld world(Changed(Changed(GateStory(), "delegation", Edit<v1::AuthorityDelegated>(delegation.terms)),
                          "certified", Edit<v1::CertificationIssued>(delegation.certification)));
  if (world.refused().contains("delegation")) return Text("delegation: ", world.refused().at("delegation").ToString());
  return world.refused().contains("certified") ? ReasonOf(world.refused().at("certified")) : Failed(world.Ask());
}

TEST(Authority, ADelegationIsHeldWhereverItIsNamed) {
  EXPECT_EQ(CertifiedUnder({}), "");
  EXPECT_EQ(CertifiedUnder({.terms = [](auto& body) { body.mutable_scope()->add_items("alert"); }}), "");
  EXPECT_EQ(CertifiedUnder({.terms = [](auto& body) { body.mutable_scope()->add_items("gate"); }}), "OUT_OF_SCOPE");
  EXPECT_EQ(
      CertifiedUnder({.terms = [](auto& body) { body.mutable_scope()->set_class_max(v1::SOFTWARE_SAFETY_CLASS_B); }}),
      "OUT_OF_SCOPE");
  const auto of_the_us = [](v1::AuthorityDelegated& body) { body.mutable_scope()->add_jurisdictions("US"); };
  EXPECT_EQ(CertifiedUnder({.terms = of_the_us}), "OUT_OF_SCOPE") << "no jurisdiction is all of them";
  EXPECT_EQ(CertifiedUnder({of_the_us, [](auto& body) { body.set_jurisdiction("DE"); }}), "OUT_OF_SCOPE");
  EXPECT_EQ(CertifiedUnder({of_the_us, [](auto& body) { body.set_jurisdiction("US"); }}), "");
}

TEST(Authority, AnOwnRoleDoesNotMakeUpForADelegation) {
  v1::RoleGranted grant;
  grant.set_role(v1::CERTIFIER);
  const Step own{"own-role", "ada", DraftWith(grant, {"holder=software:certifier"})};
  const Step withdrawn{"withdrawn", "carl", Because(DraftWith(v1::AuthorityWithdrawn(), {"delegation=delegation:d1"}))};
  const auto certified_after = [&](const std::vector<Step>& before) {
    std::vector<Step> steps = GateStory();
    const auto at = std::find_if(steps.begin(), steps.end(), [](const Step& each) { return each.name == "certified"; });
    steps.insert(at, before.begin(), before.end());
    return GateWorld(steps).refused().contains("certified");
  };
  EXPECT_FALSE(certified_after({own}));
  EXPECT_TRUE(certified_after({own, withdrawn}));
  // Somebody else's.
  GateWorld world(Without(GateStory(), {"certified"}));
  ASSERT_TRUE(world.Do(own).ok());
  Step by_carl = StepNamed(GateStory(), "certified");
  by_carl.writer = "carl";
  EXPECT_EQ(ReasonOf(world.Do(by_carl)), "ROLE_MISSING") << "the delegation lets the software act";
}

TEST(Authority, AWithdrawalThatArrivesLateIsSeenByTheGate) {
  GateWorld world(GateStory());
  v1::AuthorityWithdrawn body;
  body.set_effective_from_us(kTestStart.us);
  ASSERT_TRUE(world.Do({"withdrawn", "carl", Because(DraftWith(body, {"delegation=delegation:d1"}))}).ok());
  const v1::GateDecided decision = world.Ask();
  EXPECT_EQ(Failed(decision), "G06");
  EXPECT_THAT(NoteOf(decision, "G06"), HasSubstr("was withdrawn"));

  GateWorld later(GateStory());
  body.set_effective_from_us(later.now().us + 1);
  ASSERT_TRUE(later.Do({"withdrawn", "carl", Because(DraftWith(body, {"delegation=delegation:d1"}))}).ok());
  EXPECT_EQ(Failed(later.Ask()), "") << "it was in force when the certification was sealed";
}

EventDraft WithdrawDelegation(int64_t effective_from_us) {
  v1::AuthorityWithdrawn body;
  body.set_effective_from_us(effective_from_us);
  return Because(DraftWith(body, {"delegation=delegation:d1"}));
}

TEST(Authority, ADelegationIsEndedByWhoGaveItOrAnswersForAll) {
  GateWorld world(GateStory());
  for (const char* writer : {"certifier", "tuner", "ICU-1", "eve", "rita"}) {
    EXPECT_EQ(ReasonOf(world.Do({"withdrawn", writer, WithdrawDelegation(kTestStart.us)})), "ROLE_MISSING") << writer;
  }
  EXPECT_EQ(Failed(world.Ask()), "");
  const Step again = StepNamed(GateStory(), "certified");
  // The earliest end holds, whoever was first to name one.
  ASSERT_TRUE(world.Do({"far-off", "carl", WithdrawDelegation(kTestStart.us + int64_t{5'000'000'000'000'000})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  EXPECT_EQ(ReasonOf(world.Do(again)), "");
  ASSERT_TRUE(world.Do({"at-once", "ada", WithdrawDelegation(kTestStart.us)}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G06");
  EXPECT_EQ(ReasonOf(world.Do(again)), "ROLE_MISSING");
  // And it is taken back like what else forbids.
  const StatusOr<LoadedEvent> withdrawn = LoadEvent(world.ledger().rows(), world.LeafOf("at-once"));
  const EventDraft retracted = Because(Correct(withdrawn->header.event_id, v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(ReasonOf(world.Do({"retracted", "carl", retracted})), "ROLE_MISSING");
  ASSERT_TRUE(world.Do({"retracted", "ada", retracted}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  EXPECT_EQ(ReasonOf(world.Do(again)), "");
}

TEST(Authority, ADelegationThatIsTakenBackLetsNobodyAct) {
  GateWorld world(GateStory());
  const StatusOr<LoadedEvent> delegated = LoadEvent(world.ledger().rows(), world.LeafOf("delegation"));
  const EventDraft retracted = Because(Correct(delegated->header.event_id, v1::RecordCorrected::RETRACTED));
  ASSERT_TRUE(world.Do({"retracted", "carl", retracted}).ok());
  EXPECT_EQ(ReasonOf(world.Do(StepNamed(GateStory(), "certified"))), "ROLE_MISSING");
}

// What has no versions is one thing, whatever version somebody gives it.
TEST(Authority, AVersionOfWhatHasNoneTakesNothingOver) {
  const std::vector<Step> story = GateStory();
  GateWorld world(story);
  const auto with_version = [&](const std::string& step, const std::string& role) {
    EventDraft draft = StepNamed(story, step).draft;
    for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
      if (ref.role() == role) ref.set_version("2");
    }
    return Retrospective(draft);
  };
  EventDraft delegated = with_version("delegation", "delegation");
  Edit<v1::AuthorityDelegated>([](v1::AuthorityDelegated& body) {
    body.set_uses_max(7);
    *body.mutable_signature() = FreshSignature();
  })(delegated);
  EXPECT_EQ(ReasonOf(world.Do({"again", "carl", delegated})), "ENTITY_TAKEN");
  EventDraft certified = with_version("certified", "certification");
  Edit<v1::CertificationIssued>([](v1::CertificationIssued& body) { body.set_jurisdiction("US"); })(certified);
  EXPECT_EQ(ReasonOf(world.Do({"again", "certifier", certified})), "ENTITY_TAKEN");
}

// What a reference with a version too many says: refused, or where it must be recorded, found all the same.
TEST(Authority, AVersionOfWhatHasNoneHidesNothing) {
  const auto hold = [](const std::string& scope) {
    return Because(DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=" + scope}));
  };
  v1::AuthorityWithdrawn of_delegation;
  of_delegation.set_effective_from_us(kTestStart.us);
  v1::DeviceUnitRelocated moved;
  moved.set_jurisdiction("FR");
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::SAFETY);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("off");
  v1::RiskControlDefined control;
  control.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  control.mutable_content()->set_text("a second one");
  struct Case {
    std::string rule;
    std::string writer;
    EventDraft draft;
    std::string failed;
  };
  const std::vector<Case> cases = {
      {"VERSION/scope", "eve", hold("software_item:alert@2"), "G13"},
      {"VERSION/scope", "eve", hold("site:boston@1"), "G13"},
      {"VERSION/scope", "eve", hold("device_unit:ICU-1@1"), "G13"},
      {"VERSION/scope", "eve", hold("device_model:monitor@2"), "G13"},
      {"VERSION/scope", "eve", hold("certification:cert-1@2"), "G13"},
      {"VERSION/certification", "carl",
       Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:cert-1@1"})), "G04 G06"},
      {"VERSION/delegation", "carl", Because(DraftWith(of_delegation, {"delegation=delegation:d1@1"})), "G06"},
      {"VERSION/control", "ada",
       DraftWith(control, {"control=risk_control:second@1", "depends_on=software_item:alert"}), "G06 G07"},
      {"VERSION/unit", "ICU-1", DraftWith(moved, {"unit=device_unit:ICU-1@1"}), "G01"},
      {"VERSION/found_in", "eve", DraftWith(anomaly, {"anomaly=anomaly:a1", "found_in=software_item:alert@2"}), "G09"},
      {"VERSION/affected", "eve", DraftWith(problem, {"problem=problem:p1", "affected=software_item:alert@2"}), "G09"},
  };
  for (const Case& each : cases) {
    GateWorld world(GateStory());
    ASSERT_EQ(Failed(world.Ask()), "");
    const bool observed =
        each.rule == "VERSION/unit" || each.rule == "VERSION/found_in" || each.rule == "VERSION/affected";
    const StatusOr<RunVerdict> verdict = world.Do({"versioned", each.writer, each.draft});
    EXPECT_EQ(ReasonOf(verdict), observed ? "" : "RULE_BROKEN") << each.rule;
    if (!observed) {
      EXPECT_EQ(RefusalDetailOf(verdict.status())->rule(), each.rule);
      EXPECT_TRUE(world.Do({"versioned", each.writer, Retrospective(each.draft)}).ok()) << each.rule;
    }
    const StatusOr<std::vector<v1::Finding>> findings = FindingsOf(world.ledger().rows(), world.LeafOf("versioned"));
    EXPECT_TRUE(std::any_of(findings->begin(), findings->end(), [&](const v1::Finding& finding) {
      return finding.rule() == each.rule;
    })) << each.rule;
    EXPECT_THAT(Failed(world.Ask()), HasSubstr(each.failed)) << each.rule;
  }
}

TEST(Authority, ABaselineIsOfItemsInTheirVersions) {
  GateWorld world(Changed(GateStory(), "baseline", [](EventDraft& draft) {
    for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
      if (ref.role() == "member") ref.set_version("2.1");
    }
  }));
  EXPECT_TRUE(world.refused().empty()) << world.refused().begin()->second;
  const StatusOr<std::vector<v1::Finding>> findings = FindingsOf(world.ledger().rows(), world.LeafOf("baseline"));
  ASSERT_TRUE(findings.ok());
  EXPECT_TRUE(findings->empty()) << findings->front().DebugString();
  EXPECT_EQ(Failed(world.Ask()), "");
  const EventDraft hold = Because(DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=software_item:alert"}));
  ASSERT_TRUE(world.Do({"hold", "eve", hold}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G13") << "a hold on the item is one on its versions";
}

// A withdrawal is of the delegation that it names, and not written under it.
TEST(Authority, AWithdrawalIsReplacedByWhoAnswersForAll) {
  GateWorld world(GateStory());
  v1::AuthorityWithdrawn body;
  body.set_effective_from_us(kTestStart.us - int64_t{86'400'000'000});
  ASSERT_TRUE(world.Do({"withdrawn", "carl", Because(DraftWith(body, {"delegation=delegation:d1"}))}).ok());
  const StatusOr<LoadedEvent> withdrawn = LoadEvent(world.ledger().rows(), world.LeafOf("withdrawn"));
  body.set_effective_from_us(0);
  EventDraft replacing = Because(DraftWith(body, {"delegation=delegation:d1"}));
  replacing.header.set_corrects(withdrawn->header.event_id.bytes());
  EXPECT_FALSE(world.Do({"by-eve", "eve", replacing}).ok());
  EXPECT_TRUE(world.Do({"by-ada", "ada", replacing}).ok()) << world.refused().at("by-ada");
}

// A decision is computed again with the class that the item had then, whatever was said of it since.
TEST(Authority, ReplayFindsTheClassOfThen) {
  GateWorld world(Without(GateStory(), {"item-class"}));
  const v1::GateDecided recorded = world.Record();
  ASSERT_EQ(Failed(recorded), "");
  v1::SoftwareItemIdentified system;
  system.set_name("system");
  system.set_level(v1::SoftwareItemIdentified::SYSTEM);
  system.set_trainability(v1::SoftwareItemIdentified::FIXED);
  v1::SafetyClassAssigned lowest;
  lowest.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_A);
  ASSERT_TRUE(world.Do({"system", "ada", DraftWith(system, {"item=software_item:system"})}).ok());
  ASSERT_TRUE(world.Do({"class-a", "ada", DraftWith(lowest, {"item=software_item:system"})}).ok());
  const EventDraft part =
      DraftWith(v1::SoftwareItemDecomposed(), {"item=software_item:system", "part=software_item:alert"});
  ASSERT_TRUE(world.Do({"decomposed", "ada", part}).ok());
  EXPECT_NE(Failed(world.Ask()), "") << "class A asks for an impact analysis";
  v1::Question question;
  question.mutable_gate_replay()->set_decision(world.last_decision());
  const auto replay = [&] { return Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate); };
  StatusOr<v1::Answer> answer = replay();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->gate_replay().identical()) << answer->DebugString();

  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf("decomposed"));
  ASSERT_TRUE(world.Do({"retracted", "ada", Correct(event->header.event_id, v1::RecordCorrected::RETRACTED)}).ok());
  EXPECT_EQ(Failed(world.Ask()), "") << "it is of no class A system after all";
  answer = replay();
  EXPECT_TRUE(answer->gate_replay().identical());
}

}  // namespace
}  // namespace anamnesis
