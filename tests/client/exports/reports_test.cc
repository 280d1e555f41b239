// Drafts of change plans rest on what is in force and name what the gate would ask for; a risk file holds the records
// of risks.

#include "client/exports/reports.h"

#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/exports/item_records.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::exports {
namespace {

using testing::HasSubstr;
using testing::Not;

Document ReportOn(const ProjectedHistory& history, std::string_view kind, const v1::EntityRef& subject = Alert()) {
  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  StatusOr<Document> report = Report(view, kind, subject);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : Document();
}

// A section's first table, a line a row.
std::string RowsOf(const Document& document, const std::string& section) {
  std::string text;
  for (const std::vector<Cell>& row : SectionAt(document, section).tables[0].rows) {
    for (const Cell& cell : row) text += cell.text + " | ";
    text += "\n";
  }
  return text;
}

std::string DraftRows(const ProjectedHistory& history, const std::string& section) {
  return RowsOf(ReportOn(history, "pccp-draft"), section);
}

EventDraft TestCase() {
  v1::TestCaseApproved body;
  body.set_level(v1::UNIT);
  body.set_procedure("run it");
  body.set_expected("an alert");
  return DraftWith(std::move(body), {"test_case=test_case:C@1", "item=software_item:alert"});
}

EventDraft Protocol(const std::string& name) {
  v1::SandboxProtocolApproved body;
  v1::SandboxProtocolApproved::Suite& suite = *body.add_suites();
  suite.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  suite.add_test_cases("C@1");
  body.add_isolation_requirements("network");
  *body.mutable_signature() = Signed();
  return DraftWith(std::move(body), {"protocol=sandbox_protocol:" + name, "test_case=test_case:C@1"});
}

// An item with an envelope, and a plan that only its protocol leads to: no device model is among the item's records.
ProjectedHistory PlannedByProtocol() {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  history.Add(AtHour(TestCase(), 0));
  history.Add(AtHour(Protocol("sp@1"), 0));
  history.Add(AtHour(Envelope("1", "0.1", {"protocol=sandbox_protocol:sp"}), 0));
  return history;
}

TEST(ChangePlanDraft, APlanThatItsProtocolLeadsToIsHeldToWhatBecameOfIt) {
  ProjectedHistory history = PlannedByProtocol();
  history.Add(AtHour(Granted(), 0));
  history.Add(AtHour(Planned({"protocol=sandbox_protocol:sp"}), 1));
  EXPECT_THAT(DraftRows(history, "modifications"), HasSubstr("m1: moves the threshold"));
  v1::ChangePlanWithdrawn withdrawn;
  withdrawn.set_effective_from_us(Hour(2).us);
  EventDraft draft = DraftWith(std::move(withdrawn), {"change_plan=change_plan:p@1"});
  draft.header.set_rationale("because");
  history.Add(AtHour(std::move(draft), 2));
  EXPECT_THAT(DraftRows(history, "modifications"), HasSubstr("none describes it"));
  EXPECT_THAT(DraftRows(history, "in-force"), HasSubstr(Text("withdrawn from ", FormatTime(Hour(2)))));
}

TEST(ChangePlanDraft, APlanWithoutAnAuthorisationIsNotInForce) {
  ProjectedHistory history = PlannedByProtocol();
  history.Add(AtHour(Planned({"protocol=sandbox_protocol:sp"}), 1));
  EXPECT_THAT(DraftRows(history, "modifications"), HasSubstr("none describes it"));
  EXPECT_THAT(DraftRows(history, "in-force"), HasSubstr("its authorisation is not recorded"));
}

TEST(ChangePlanDraft, APlanIsNotInForceBeforeItsAuthorisationIsValid) {
  ProjectedHistory history = PlannedByProtocol();
  history.Add(AtHour(Planned({"protocol=sandbox_protocol:sp"}), 1));
  history.Add(AtHour(Granted(5), 2));
  EXPECT_THAT(DraftRows(history, "modifications"), HasSubstr("none describes it"));
  EXPECT_THAT(DraftRows(history, "in-force"), HasSubstr("its authorisation is not in force yet"));
  history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 6));
  EXPECT_THAT(DraftRows(history, "modifications"), HasSubstr("m1: moves the threshold"));
}

TEST(ChangePlanDraft, AModificationIsCertifiedByTheProtocolsOfItsEnvelope) {
  ProjectedHistory history = PlannedByProtocol();
  history.Add(AtHour(Protocol("sp@2"), 1));
  history.Add(AtHour(Protocol("other@1"), 1));
  const std::string newest = DraftRows(history, "modification-trace");
  EXPECT_THAT(newest, HasSubstr("| sandbox_protocol:sp@2 |"));
  EXPECT_THAT(newest, Not(HasSubstr("other")));
  history.Add(AtHour(Envelope("2", "0.2", {"protocol=sandbox_protocol:sp@1"}), 2));
  EXPECT_THAT(DraftRows(history, "modification-trace"), HasSubstr("| sandbox_protocol:sp@1 |"));
  history.Add(AtHour(Envelope("3", "0.2", {"protocol=sandbox_protocol:gone@1"}), 3));
  const Document draft = ReportOn(history, "pccp-draft");
  EXPECT_THAT(RowsOf(draft, "modification-trace"), HasSubstr("sandbox_protocol:gone@1, which is not approved"));
  EXPECT_THAT(SectionAt(draft, "modification-trace").gaps.back().text, HasSubstr("names no protocol that is approved"));
}

EventDraft Plan(const std::string& name, v1::PlanContent::Kind kind) {
  v1::PlanApproved body;
  body.mutable_content()->set_kind(kind);
  body.mutable_content()->add_sections()->set_topic("scope");
  *body.mutable_signature() = Signed();
  return DraftWith(std::move(body), {"plan=plan:" + name + "@1", "item=software_item:alert"});
}

EventDraft Review(const std::string& name, const std::string& subject) {
  v1::ReviewHeld body;
  body.set_outcome(v1::ReviewHeld::ACCEPTED);
  return DraftWith(std::move(body),
                   {"review=review:" + name, "subject=" + subject, "item=software_item:alert", "reviewer=person:eve"});
}

TEST(RiskFile, OtherPlansAndReviewsAreNotThoseOfRisks) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  const LeafIndex development = history.Add(AtHour(Plan("dev", v1::PlanContent::DEVELOPMENT), 0));
  const LeafIndex of_design = history.Add(AtHour(Review("r1", "design:d@1"), 0));
  const LeafIndex of_plan = history.Add(AtHour(Review("r2", "plan:dev@1"), 0));
  Document file = ReportOn(history, "risk-file");
  for (const char* section : {"plan", "review"}) {
    ASSERT_FALSE(SectionAt(file, section).gaps.empty()) << section;
    EXPECT_THAT(SectionAt(file, section).gaps[0].text, HasSubstr("nothing at all is recorded"));
    for (const LeafIndex leaf : {development, of_design, of_plan})
      EXPECT_EQ(RowCiting(SectionAt(file, section), leaf.value), nullptr);
  }
  const LeafIndex of_risks = history.Add(AtHour(Plan("risks", v1::PlanContent::RISK), 1));
  const LeafIndex of_risk_plan = history.Add(AtHour(Review("r3", "plan:risks@1"), 1));
  const LeafIndex of_control = history.Add(AtHour(Review("r4", "risk_control:rc@1"), 1));
  file = ReportOn(history, "risk-file");
  EXPECT_NE(RowCiting(SectionAt(file, "plan"), of_risks.value), nullptr);
  EXPECT_EQ(RowCiting(SectionAt(file, "plan"), development.value), nullptr);
  EXPECT_NE(RowCiting(SectionAt(file, "review"), of_risk_plan.value), nullptr);
  EXPECT_NE(RowCiting(SectionAt(file, "review"), of_control.value), nullptr);
  EXPECT_EQ(RowCiting(SectionAt(file, "review"), of_design.value), nullptr);
  for (const char* section : {"plan", "review"}) EXPECT_TRUE(SectionAt(file, section).gaps.empty()) << section;
}

TEST(DeviceFile, HasWhatIsRecordedOfTheDeviceModelsOfAnItem) {
  ProjectedHistory history;
  const LeafIndex item = history.Add(AtHour(Item(), 0));
  Document file = ReportOn(history, "device-file");
  EXPECT_THAT(SectionAt(file, "description").gaps.back().text, HasSubstr("names a device model"));
  const LeafIndex model = history.Add(AtHour(Model(), 0));
  const LeafIndex baseline = history.Add(AtHour(Baseline(), 0));
  const LeafIndex granted = history.Add(AtHour(Granted(), 1));
  const LeafIndex planned = history.Add(AtHour(Planned(), 1));
  const LeafIndex unit = history.Add(AtHour(Commission("ICU-1"), 2));
  v1::DocumentReferenced document;
  document.set_title("Instructions for use");
  const LeafIndex instructions =
      history.Add(AtHour(DraftWith(std::move(document), {"document=document:ifu@1", "about=device_model:monitor"}), 3));
  file = ReportOn(history, "device-file");
  for (const auto& [section, leaf] : std::vector<std::pair<std::string, LeafIndex>>{{"description", model},
                                                                                    {"labelling", instructions},
                                                                                    {"specification", item},
                                                                                    {"production", baseline},
                                                                                    {"installation", unit},
                                                                                    {"authorisations", granted},
                                                                                    {"authorisations", planned}}) {
    EXPECT_NE(RowCiting(SectionAt(file, section), leaf.value), nullptr) << section << " " << leaf.value;
    EXPECT_TRUE(SectionAt(file, section).gaps.empty()) << section;
  }
  for (const char* section : {"measuring", "service"}) {
    ASSERT_EQ(SectionAt(file, section).gaps.size(), 1U) << section;
    EXPECT_THAT(SectionAt(file, section).gaps[0].text, HasSubstr("nothing at all is recorded"));
  }
}

TEST(DeviceFile, OfAModelHasWhatIsRecordedOfItsSoftware) {
  ProjectedHistory history;
  history.Add(AtHour(Model(), 0));
  const LeafIndex item = history.Add(AtHour(Item(), 0));
  const LeafIndex test_case = history.Add(AtHour(TestCase(), 0));
  v1::EntityRef model;
  model.set_kind("device_model");
  model.set_id("monitor");
  Document file = ReportOn(history, "device-file", model);
  EXPECT_EQ(RowCiting(SectionAt(file, "specification"), item.value), nullptr);
  EXPECT_THAT(SectionAt(file, "specification").gaps.back().text,
              HasSubstr("no record of device_model:monitor names a software item"));
  history.Add(AtHour(Baseline(), 1));
  file = ReportOn(history, "device-file", model);
  EXPECT_NE(RowCiting(SectionAt(file, "specification"), item.value), nullptr);
  EXPECT_NE(RowCiting(SectionAt(file, "measuring"), test_case.value), nullptr);
  for (const char* section : {"specification", "measuring"})
    EXPECT_TRUE(SectionAt(file, section).gaps.empty()) << section;
}

// By type: how many were recorded within each time after they happened, and how many before.
std::vector<std::string> GapsOfTestRuns(const ProjectedHistory& history) {
  const Document report = ReportOn(history, "reviewer-questions");
  const Table& table = SectionAt(report, "contemporaneity").tables.at(1);
  EXPECT_EQ(table.title, "How many were recorded how long after they happened");
  for (const std::vector<Cell>& row : table.rows) {
    EXPECT_EQ(row.size(), table.columns.size());
    if (row[0].text != "test_run.completed") continue;
    std::vector<std::string> counts;
    for (size_t i = 1; i < row.size(); ++i) counts.push_back(row[i].text);
    return counts;
  }
  ADD_FAILURE() << "no test runs are counted";
  return {};
}

TEST(Contemporaneity, TellsHowLongAfterTheyHappenedRecordsWereMade) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 1));
  history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 1), Hour(30));
  EXPECT_THAT(GapsOfTestRuns(history), testing::ElementsAre("1", "0", "0", "0", "1", "0", "0", "0"));
}

TEST(Contemporaneity, ACorrectedTimeMakesNoRecordMoreTimely) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  const LeafIndex late = history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 1), Hour(30));
  const LeafIndex prompt = history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 30), Hour(30));
  const auto move = [&](LeafIndex index, int64_t hour) {
    const EventId id = *EventId::FromBytes(ProjectedHistory::IdOf(index));
    history.Add(AtHour(MoveInTime(id, Hour(hour), Hour(hour)), 40));
  };
  EXPECT_THAT(GapsOfTestRuns(history), testing::ElementsAre("1", "0", "0", "0", "1", "0", "0", "0"));
  move(late, 30);
  EXPECT_THAT(GapsOfTestRuns(history), testing::ElementsAre("1", "0", "0", "0", "1", "0", "0", "0"));
  move(prompt, 1);
  EXPECT_THAT(GapsOfTestRuns(history), testing::ElementsAre("0", "0", "0", "0", "2", "0", "0", "0"));
}

TEST(Contemporaneity, WhatIsDatedLaterIsNotPromptAndWhatIsRetractedIsNotCounted) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 30), Hour(1));
  const LeafIndex wrong = history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 31));
  EXPECT_THAT(GapsOfTestRuns(history), testing::ElementsAre("1", "0", "0", "0", "0", "0", "0", "1"));
  history.Retract(wrong);
  EXPECT_THAT(GapsOfTestRuns(history), testing::ElementsAre("0", "0", "0", "0", "0", "0", "0", "1"));
}

// A design history may be small in a ledger of millions of events: only what is not on time is fetched of these.
TEST(Contemporaneity, DoesNotFetchWhatIsOnTime) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  class Watched : public ProjectedLedger {
   public:
    using ProjectedLedger::ProjectedLedger;
    StatusOr<v1::Answer> Ask(const v1::Question& question) override {
      asked |= question.has_contemporaneity();
      all |= question.contemporaneity().all();
      return ProjectedLedger::Ask(question);
    }
    bool asked = false;
    bool all = false;
  };
  Watched ledger(history);
  const LedgerView view = ledger.View();
  ASSERT_TRUE(Report(view, "reviewer-questions", Alert()).ok());
  EXPECT_TRUE(ledger.asked);
  EXPECT_FALSE(ledger.all);
}

}  // namespace
}  // namespace anamnesis::exports
