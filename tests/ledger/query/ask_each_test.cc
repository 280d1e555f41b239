// Lines of the profile that are asked of each problem, control, SOUP and system test, not of the item once.

#include <string>
#include <vector>

#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

v1::Answer CompletenessOf(const ProjectedHistory& history) {
  v1::Question question;
  SetEntity(*question.mutable_completeness()->mutable_item(), "software_item", "X");
  return AskOf(history, question);
}

v1::Answer ClauseIndex(const ProjectedHistory& history, const std::string& clause, bool of_item) {
  v1::Question question;
  question.mutable_clause_index()->set_clause(clause);
  if (of_item) SetEntity(*question.mutable_clause_index()->mutable_item(), "software_item", "X");
  return AskOf(history, question);
}

v1::ClauseEvidence LineOf(const ProjectedHistory& history, const std::string& clause) {
  const v1::Answer answer = CompletenessOf(history);
  for (const v1::ClauseEvidence& evidence : answer.completeness().evidence()) {
    if (evidence.clause() == "IEC 62304 " + clause && !evidence.policy_only()) return evidence;
  }
  ADD_FAILURE() << "no line " << clause;
  return {};
}

EventDraft ProblemOf(const std::string& id) {
  v1::ProblemReported body;
  body.set_criticality(v1::ProblemReported::PERFORMANCE);
  body.set_description("froze");
  return DraftWith(std::move(body), {"problem=problem:" + id, "affected=software_item:X"});
}

EventDraft Investigated(const std::string& id) {
  v1::ProblemInvestigated body;
  body.set_cause("overflow");
  body.set_outcome("a change");
  return DraftWith(std::move(body), {"problem=problem:" + id});
}

EventDraft SoupOf(const std::string& version, bool anomaly_list) {
  v1::SoupIdentified body;
  body.mutable_soup()->set_title("torch");
  body.mutable_soup()->set_manufacturer("PyTorch Foundation");
  body.mutable_soup()->set_designator(version);
  if (anomaly_list) body.mutable_soup()->set_anomaly_list("its issue tracker");
  return DraftWith(std::move(body), {"soup=soup:" + version, "item=software_item:X"});
}

ProjectedHistory OfItemX() {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  return history;
}

TEST(AskEach, A35EachProblemNeedsItsOwnInvestigation) {
  ProjectedHistory history = OfItemX();
  EXPECT_EQ(LineOf(history, "9.2").state(), v1::NOT_DUE);
  history.Add(ProblemOf("p1"));
  const LeafIndex second = history.Add(ProblemOf("p2"));
  history.Add(Investigated("p1"));
  EXPECT_EQ(LineOf(history, "9.2").state(), v1::MISSING_BY_CLAUSE);
  EXPECT_EQ(LineOf(history, "9.2").text(), "not of problem:p2");
  EXPECT_TRUE(Cites(CompletenessOf(history), second));
  history.Add(Investigated("p2"));
  EXPECT_EQ(LineOf(history, "9.2").state(), v1::PRESENT);
}

TEST(AskEach, A35EachControlIsVerifiedSinceItWasLastDefined) {
  ProjectedHistory history = OfItemX();
  history.Add(Hazard("H", "X"));
  history.Add(Situation("S", "H", "X"));
  history.Add(Control("RC1", {"hazardous_situation=hazardous_situation:S"}));
  history.Add(Control("RC2", {"hazardous_situation=hazardous_situation:S"}));
  history.Add(Verified("RC1", v1::RiskControlVerified::IMPLEMENTATION));
  EXPECT_EQ(LineOf(history, "7.3.1").text(), "not of risk_control:RC2");
  history.Add(Verified("RC2", v1::RiskControlVerified::IMPLEMENTATION));
  EXPECT_EQ(LineOf(history, "7.3.1").state(), v1::PRESENT);
  v1::RiskControlRevised revised;
  revised.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  revised.mutable_content()->set_in_software(true);
  revised.mutable_content()->set_text("another threshold");
  history.Add(Rationale(DraftWith(std::move(revised), {"control=risk_control:RC1"})));
  EXPECT_EQ(LineOf(history, "7.3.1").text(), "not of risk_control:RC1");
  history.Add(Verified("RC1", v1::RiskControlVerified::IMPLEMENTATION));
  EXPECT_EQ(LineOf(history, "7.3.1").state(), v1::PRESENT);
  history.Add(Verified("RC1", v1::RiskControlVerified::IMPLEMENTATION, v1::RiskControlVerified::FAIL));
  EXPECT_EQ(LineOf(history, "7.3.1").text(), "not of risk_control:RC1") << "the last result counts";
}

TEST(AskEach, BothAspectsOfAControlAreVerified) {
  ProjectedHistory history = OfItemX();
  history.Add(Hazard("H", "X"));
  history.Add(Situation("S", "H", "X"));
  history.Add(Control("RC1", {"hazardous_situation=hazardous_situation:S"}));
  history.Add(Verified("RC1", v1::RiskControlVerified::EFFECTIVENESS, v1::RiskControlVerified::FAIL));
  history.Add(Verified("RC1", v1::RiskControlVerified::IMPLEMENTATION));
  const auto states = [&] {
    std::vector<v1::EvidenceState> found;
    const v1::Answer answer = CompletenessOf(history);
    for (const v1::ClauseEvidence& evidence : answer.completeness().evidence()) {
      if (evidence.clause() == "IEC 62304 7.3.1") found.push_back(evidence.state());
    }
    return found;
  };
  EXPECT_EQ(states(), (std::vector{v1::PRESENT, v1::MISSING_BY_CLAUSE}));
  history.Add(Verified("RC1", v1::RiskControlVerified::EFFECTIVENESS));
  EXPECT_EQ(states(), (std::vector{v1::PRESENT, v1::PRESENT}));
}

TEST(AskEach, EachTestOfAUnitHasToPass) {
  ProjectedHistory history = OfItemX();
  history.Add(Item("U", {"parent=software_item:X"}, v1::SoftwareItemIdentified::UNIT));
  for (const std::string test : {"T1", "T2"}) history.Add(TestCase(test, v1::UNIT, "U"));
  history.Add(TestRunOf("r1", "T1", v1::UNIT, "U", v1::TestRunCompleted::FAIL));
  history.Add(TestRunOf("r2", "T2", v1::UNIT, "U"));
  EXPECT_EQ(LineOf(history, "5.5.5").text(), "not of the unit U");
  history.Add(TestRunOf("r3", "T1", v1::UNIT, "U"));
  EXPECT_EQ(LineOf(history, "5.5.5").state(), v1::PRESENT) << LineOf(history, "5.5.5").DebugString();
}

TEST(AskEach, AResolutionThatDidNotHoldIsNotVerified) {
  ProjectedHistory history = OfItemX();
  history.Add(ProblemOf("p1"));
  v1::ProblemResolved body;
  body.set_summary("fixed");
  history.Add(DraftWith(std::move(body), {"problem=problem:p1"}));
  const auto verify = [&](bool resolved) {
    v1::ProblemVerified body;
    body.set_resolved(resolved);
    body.set_new_problems(!resolved);
    history.Add(DraftWith(std::move(body), {"problem=problem:p1"}));
    return LineOf(history, "9.7").state();
  };
  EXPECT_EQ(verify(false), v1::MISSING_BY_CLAUSE);
  EXPECT_EQ(verify(true), v1::PRESENT);
  EXPECT_EQ(verify(false), v1::MISSING_BY_CLAUSE) << "the last counts";
}

TEST(AskEach, ANewResolutionIsVerifiedAnew) {
  ProjectedHistory history = OfItemX();
  history.Add(ProblemOf("p1"));
  history.Add(Investigated("p1"));
  const auto resolve = [&] {
    v1::ProblemResolved body;
    body.set_summary("fixed");
    return history.Add(DraftWith(std::move(body), {"problem=problem:p1"}));
  };
  const auto verify = [&] {
    v1::ProblemVerified body;
    body.set_resolved(true);
    history.Add(DraftWith(std::move(body), {"problem=problem:p1"}));
  };
  resolve();
  verify();
  history.Add(Rationale(DraftWith(v1::ProblemClosed(), {"problem=problem:p1"})));
  EXPECT_EQ(LineOf(history, "9.7").state(), v1::PRESENT);
  history.Add(Rationale(DraftWith(v1::ProblemReopened(), {"problem=problem:p1"})));
  const LeafIndex again = resolve();
  EXPECT_EQ(LineOf(history, "9.7").text(), "not of problem:p1");
  EXPECT_TRUE(Cites(CompletenessOf(history), again));
  verify();
  EXPECT_EQ(LineOf(history, "9.7").state(), v1::PRESENT);
}

TEST(AskEach, AChangeIsImplementedAndVerifiedAsOftenAsItIsApproved) {
  ProjectedHistory history = OfItemX();
  const std::vector<std::string> change = {"change=change_request:c1"};
  v1::ChangeRequested requested;
  requested.set_text("a lower threshold");
  history.Add(Rationale(WithRefs(DraftWith(requested, change), {"item=software_item:X"})));
  v1::ChangeApproved approved;
  *approved.mutable_signature() = TestSignature();
  v1::ChangeImplemented implemented;
  implemented.set_summary("done");
  v1::ChangeVerified verified;
  verified.set_verified(true);
  history.Add(DraftWith(approved, change));
  history.Add(DraftWith(implemented, change));
  history.Add(DraftWith(verified, change));
  const auto missing = [&] {
    std::vector<std::string> clauses;
    for (const char* clause : {"6.3.1", "8.2.2", "8.2.3"}) {
      if (LineOf(history, clause).state() != v1::PRESENT) clauses.emplace_back(clause);
    }
    return clauses;
  };
  EXPECT_EQ(missing(), std::vector<std::string>());
  history.Add(DraftWith(approved, change));
  EXPECT_EQ(missing(), (std::vector<std::string>{"6.3.1", "8.2.2"}));
  history.Add(DraftWith(implemented, change));
  EXPECT_EQ(missing(), std::vector<std::string>{"8.2.3"});
  history.Add(DraftWith(verified, change));
  EXPECT_EQ(missing(), std::vector<std::string>());
}

TEST(AskEach, A35EachSoupNeedsItsAnomalyListInItsNewestVersion) {
  ProjectedHistory history = OfItemX();
  history.Add(SoupOf("torch@1", true));
  EXPECT_EQ(LineOf(history, "7.1.3").state(), v1::PRESENT);
  history.Add(SoupOf("numpy@1", false));
  EXPECT_EQ(LineOf(history, "7.1.3").text(), "not of soup:numpy@1");
  history.Add(SoupOf("numpy@2", true));
  EXPECT_EQ(LineOf(history, "7.1.3").state(), v1::PRESENT);
  history.Add(SoupOf("torch@2", false));
  EXPECT_EQ(LineOf(history, "7.1.3").text(), "not of soup:torch@2");
  // What was recorded after the fact, of before, is not the newest.
  history.Add(SoupOf("torch@3", true));
  history.Add(LongAgo(SoupOf("torch@0", false)));
  EXPECT_EQ(LineOf(history, "7.1.3").state(), v1::PRESENT);
}

TEST(AskEach, A32TheLastResultOfEachSystemTestCounts) {
  ProjectedHistory history = OfItemX();
  history.Add(TestCase("T1", v1::SYSTEM, "X"));
  history.Add(TestCase("T2", v1::SYSTEM, "X"));
  history.Add(TestCase("U1", v1::UNIT, "X"));
  history.Add(TestRunOf("r1", "T1", v1::SYSTEM, "X"));
  EXPECT_EQ(LineOf(history, "5.7.4").text(), "not of test_case:T2@1");
  history.Add(TestRunOf("r2", "T2", v1::SYSTEM, "X"));
  EXPECT_EQ(LineOf(history, "5.7.4").state(), v1::PRESENT);
  history.Add(TestRunOf("r3", "T1", v1::SYSTEM, "X", v1::TestRunCompleted::FAIL));
  EXPECT_EQ(LineOf(history, "5.7.4").text(), "not of test_case:T1@1");
  const v1::Answer ledger = ClauseIndex(history, "5.7.4", false);
  EXPECT_EQ(ledger.clause_index().clauses(0).state(), v1::PRESENT);
  ASSERT_EQ(ledger.notes_size(), 2) << "no clause map";
  EXPECT_NE(ledger.notes(1).find("one record is enough"), std::string::npos);
  EXPECT_EQ(ClauseIndex(history, "5.7.4", true).clause_index().clauses(0).state(), v1::MISSING_BY_CLAUSE);
}

}  // namespace
}  // namespace anamnesis
