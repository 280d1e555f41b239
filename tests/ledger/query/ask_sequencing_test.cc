// Permitted order, and on what it was judged.

#include <map>
#include <string>

#include "ledger/query/named_records.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"
#include "tests/support/counting_rows.h"

namespace anamnesis {
namespace {

using Sequencing = v1::SequencingAnswer;

v1::Answer SequencingOf(const ProjectedHistory& history) {
  v1::Question question;
  SetEntity(*question.mutable_sequencing()->mutable_item(), "software_item", "X");
  return AskOf(history, question);
}

Sequencing::Step StepOf(const v1::Answer& answer, const std::string& rule) {
  for (const Sequencing::Step& step : answer.sequencing().steps()) {
    if (step.rule() == rule) return step;
  }
  return {};
}

TEST(AskSequencing, A22CodeBeforeItsRequirementsIsOutOfOrder) {
  ProjectedHistory history;
  history.Add(Item("X"));
  const LeafIndex code = history.Add(Code("c1", "X"));
  EXPECT_EQ(StepOf(SequencingOf(history), "SRS-BEFORE-CODE").state(), Sequencing::NOTHING_BEFORE);
  const LeafIndex requirement = history.Add(Requirement("R", "1", "X"));
  const Sequencing::Step step = StepOf(SequencingOf(history), "SRS-BEFORE-CODE");
  EXPECT_EQ(step.state(), Sequencing::OUT_OF_ORDER);
  EXPECT_EQ(step.basis(), Sequencing::LOG_ORDER);
  EXPECT_EQ(step.later().index(), code.value);
  EXPECT_EQ(step.earlier().index(), requirement.value);
  EXPECT_EQ(SequencingOf(history).sequencing().out_of_order(), 1u);
}

TEST(AskSequencing, A22RequirementsBeforeCodeAreInOrderByCauseOrLog) {
  ProjectedHistory history;
  history.Add(Item("X"));
  const LeafIndex requirement = history.Add(Requirement("R", "1", "X"));
  history.Add(Code("c1", "X"));
  EXPECT_EQ(StepOf(SequencingOf(history), "SRS-BEFORE-CODE").basis(), Sequencing::LOG_ORDER);
  EventDraft caused = Code("c2", "X");
  caused.header.add_causes(ProjectedHistory::IdOf(requirement));
  history.Add(caused);
  EXPECT_EQ(SequencingOf(history).sequencing().steps(1).basis(), Sequencing::CAUSAL);
  EXPECT_EQ(SequencingOf(history).sequencing().out_of_order(), 0u);
}

TEST(AskSequencing, A22WhatWasImportedIsOrderedByStatedTimesAndSaysSo) {
  ProjectedHistory history;
  history.Add(Item("X"));
  EventDraft code = Code("c1", "X");
  code.header.set_retrospective(true);
  history.Add(code);
  EventDraft requirement = Requirement("R", "1", "X");
  requirement.header.set_retrospective(true);
  SetOccurred(requirement, Timestamp(kTestStart.us - 10), Timestamp(kTestStart.us - 5));
  history.Add(requirement);
  const v1::Answer answer = SequencingOf(history);
  const Sequencing::Step step = StepOf(answer, "SRS-BEFORE-CODE");
  EXPECT_EQ(step.state(), Sequencing::IN_ORDER);
  EXPECT_EQ(step.basis(), Sequencing::WALL_CLOCK);
  EXPECT_EQ(answer.notes_size(), 2) << "no profile, and the clock";
}

TEST(AskSequencing, A38AReleaseBeforeItsPlanIsOutOfOrder) {
  ProjectedHistory history;
  history.Add(Item("X"));
  v1::ReleaseApproved release;
  release.set_no_residual_anomalies(true);
  history.Add(DraftWith(std::move(release), {"release=release:X@1", "model=model:m@1", "item=software_item:X"}));
  history.Add(Plan("rel", "X", v1::PlanContent::RELEASE, {"scope"}));
  EXPECT_EQ(StepOf(SequencingOf(history), "RELEASE-PLAN").state(), Sequencing::OUT_OF_ORDER);
}

// Whoever deploys what was never approved as a release plans it no more than who approves it first.
TEST(AskSequencing, A38DeploymentBeforeTheReleasePlanIsOutOfOrder) {
  const std::string rule = "PROFILE/IEC 62304 5.8.6";
  v1::ArtifactActivated activated;
  activated.set_surface("detector");
  v1::DeviceUnitCommissioned commissioned;
  commissioned.set_serial_number("7");
  commissioned.set_jurisdiction("DE");
  v1::ReleaseDelivered delivered;
  delivered.mutable_digest()->set_algorithm(v1::SHA256);
  delivered.mutable_digest()->set_value(std::string(32, 'd'));
  for (const EventDraft& deployed :
       {DraftWith(activated, {"unit=device_unit:ICU-7", "artifact=model:X@1"}),
        DraftWith(commissioned, {"unit=device_unit:ICU-7", "device_model=device_model:v", "baseline=model:X@1"}),
        DraftWith(delivered, {"release=release:X@1"})}) {
    ProjectedHistory history;
    AdoptProfile(history);
    history.Add(Item("X"));
    history.Add(
        DraftWith(v1::ModelRegistered(), {"model=model:X@1", "training_run=training_run:t", "dataset=dataset:d@1",
                                          "code=code_revision:c@1", "item=software_item:X"}));
    v1::ReleaseApproved release;
    release.set_no_residual_anomalies(true);
    history.Add(DraftWith(std::move(release), {"release=release:X@1", "model=model:X@1", "item=software_item:X"}));
    EXPECT_EQ(StepOf(SequencingOf(history), rule).state(), Sequencing::STATE_UNSPECIFIED) << "nothing is deployed";
    const LeafIndex later = history.Add(deployed);
    EXPECT_EQ(StepOf(SequencingOf(history), rule).state(), Sequencing::NOTHING_BEFORE);
    EXPECT_EQ(StepOf(SequencingOf(history), rule).later().index(), later.value);
    history.Add(Plan("rel", "X", v1::PlanContent::RELEASE, {"scope"}));
    EXPECT_EQ(StepOf(SequencingOf(history), rule).state(), Sequencing::OUT_OF_ORDER);
  }
}

TEST(AskSequencing, TheProfileAsksForConfigurationControlBeforeVerification) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(TestCase("T", v1::SYSTEM, "X"));
  history.Add(TestRunOf("run", "T", v1::SYSTEM, "X"));
  history.Add(Code("c1", "X"));
  const std::string rule = "PROFILE/IEC 62304 5.1.11";
  EXPECT_EQ(StepOf(SequencingOf(history), rule).state(), Sequencing::OUT_OF_ORDER);
}

EventDraft EvaluatedModel(const std::string& version) {
  v1::EvaluationCompleted body;
  body.set_result(v1::EvaluationCompleted::PASS);
  return DraftWith(std::move(body), {"model=model:m@" + version});
}

EventDraft RegisteredModel(const std::string& version) {
  return DraftWith(v1::ModelRegistered(), {"model=model:m@" + version, "training_run=training_run:t",
                                           "dataset=dataset:d@1", "code=code_revision:c@1", "item=software_item:X"});
}

// That the first version was under control before it was tested says nothing of the second.
TEST(AskSequencing, EachVersionIsUnderControlBeforeItIsVerified) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(RegisteredModel("1"));
  history.Add(EvaluatedModel("1"));
  const auto out_of_order = [&] {
    std::map<Sequencing::State, std::string> found;
    const v1::Answer answer = SequencingOf(history);
    for (const Sequencing::Step& step : answer.sequencing().steps()) {
      if (step.rule() == "PROFILE/IEC 62304 5.1.11" && step.state() != Sequencing::IN_ORDER) {
        found[step.state()] = step.remedy();
      }
    }
    return found;
  };
  EXPECT_TRUE(out_of_order().empty());
  history.Add(EvaluatedModel("2"));
  EXPECT_EQ(out_of_order()[Sequencing::NOTHING_BEFORE], "record model:m@2 first");
  history.Add(RegisteredModel("2"));
  EXPECT_EQ(out_of_order()[Sequencing::OUT_OF_ORDER], "record model:m@2 first");

  v1::Question question;
  SetEntity(*question.mutable_completeness()->mutable_item(), "software_item", "X");
  const v1::Answer answer = AskOf(history, question);
  for (const v1::ClauseEvidence& evidence : answer.completeness().evidence()) {
    if (evidence.clause() != "IEC 62304 5.1.11") continue;
    EXPECT_EQ(evidence.state(), v1::MISSING_BY_CLAUSE);
    EXPECT_NE(evidence.text().find("names model:m@2, which was not on record before it"), std::string::npos);
  }
}

// Each revision is held against the item's requirements, which are looked up once.
TEST(AskSequencing, RecordsOfOneNameCostEachTheSame) {
  const auto rows_read = [](int revisions) {
    ProjectedHistory history;
    history.Add(Item("X"));
    for (int i = 0; i < revisions; ++i) {
      history.Add(Code(Text("c", i), "X"));
      history.Add(Requirement(Text("R", i), "1", "X"));
    }
    v1::Question question;
    SetEntity(*question.mutable_sequencing()->mutable_item(), "software_item", "X");
    const CountingRows rows(history.rows());
    const StatusOr<v1::Answer> answer = Ask(rows, "o", history.size(), question);
    EXPECT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->sequencing().out_of_order(), 1u) << "the first revision";
    return rows.count();
  };
  const size_t few = rows_read(20);
  EXPECT_LE(rows_read(80), 4 * few + few / 2);
}

// Which of them stands before: the first by place in time that does, or that something names as its cause.
TEST(AskSequencing, TheFirstThatStandsBeforeIsFoundAmongMany) {
  ProjectedHistory history;
  history.Add(Item("X"));
  const auto step_of = [&](LeafIndex later) {
    const v1::Answer answer = SequencingOf(history);
    for (const Sequencing::Step& step : answer.sequencing().steps()) {
      if (step.rule() == "SRS-BEFORE-CODE" && step.later().index() == later.value) return step;
    }
    return Sequencing::Step();
  };
  EventDraft imported = Code("imported", "X");
  imported.header.set_retrospective(true);
  const LeafIndex first = history.Add(Code("c1", "X"));
  const LeafIndex told_afterwards = history.Add(imported);
  const LeafIndex requirement = history.Add(Requirement("R1", "1", "X"));
  const LeafIndex second = history.Add(Code("c2", "X"));
  history.Add(Requirement("R2", "1", "X"));
  EXPECT_EQ(step_of(first).state(), Sequencing::OUT_OF_ORDER);
  EXPECT_EQ(step_of(first).earlier().index(), requirement.value) << "the first that should";
  EXPECT_EQ(step_of(second).earlier().index(), requirement.value);
  EXPECT_EQ(step_of(second).state(), Sequencing::IN_ORDER);
  EXPECT_EQ(step_of(told_afterwards).basis(), Sequencing::WALL_CLOCK);
  const LeafIndex long_ago = history.Add(LongAgo(Requirement("R0", "1", "X")));
  for (const LeafIndex code : {first, told_afterwards, second}) {
    EXPECT_EQ(step_of(code).earlier().index(), long_ago.value);
    EXPECT_EQ(step_of(code).state(), Sequencing::IN_ORDER);
    EXPECT_EQ(step_of(code).basis(), Sequencing::WALL_CLOCK);
  }
}

// An evaluation can name the repository without a revision: every revision is a record of it.
TEST(AskSequencing, WhatIsNamedWithoutAVersionCostsNoMoreTheMoreVersionsThereAre) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(RegisteredModel("1"));
  constexpr size_t kRevisions = 40;
  constexpr size_t kEvaluations = 30;
  const LeafIndex first = history.Add(Code("c0", "X"));
  for (size_t i = 1; i < kRevisions; ++i) history.Add(Code(Text("c", i), "X"));
  const LeafIndex told_afterwards = history.Add(LongAgo(Code("long-ago", "X")));
  for (size_t i = 0; i < kEvaluations; ++i) {
    history.Add(WithRefs(EvaluatedModel("1"), {"code=code_revision:X-code"}));
  }

  v1::ProcessProfile::Evidence line;
  line.add_events("code.revision_recorded");
  line.add_before("evaluation.completed");
  Facts facts(history.rows(), history.size());
  v1::EntityRef item;
  SetEntity(item, "software_item", "X");
  const StatusOr<ItemScope> scope = ScopeOf(facts, item);
  ASSERT_TRUE(scope.ok()) << scope.status();
  const std::vector<NamedRecords> named = NamedRecordsOf(*scope, line);
  ASSERT_EQ(named.size(), kEvaluations);
  for (const NamedRecords& one : named) {
    ASSERT_EQ(one.records.size(), 2u) << "of those told when it happened the first, and of those told afterwards";
    EXPECT_EQ(one.records[0]->event.index, first);
    EXPECT_EQ(one.records[1]->event.index, told_afterwards);
  }
}

}  // namespace
}  // namespace anamnesis
