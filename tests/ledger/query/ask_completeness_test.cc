// Evidence by class from the adopted profile, plan against deliverables, and the clause index.

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

constexpr auto kA = v1::SOFTWARE_SAFETY_CLASS_A;
constexpr auto kB = v1::SOFTWARE_SAFETY_CLASS_B;
constexpr auto kC = v1::SOFTWARE_SAFETY_CLASS_C;

EventDraft Release(bool tasks_complete) {
  v1::ReleaseApproved body;
  v1::FileRecord& file = *body.add_archive();
  file.set_path("x.tar");
  *file.mutable_digest() = TestContent();
  body.set_no_residual_anomalies(true);
  body.set_delivery_method("signed download");
  body.set_tasks_complete(tasks_complete);
  return DraftWith(std::move(body), {"release=release:X@1", "model=model:m@1", "item=software_item:X"});
}

EventDraft Review(const std::vector<std::string>& people, const std::string& coverage) {
  v1::ReviewHeld body;
  body.set_outcome(v1::ReviewHeld::ACCEPTED);
  body.set_coverage(coverage);
  return WithRefs(DraftWith(std::move(body), {"review=review:rev", "subject=requirement:R1@1", "item=software_item:X"}),
                  people);
}

EventDraft Feedback() {
  v1::FeedbackReceived body;
  body.set_source("ward");
  body.set_channel("mail");
  body.set_text("works");
  return DraftWith(std::move(body), {"feedback=feedback:f", "about=release:X@1"});
}

EventDraft Build() {
  v1::BuildCompleted body;
  v1::NamedDigest& tool = *body.add_toolchain();
  tool.set_name("gcc");
  *tool.mutable_digest() = TestContent();
  *body.mutable_recipe() = TestContent();
  body.add_outputs()->set_path("x.so");
  body.set_reproducible(v1::BuildCompleted::YES);
  return DraftWith(std::move(body), {"build=build:b", "item=software_item:X"});
}

EventDraft Procedure() {
  v1::TestProcedureEvaluated body;
  body.set_adequate(true);
  return DraftWith(std::move(body), {"test_case=test_case:TI@1", "item=software_item:X"});
}

EventDraft Decomposed() {
  return DraftWith(v1::SoftwareItemDecomposed(), {"item=software_item:X", "part=software_item:U"});
}

// What class A asks for by the clauses, and nothing else.
void AddClassA(ProjectedHistory& history, bool tasks_complete = false) {
  history.Add(Item("X", {}, v1::SoftwareItemIdentified::SYSTEM));
  history.Add(Class("X", kA));
  history.Add(Plan("risk", "X", v1::PlanContent::RISK, {"scope"}));
  history.Add(Plan("dev", "X", v1::PlanContent::DEVELOPMENT,
                   {"scope", "test_strategy", "risk", "documentation", "configuration_management"}));
  history.Add(Plan("upkeep", "X", v1::PlanContent::MAINTENANCE, {"scope"}));
  history.Add(Requirement("R1", "1", "X"));
  history.Add(Review({"reviewer=person:ann", "author=person:ada"}, ""));
  history.Add(Code("c1", "X"));
  history.Add(TestCase("TS", v1::SYSTEM, "X"));
  history.Add(TestRunOf("run-s", "TS", v1::SYSTEM, "X"));
  history.Add(Release(tasks_complete));
  history.Add(Feedback());
}

// What B and C ask for beyond it.
void AddClassC(ProjectedHistory& history) {
  history.Add(Plan("int", "X", v1::PlanContent::INTEGRATION, {"scope", "coding_standards", "tools", "common_defects"}));
  history.Add(Item("U", {"parent=software_item:X"}, v1::SoftwareItemIdentified::UNIT));
  history.Add(Decomposed());
  history.Add(Requirement("R2", "1", "X", v1::RequirementContent::RISK_CONTROL));
  history.Add(Architecture("arch", "X"));
  history.Add(Design("des", "U"));
  history.Add(Build());
  history.Add(TestCase("TU", v1::UNIT, "U"));
  history.Add(TestRunOf("run-u", "TU", v1::UNIT, "U"));
  history.Add(TestCase("TI", v1::INTEGRATION, "X"));
  history.Add(Procedure());
  history.Add(Hazard("H", "X"));
  history.Add(Situation("S", "H", "X"));
  history.Add(Cause("K", "S", "X"));
  history.Add(Control("RC", {"cause=software_cause:K", "requirement=requirement:R2@1"}));
  history.Add(Verified("RC", v1::RiskControlVerified::IMPLEMENTATION));
  history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS));
}

v1::CompletenessAnswer Completeness(const ProjectedHistory& history, v1::SoftwareSafetyClass safety_class,
                                    uint64_t known_size = 0) {
  v1::Question question;
  SetEntity(*question.mutable_completeness()->mutable_item(), "software_item", "X");
  question.mutable_completeness()->set_safety_class(safety_class);
  question.set_known_size(known_size);
  return AskOf(history, question).completeness();
}

std::set<std::string> MissingByClause(const v1::CompletenessAnswer& answer) {
  std::set<std::string> missing;
  for (const v1::ClauseEvidence& evidence : answer.evidence()) {
    if (evidence.state() == v1::MISSING_BY_CLAUSE) missing.insert(evidence.clause().substr(10));
  }
  return missing;
}

std::set<std::string> Clauses(const std::string& text) {
  std::istringstream words(text);
  std::set<std::string> clauses;
  for (std::string clause; words >> clause;) clauses.insert(clause);
  return clauses;
}

const std::string kOnlyFromB =
    "5.1.5 5.1.10 5.1.12 5.2.3 5.3.1 5.3.2 5.3.6 5.4.1 5.5.2 5.5.3 5.5.5 5.6.1 5.6.2 5.6.3 5.6.4 5.6.5 5.6.7 5.8.5 "
    "5.8.6 7.1.1 7.1.2 7.1.4 7.2.1 7.2.2 7.3.1 7.3.3";
const std::string kOnlyFromC = "5.1.4 5.3.5 5.4.2 5.4.3 5.4.4 5.5.4";

// Golden scenario 14.
TEST(AskCompleteness, A35D14TheSameEvidenceOnThreeClassesDiffersAsTheTableSays) {
  ProjectedHistory history;
  AdoptProfile(history);
  AddClassA(history);
  EXPECT_EQ(MissingByClause(Completeness(history, kA)), Clauses(""));
  EXPECT_TRUE(Completeness(history, kA).complete_by_clause());
  EXPECT_EQ(MissingByClause(Completeness(history, kB)), Clauses(kOnlyFromB));
  EXPECT_EQ(MissingByClause(Completeness(history, kC)), Clauses(kOnlyFromB + " " + kOnlyFromC));
}

TEST(AskCompleteness, A35WithAllOfItEveryClassIsCompleteAndOneRemovedFlipsThoseThatAskForIt) {
  ProjectedHistory history;
  AdoptProfile(history);
  AddClassA(history, true);
  AddClassC(history);
  const LeafIndex integration = history.Add(TestRunOf("run-i", "TI", v1::INTEGRATION, "X"));
  for (const auto safety_class : {kA, kB, kC}) {
    EXPECT_EQ(MissingByClause(Completeness(history, safety_class)), Clauses("")) << safety_class;
  }
  const TreeSize before = history.size();
  history.Retract(integration);
  EXPECT_TRUE(Completeness(history, kA).complete_by_clause());
  EXPECT_EQ(MissingByClause(Completeness(history, kB)), Clauses("5.6.1 5.6.2 5.6.3 5.6.7"));
  EXPECT_FALSE(Completeness(history, kC).complete_by_clause());
  EXPECT_TRUE(Completeness(history, kC, before.value).complete_by_clause());
}

TEST(AskCompleteness, A10WithoutAnAssignedClassTheRulesOfCHold) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  EXPECT_EQ(Completeness(history, v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED).safety_class(), kC);
  history.Add(Class("X", kB));
  const v1::CompletenessAnswer answer = Completeness(history, v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED);
  EXPECT_EQ(answer.safety_class(), kB);
  EXPECT_EQ(answer.class_assigned_to(), "X");
}

TEST(AskCompleteness, A18A19PlanSectionsThatTheQualitySystemAsksForAreMissingByPolicy) {
  ProjectedHistory history;
  AdoptProfile(history);
  AddClassA(history);
  const auto missing = [&] {
    std::string text;
    const auto whole = Completeness(history, kA);
    for (const v1::ClauseEvidence& evidence : whole.evidence()) {
      if (evidence.state() == v1::MISSING_BY_POLICY) text += evidence.text() + "\n";
    }
    return text;
  };
  EXPECT_NE(missing().find("tools, coding_standards"), std::string::npos) << missing();
  EXPECT_NE(missing().find("data_split, validation_approach, class_imbalance"), std::string::npos) << missing();
  EXPECT_TRUE(Completeness(history, kA).complete_by_clause());
  EXPECT_FALSE(Completeness(history, kA).complete_by_policy());
  history.Add(Plan("ai", "X", v1::PlanContent::DEVELOPMENT,
                   {"data_split", "validation_approach", "class_imbalance", "tools", "coding_standards"}));
  EXPECT_EQ(missing().find("section"), std::string::npos) << missing();
}

TEST(AskCompleteness, A18A19EachSectionThatThePlanLacksIsNamed) {
  const std::vector<std::string> of_plan = {
      "scope", "tools", "coding_standards", "test_strategy", "configuration_management", "risk", "documentation"};
  const std::vector<std::string> of_what_learns = {"data_split", "validation_approach", "class_imbalance"};
  std::vector<std::string> all = of_plan;
  all.insert(all.end(), of_what_learns.begin(), of_what_learns.end());
  const auto missing = [](const std::vector<std::string>& sections, v1::SoftwareItemIdentified::Trainability learns) {
    ProjectedHistory history;
    AdoptProfile(history);
    v1::SoftwareItemIdentified item;
    item.set_name("X");
    item.set_level(v1::SoftwareItemIdentified::SYSTEM);
    item.set_trainability(learns);
    history.Add(DraftWith(std::move(item), {"item=software_item:X"}));
    history.Add(Plan("dev", "X", v1::PlanContent::DEVELOPMENT, sections));
    const v1::CompletenessAnswer answer = Completeness(history, kA);
    std::vector<std::string> texts;
    for (const v1::ClauseEvidence& evidence : answer.evidence()) {
      if (evidence.clause() != "IEC 62304 5.1.1" || !evidence.policy_only()) continue;
      if (evidence.state() == v1::MISSING_BY_POLICY) texts.push_back(evidence.text());
    }
    return texts;
  };
  for (const std::string& lacking : all) {
    std::vector<std::string> rest = all;
    std::erase(rest, lacking);
    EXPECT_EQ(missing(rest, v1::SoftwareItemIdentified::TRAINABLE),
              std::vector<std::string>{"no plan of the item has the section " + lacking});
  }
  EXPECT_EQ(missing(all, v1::SoftwareItemIdentified::TRAINABLE), std::vector<std::string>());
  EXPECT_EQ(missing(of_plan, v1::SoftwareItemIdentified::TRAINABLE).size(), 1u);
  EXPECT_EQ(missing(of_plan, v1::SoftwareItemIdentified::FIXED), std::vector<std::string>()) << "it learns nothing";
}

TEST(AskCompleteness, A36ClassCNeedsTwoReviewersBesideTheAuthorAndACoverage) {
  const auto review_missing = [](const std::vector<std::string>& people, const std::string& coverage) {
    ProjectedHistory history;
    AdoptProfile(history);
    history.Add(Item("X"));
    history.Add(Requirement("R1", "1", "X"));
    history.Add(Review(people, coverage));
    const auto whole = Completeness(history, kC);
    for (const v1::ClauseEvidence& evidence : whole.evidence()) {
      if (evidence.policy_only() && evidence.clause() == "IEC 62304 5.2.6") {
        return evidence.state() == v1::MISSING_BY_POLICY;
      }
    }
    return false;
  };
  EXPECT_FALSE(review_missing({"reviewer=person:ann", "reviewer=person:bob", "author=person:ada"}, "95"));
  EXPECT_TRUE(review_missing({"reviewer=person:ann", "reviewer=person:bob", "author=person:ada"}, ""));
  EXPECT_TRUE(review_missing({"reviewer=person:ann", "reviewer=person:ann", "author=person:ada"}, "95"));
  EXPECT_TRUE(review_missing({"reviewer=person:ann", "reviewer=person:ada", "author=person:ada"}, "95"));
}

TEST(AskCompleteness, A21RequirementsInForceAreCountedByKind) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(Requirement("R1", "1", "X", v1::RequirementContent::INPUT));
  history.Add(Requirement("R1", "2", "X", v1::RequirementContent::OUTPUT));
  history.Add(Requirement("R2", "1", "X", v1::RequirementContent::OUTPUT));
  history.Add(Requirement("R3", "1", "X", v1::RequirementContent::USABILITY));
  history.Add(Rationale(DraftWith(v1::RequirementRetired(), {"requirement=requirement:R3@1"})));
  const v1::CompletenessAnswer answer = Completeness(history, kC);
  ASSERT_EQ(answer.requirements_size(), 1);
  EXPECT_EQ(answer.requirements(0).kind(), v1::RequirementContent::OUTPUT);
  EXPECT_EQ(answer.requirements(0).requirements(), 2u);
}

EventDraft SensitivityInWomen(const std::string& id) {
  v1::RequirementApproved requirement;
  requirement.mutable_content()->set_kind(v1::RequirementContent::PERFORMANCE);
  requirement.mutable_content()->set_text("in women");
  v1::AcceptanceCriterion& criterion = *requirement.mutable_content()->mutable_acceptance();
  criterion.set_metric("sensitivity");
  criterion.set_comparator(">=");
  criterion.set_value("0.9");
  criterion.set_subgroup("female");
  return DraftWith(std::move(requirement), {"requirement=requirement:" + id, "item=software_item:X"});
}

EventDraft ModelOfX(const std::string& model, const std::vector<std::string>& more = {}) {
  return WithRefs(
      DraftWith(v1::ModelRegistered(), {"model=model:" + model, "training_run=training_run:t", "dataset=dataset:d@1",
                                        "code=code_revision:c@1", "item=software_item:X"}),
      more);
}

TEST(AskCompleteness, A33APlannedSubgroupWithoutItsWholeResultKeepsTheItemIncomplete) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(SensitivityInWomen("R1@1"));
  history.Add(ModelOfX("m@1"));
  const auto missing = [&](std::string_view subgroup, bool whole) {
    v1::EvaluationCompleted body;
    body.set_result(v1::EvaluationCompleted::PASS);
    v1::Metric& metric = *body.add_metrics();
    metric.set_name("sensitivity");
    metric.set_value("0.93");
    metric.set_subgroup(std::string(subgroup));
    if (whole) {
      metric.set_n(200);
      metric.set_ci_low("0.91");
      metric.set_ci_high("0.95");
    }
    history.Add(DraftWith(body, {"model=model:m@1"}));
    const v1::CompletenessAnswer answer = Completeness(history, kA);
    EXPECT_EQ(answer.subgroups_size(), 1);
    EXPECT_FALSE(answer.complete_by_policy());
    return std::vector<std::string>(answer.subgroups(0).missing().begin(), answer.subgroups(0).missing().end());
  };
  EXPECT_EQ(missing("male", true), std::vector<std::string>({"evaluation"}));
  EXPECT_EQ(missing("female", false), std::vector<std::string>({"n", "confidence_interval"}));
  EXPECT_EQ(missing("female", true), std::vector<std::string>());
}

EventDraft EvaluatedIn(const std::string& subgroup, const std::string& model) {
  v1::EvaluationCompleted body;
  body.set_result(v1::EvaluationCompleted::PASS);
  v1::Metric& metric = *body.add_metrics();
  metric.set_name("sensitivity");
  metric.set_value("0.93");
  metric.set_subgroup(subgroup);
  metric.set_n(200);
  metric.set_ci_low("0.91");
  metric.set_ci_high("0.95");
  return DraftWith(std::move(body), {"model=" + model});
}

std::string Lacking(const v1::Answer& answer) {
  EXPECT_EQ(answer.completeness().subgroups_size(), 1);
  return absl::StrJoin(answer.completeness().subgroups(0).missing(), " ");
}

v1::Answer WholeCompleteness(const ProjectedHistory& history) {
  v1::Question question;
  SetEntity(*question.mutable_completeness()->mutable_item(), "software_item", "X");
  return AskOf(history, question);
}

TEST(AskCompleteness, A33AnOlderModelsSubgroupIsNotTheNewOnes) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(SensitivityInWomen("R@1"));
  history.Add(ModelOfX("m@1"));
  const LeafIndex older = history.Add(EvaluatedIn("female", "model:m@1"));
  EXPECT_EQ(Lacking(WholeCompleteness(history)), "");
  const LeafIndex registered = history.Add(ModelOfX("m@2"));
  history.Add(EvaluatedIn("", "model:m@2"));
  const v1::Answer answer = WholeCompleteness(history);
  EXPECT_EQ(Lacking(answer), "evaluation");
  EXPECT_FALSE(answer.completeness().subgroups(0).has_result());
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_EQ(answer.notes(0), Text("sensitivity in female was last evaluated of model:m@1 (leaf ", older.value,
                                  "), which is not the newest version of the item's"));
  // What is evaluated of the old one later is still not of the new one; a record of the old one is not the newest.
  history.Add(EvaluatedIn("female", "model:m@1"));
  history.Add(LongAgo(ModelOfX("m@1")));
  EXPECT_EQ(Lacking(WholeCompleteness(history)), "evaluation");
  history.Retract(registered);
  EXPECT_EQ(Lacking(WholeCompleteness(history)), "");
  history.Add(ModelOfX("n@1", {"previous_model=model:m@1"}));
  EXPECT_EQ(Lacking(WholeCompleteness(history)), "evaluation") << "another took its place";
  history.Add(EvaluatedIn("female", "model:n@1"));
  EXPECT_EQ(Lacking(WholeCompleteness(history)), "");
}

TEST(AskCompleteness, A33AnArtifactCountsNoLongerThanItsModel) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(SensitivityInWomen("R@1"));
  history.Add(ModelOfX("m@1"));
  v1::ArtifactProduced produced;
  produced.set_kind(v1::ArtifactProduced::DELTA);
  produced.set_mode(v1::ArtifactProduced::CANDIDATE);
  produced.set_surface("threshold");
  produced.add_files()->set_path("w");
  history.Add(DraftWith(std::move(produced), {"artifact=artifact:a@1", "model=model:m@1", "item=software_item:X"}));
  history.Add(EvaluatedIn("female", "artifact:a@1"));
  EXPECT_EQ(Lacking(WholeCompleteness(history)), "");
  history.Add(ModelOfX("m@2"));
  EXPECT_EQ(Lacking(WholeCompleteness(history)), "evaluation");
}

TEST(AskCompleteness, ALateRecordOfAnOldRequirementPlanOrEvaluationIsNotTheNewest) {
  v1::PlanContent::Activity now;
  now.set_id("now");
  v1::PlanContent::Activity before;
  before.set_id("before");
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(Plan("dev", "X", v1::PlanContent::DEVELOPMENT, {"scope"}, {now}));
  history.Add(ModelOfX("m@1"));
  history.Add(SensitivityInWomen("R@1"));
  const LeafIndex evaluated = history.Add(EvaluatedIn("female", "model:m@1"));
  history.Add(Requirement("gone", "2", "X"));
  history.Add(Rationale(DraftWith(v1::RequirementRetired(), {"requirement=requirement:gone@2"})));
  history.Add(LongAgo(Requirement("gone", "1", "X")));
  history.Add(LongAgo(Plan("dev", "X", v1::PlanContent::DEVELOPMENT, {"scope"}, {before})));
  history.Add(LongAgo(EvaluatedIn("female", "model:m@1")));
  const v1::CompletenessAnswer answer = WholeCompleteness(history).completeness();
  ASSERT_EQ(answer.requirements_size(), 1);
  EXPECT_EQ(answer.requirements(0).requirements(), 1u) << "the retired one stays retired";
  ASSERT_EQ(answer.activities_size(), 1);
  EXPECT_EQ(answer.activities(0).id(), "now");
  EXPECT_EQ(answer.subgroups(0).evaluated().index(), evaluated.value);
}

TEST(AskCompleteness, A28ArchitectureOfWhatLearnsCoversFiveTopics) {
  const std::vector<std::string> topics = {"model", "training_pipeline", "inference_pipeline", "deployment",
                                           "update_delivery"};
  for (const std::string& lacking : topics) {
    ProjectedHistory history;
    AdoptProfile(history);
    history.Add(Item("X"));
    v1::ArchitectureApproved partial;
    for (const std::string& topic : topics) {
      if (topic != lacking) partial.mutable_content()->add_topics(topic);
    }
    history.Add(DraftWith(std::move(partial), {"architecture=architecture:a@1", "item=software_item:X"}));
    const auto state = [&] {
      const auto whole = Completeness(history, kC);
      for (const v1::ClauseEvidence& evidence : whole.evidence()) {
        if (evidence.policy_only() && evidence.clause() == "IEC 62304 5.3.1") return evidence.state();
      }
      return v1::EVIDENCE_STATE_UNSPECIFIED;
    };
    EXPECT_EQ(state(), v1::MISSING_BY_POLICY) << lacking;
    history.Add(Architecture("b", "X"));
    EXPECT_EQ(state(), v1::PRESENT) << lacking;
  }
}

TEST(AskCompleteness, A20A41EachAdaptationDeliversTheArtifactAndItsCertificationOrTheGapIsNamed) {
  v1::PlanContent::Activity adapt;
  adapt.set_id("adapt");
  adapt.add_deliverables("artifact.produced");
  adapt.add_deliverables("certification.refused");
  v1::PlanContent::Activity never;
  never.set_id("archive");
  never.add_deliverables("release.archived");
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(Plan("dev", "X", v1::PlanContent::DEVELOPMENT, {"scope"}, {adapt, never}));
  for (const char* artifact : {"a1", "a2"}) {
    v1::ArtifactProduced body;
    body.set_kind(v1::ArtifactProduced::DELTA);
    body.set_mode(v1::ArtifactProduced::CANDIDATE);
    body.set_surface("alert_threshold");
    body.add_files()->set_path("w");
    history.Add(DraftWith(std::move(body), {Text("artifact=artifact:", artifact, "@1"), "item=software_item:X"}));
  }
  const v1::CompletenessAnswer answer = Completeness(history, kC);
  ASSERT_EQ(answer.activities_size(), 2);
  EXPECT_EQ(answer.activities(0).deliverables(0).delivered_size(), 2);
  ASSERT_EQ(answer.activities(0).gaps_size(), 2);
  EXPECT_EQ(answer.activities(0).gaps(0).entity().id(), "a1");
  EXPECT_EQ(answer.activities(0).gaps(0).event_type(), "certification.refused");
  EXPECT_EQ(answer.activities(1).deliverables(0).delivered_size(), 0);
}

EventDraft Certified(const std::string& artifact) {
  v1::CertificationIssued body;
  v1::CertifiedState& state = *body.mutable_state();
  for (std::string* digest :
       {state.mutable_artifact_digest(), state.mutable_baseline_digest(), state.mutable_substrate_digest()}) {
    *digest = kTestDigest;
  }
  body.set_process_profile("p");
  body.set_safety_class(kC);
  body.set_valid_from_us(kTestStart.us);
  return DraftWith(std::move(body),
                   {"certification=certification:of-" + artifact, Text("artifact=artifact:", artifact, "@1"),
                    "sandbox_run=sandbox_run:s", "envelope=envelope:e@1", "protocol=sandbox_protocol:p@1"});
}

TEST(AskCompleteness, A20AnAdaptationThatDeliversBothLeavesNoGap) {
  v1::PlanContent::Activity adapt;
  adapt.set_id("adapt");
  adapt.add_deliverables("artifact.produced");
  adapt.add_deliverables("certification.issued");
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(Plan("dev", "X", v1::PlanContent::DEVELOPMENT, {"scope"}, {adapt}));
  const auto gaps = [&] {
    const v1::CompletenessAnswer answer = Completeness(history, kC);
    std::vector<std::string> found;
    for (const auto& gap : answer.activities(0).gaps()) found.push_back(gap.entity().id() + " " + gap.event_type());
    return found;
  };
  for (const char* artifact : {"a1", "a2"}) {
    v1::ArtifactProduced body;
    body.set_kind(v1::ArtifactProduced::DELTA);
    body.set_mode(v1::ArtifactProduced::CANDIDATE);
    body.set_surface("alert_threshold");
    body.add_files()->set_path("w");
    history.Add(DraftWith(std::move(body), {Text("artifact=artifact:", artifact, "@1"), "item=software_item:X"}));
  }
  EXPECT_EQ(gaps(), (std::vector<std::string>{"a1 certification.issued", "a2 certification.issued"}));
  history.Add(Certified("a1"));
  EXPECT_EQ(gaps(), std::vector<std::string>{"a2 certification.issued"});
  const LeafIndex second = history.Add(Certified("a2"));
  EXPECT_EQ(gaps(), std::vector<std::string>());
  history.Retract(second);
  EXPECT_EQ(gaps(), std::vector<std::string>{"a2 certification.issued"});
}

TEST(AskCompleteness, A35WhatIsUnderControlOnlyAfterItWasTestedIsMissing) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  const LeafIndex tested = history.Add(TestRunOf("run", "T", v1::SYSTEM, "X"));
  history.Add(Code("c1", "X"));
  const v1::CompletenessAnswer answer = Completeness(history, kB);
  EXPECT_GT(MissingByClause(answer).count("5.1.11"), 0u);
  for (const v1::ClauseEvidence& evidence : answer.evidence()) {
    if (evidence.clause() != "IEC 62304 5.1.11") continue;
    EXPECT_EQ(evidence.text(), Text("stands only after leaf ", tested.value, " test_run.completed"));
  }
}

TEST(AskCompleteness, A29EachUnitNeedsItsOwnDesignByItsOwnClass) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(Class("X", kC));
  for (const char* unit : {"U1", "U2", "U3"}) {
    history.Add(Item(unit, {"parent=software_item:X"}, v1::SoftwareItemIdentified::UNIT));
  }
  history.Add(Class("U3", kA));
  history.Add(Design("d1", "U1"));
  const auto design = [&](v1::SoftwareSafetyClass safety_class) {
    const v1::CompletenessAnswer answer = Completeness(history, safety_class);
    for (const v1::ClauseEvidence& evidence : answer.evidence()) {
      if (evidence.clause() == "IEC 62304 5.4.2" && !evidence.policy_only()) return evidence;
    }
    return v1::ClauseEvidence();
  };
  EXPECT_EQ(design(v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED).text(), "not of the unit U2");
  EXPECT_EQ(design(kC).text(), "not of the unit U2, U3") << "the question's class holds for all";
  history.Add(Design("d2", "U2"));
  EXPECT_EQ(design(v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED).state(), v1::PRESENT);
}

TEST(AskCompleteness, OtherItemsEvidenceIsNotThisOnes) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(Item("Y"));
  history.Add(Requirement("RY", "1", "Y"));
  history.Add(Architecture("arch-y", "Y"));
  EXPECT_GT(MissingByClause(Completeness(history, kC)).count("5.2.1"), 0u);
  EXPECT_GT(MissingByClause(Completeness(history, kC)).count("5.3.1"), 0u);
}

TEST(AskCompleteness, WithoutAProfileItSaysHowToAdoptOne) {
  ProjectedHistory history;
  history.Add(Item("X"));
  v1::Question question;
  SetEntity(*question.mutable_completeness()->mutable_item(), "software_item", "X");
  const v1::Answer answer = AskOf(history, question);
  EXPECT_EQ(answer.completeness().evidence_size(), 0);
  EXPECT_FALSE(answer.completeness().complete_by_clause());
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find("policy adopt"), std::string::npos);
}

v1::Answer ClauseIndex(const ProjectedHistory& history, const std::string& clause, bool of_item) {
  v1::Question question;
  question.mutable_clause_index()->set_clause(clause);
  if (of_item) SetEntity(*question.mutable_clause_index()->mutable_item(), "software_item", "X");
  return AskOf(history, question);
}

TEST(AskClauseIndex, A109AClauseNamesItsEventsAndAnEventItsClauses) {
  ProjectedHistory history;
  AdoptProfile(history);
  AdoptShipped(history, v1::PolicyAdopted::CLAUSE_MAP, "clause_map");
  history.Add(Item("X"));
  history.Add(TestCase("TS", v1::SYSTEM, "X"));
  const LeafIndex run = history.Add(TestRunOf("run", "TS", v1::SYSTEM, "X"));
  const v1::Answer answer = ClauseIndex(history, "5.7.5", true);
  ASSERT_EQ(answer.clause_index().clauses_size(), 1);
  const v1::ClauseEvidence& evidence = answer.clause_index().clauses(0);
  EXPECT_EQ(evidence.clause(), "IEC 62304 5.7.5");
  ASSERT_EQ(evidence.evidence_size(), 1);
  EXPECT_EQ(evidence.evidence(0).index(), run.value);
  const auto& others = evidence.other_standards();
  EXPECT_NE(std::find(others.begin(), others.end(), "ISO 13485:2016 7.3.6"), others.end());

  v1::Question question;
  question.mutable_clause_index()->set_leaf(run.value);
  const v1::Answer of_leaf = AskOf(history, question);
  const auto& clauses = of_leaf.clause_index().clauses_of_leaf();
  for (const char* clause : {"IEC 62304 5.7.5", "IEC 62304 5.7.4", "ISO 13485:2016 7.3.10"}) {
    EXPECT_NE(std::find(clauses.begin(), clauses.end(), clause), clauses.end()) << clause;
  }
}

TEST(AskClauseIndex, A109WronglyCitedClausesAreResolved) {
  ProjectedHistory history;
  AdoptProfile(history);
  AdoptShipped(history, v1::PolicyAdopted::CLAUSE_MAP, "clause_map");
  history.Add(Item("X"));
  const v1::Answer answer = ClauseIndex(history, "8.1.2", true);
  ASSERT_EQ(answer.clause_index().aliases_size(), 1);
  std::set<std::string> clauses;
  for (const v1::ClauseEvidence& evidence : answer.clause_index().clauses())
    clauses.insert(evidence.clause().substr(10));
  EXPECT_EQ(clauses, Clauses("5.8.5 5.8.7 8.1.2 8.1.3 8.3"));
  EXPECT_EQ(ClauseIndex(history, "DHF", false).clause_index().clauses(0).clause(), "ISO 13485:2016 7.3.10");
}

TEST(AskClauseIndex, A110TheSameRecordsByClausesOfIso13485) {
  ProjectedHistory history;
  AdoptShipped(history, v1::PolicyAdopted::CLAUSE_MAP, "clause_map");
  history.Add(Item("X"));
  const LeafIndex review = history.Add(Review({"reviewer=person:ann"}, ""));
  for (const char* clause : {"4.2.3", "4.2.5", "7.3.9", "7.3.10", "7.5.9", "8.2.1", "8.2.2", "8.3"}) {
    EXPECT_EQ(ClauseIndex(history, Text("ISO 13485:2016 ", clause), false).clause_index().clauses_size(), 1) << clause;
  }
  const v1::Answer answer = ClauseIndex(history, "ISO 13485:2016 7.3.5", false);
  EXPECT_EQ(answer.clause_index().clauses(0).evidence(0).index(), review.value);
  EXPECT_EQ(answer.notes_size(), 1);
}

TEST(AskClauseIndex, A109InTheWholeLedgerEvidenceIsFoundBehindManyEventsOfItsType) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  for (int i = 0; i < 600; ++i) history.Add(TestRunOf(Text("u", i), "TU", v1::UNIT, "X"));
  const auto state = [&] {
    const v1::Answer answer = ClauseIndex(history, "5.6.3", false);
    return answer.clause_index().clauses(0).state();
  };
  EXPECT_EQ(state(), v1::MISSING_BY_CLAUSE);
  history.Add(TestRunOf("i", "TI", v1::INTEGRATION, "X"));
  EXPECT_EQ(state(), v1::PRESENT);
  const v1::Answer units = ClauseIndex(history, "5.5.5", false);
  EXPECT_EQ(units.clause_index().clauses(0).evidence_size(), 20);
  EXPECT_TRUE(units.clause_index().clauses(0).more());
}

// A profile may have levels of its own, of which one may hold for two classes.
TEST(AskCompleteness, TheProfilesOwnLevelsAreNamed) {
  ProjectedHistory history;
  v1::PolicyDocument document = ReadPolicy("process_profile_62304_2006_a1");
  const auto levels = [&](v1::SoftwareSafetyClass safety_class) {
    v1::Question completeness;
    SetEntity(*completeness.mutable_completeness()->mutable_item(), "software_item", "X");
    completeness.mutable_completeness()->set_safety_class(safety_class);
    v1::Question trace;
    SetEntity(*trace.mutable_trace()->mutable_subject(), "software_item", "X");
    trace.mutable_trace()->set_safety_class(safety_class);
    v1::Question index;
    index.mutable_clause_index()->set_safety_class(safety_class);
    const auto of_item = AskOf(history, completeness).completeness().levels();
    const auto of_trace = AskOf(history, trace).trace().levels();
    const auto of_index = AskOf(history, index).clause_index().levels();
    const std::vector<std::string> named(of_item.begin(), of_item.end());
    EXPECT_EQ(std::vector<std::string>(of_trace.begin(), of_trace.end()), named);
    EXPECT_EQ(std::vector<std::string>(of_index.begin(), of_index.end()), named);
    return named;
  };
  history.Add(Item("X"));
  history.Add(Adopt(v1::PolicyAdopted::PROCESS_PROFILE, document));
  EXPECT_EQ(levels(v1::SOFTWARE_SAFETY_CLASS_B), std::vector<std::string>()) << "class B is called B";
  v1::ProcessProfile& profile = *document.mutable_process_profile();
  profile.clear_levels();
  for (const auto& [name, classes] :
       {std::pair("I", std::vector{v1::SOFTWARE_SAFETY_CLASS_A}),
        std::pair("II", std::vector{v1::SOFTWARE_SAFETY_CLASS_B, v1::SOFTWARE_SAFETY_CLASS_C})}) {
    v1::ProcessProfile::Level& level = *profile.add_levels();
    level.set_name(name);
    for (const v1::SoftwareSafetyClass safety_class : classes) level.add_classes(safety_class);
  }
  history.Add(Adopt(v1::PolicyAdopted::PROCESS_PROFILE, document));
  EXPECT_EQ(levels(v1::SOFTWARE_SAFETY_CLASS_A), std::vector<std::string>{"I"});
  EXPECT_EQ(levels(v1::SOFTWARE_SAFETY_CLASS_B), std::vector<std::string>{"II"});
  EXPECT_EQ(levels(v1::SOFTWARE_SAFETY_CLASS_C), std::vector<std::string>{"II"});
}

}  // namespace
}  // namespace anamnesis
