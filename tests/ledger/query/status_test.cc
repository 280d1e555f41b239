// Status accounting of configuration items (A14).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/recorded_history.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Question Ask(const v1::EntityRef& entity) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = entity;
  return question;
}

template <typename Body>
EventDraft About(Body body, std::string_view role, std::string_view kind, std::string_view id,
                 std::string_view version = "") {
  EventDraft draft = Draft(std::move(body));
  draft.header.set_rationale("because");
  AddReference(draft, role, kind, id, version);
  return draft;
}

EventDraft RequestChange(std::string_view change, std::string_view item) {
  v1::ChangeRequested body;
  body.set_text("raise the threshold");
  EventDraft draft = About(body, "change", "change_request", change);
  AddReference(draft, "item", "software_item", item);
  return draft;
}

EventDraft ReportProblem(std::string_view problem, std::string_view item) {
  v1::ProblemReported body;
  body.set_criticality(v1::ProblemReported::SAFETY);
  body.set_description("missed alert");
  body.set_configuration_unknown_because("not recorded");
  EventDraft draft = About(body, "problem", "problem", problem);
  AddReference(draft, "affected", "software_item", item);
  return draft;
}

std::vector<std::string> Open(const google::protobuf::RepeatedPtrField<v1::StatusAnswer::OpenItem>& open) {
  std::vector<std::string> items;
  for (const v1::StatusAnswer::OpenItem& item : open) {
    items.push_back(Text(item.entity().id(), " ", item.state(), ": ", item.text()));
  }
  return items;
}

TEST(StatusTest, AProblemThatNamesNoVersionIsOpenOfEach) {
  RecordedHistory history;
  for (const char* version : {"1", "2"}) {
    EventDraft model = RegisterModel("m", version);
    AddReference(model, "training_run", "training_run", "t");
    AddReference(model, "dataset", "dataset", "d", "1");
    AddReference(model, "code", "code_revision", "c", "1");
    history.Add(model);
  }
  for (const auto& [id, version] : {std::pair("P-any", ""), std::pair("P-2", "2")}) {
    v1::ProblemReported body;
    body.set_criticality(v1::ProblemReported::SAFETY);
    body.set_description("missed alert");
    EventDraft draft = About(body, "problem", "problem", id);
    AddReference(draft, "affected", "model", "m", version);
    history.Add(draft);
  }
  const v1::Answer of_first = history.AskAt(Ask(Entity("model", "m", "1")), 0);
  EXPECT_THAT(Open(of_first.status().open_problems()), ElementsAre("P-any reported: missed alert"));
  ASSERT_EQ(of_first.notes_size(), 1);
  EXPECT_EQ(of_first.notes(0),
            "problem:P-any is listed though it names model:m without a version (leaf 2): it may be of this one");
  const v1::Answer of_second = history.AskAt(Ask(Entity("model", "m", "2")), 0);
  EXPECT_EQ(of_second.status().open_problems_size(), 2);
  EXPECT_EQ(history.AskAt(Ask(Entity("model", "m")), 0).status().open_problems_size(), 2);
}

TEST(StatusTest, A14OpenChangesProblemsAndAnomalies) {
  RecordedHistory history;
  v1::SoftwareItemIdentified item;
  item.set_name("Alert");
  item.set_level(v1::SoftwareItemIdentified::ITEM);
  history.Add(About(item, "item", "software_item", "alert"));
  history.Add(RequestChange("CR-1", "alert"));
  history.Add(RequestChange("CR-2", "alert"));
  history.Add(About(v1::ChangeRejected(), "change", "change_request", "CR-2"));
  history.Add(ReportProblem("PR-1", "alert"));
  history.Add(ReportProblem("PR-2", "alert"));
  const uint64_t closed = history.Add(About(v1::ProblemClosed(), "problem", "problem", "PR-2"));
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("slow start");
  anomaly.set_severity("minor");
  EventDraft found = About(anomaly, "anomaly", "anomaly", "A-1");
  AddReference(found, "found_in", "software_item", "alert");
  history.Add(found);

  const v1::Question question = Ask(Entity("software_item", "alert"));
  const v1::StatusAnswer status = history.AskAt(question, 0).status();
  EXPECT_THAT(Open(status.open_changes()), ElementsAre("CR-1 requested: raise the threshold"));
  EXPECT_THAT(Open(status.open_problems()), ElementsAre("PR-1 reported: missed alert"));
  EXPECT_THAT(Open(status.open_anomalies()), ElementsAre("A-1 recorded: slow start"));
  ASSERT_EQ(status.versions_size(), 1);
  EXPECT_EQ(status.versions(0).state(), "identified");
  // Everything that names the item, and nothing that only names its changes.
  EXPECT_EQ(status.events(), 6u);

  // As known before it was closed, and after that was taken back.
  EXPECT_EQ(history.AskAt(question, closed).status().open_problems_size(), 2);
  history.Add(Correct(EventId(), v1::RecordCorrected::RETRACTED), closed);
  EXPECT_EQ(history.AskAt(question, 0).status().open_problems_size(), 2);
  EXPECT_EQ(history.AskAt(question, closed + 1).status().open_problems_size(), 1);
}

TEST(StatusTest, A14TheStateIsTheLastThatHappened) {
  RecordedHistory history;
  const auto requirement = [](auto body) { return About(std::move(body), "requirement", "requirement", "R1", "1"); };
  v1::RequirementApproved approved;
  approved.mutable_content()->set_kind(v1::RequirementContent::SAFETY);
  approved.mutable_content()->set_text("alerts within 2 s");
  history.Add(requirement(approved));
  const uint64_t retired = history.Add(requirement(v1::RequirementRetired()));
  v1::Question question = Ask(Entity("requirement", "R1"));
  const auto state = [&](uint64_t size) { return history.AskAt(question, size).status().versions(0).state(); };
  EXPECT_EQ(state(1), "approved");
  EXPECT_EQ(state(0), "retired");
  history.Add(Correct(EventId(), v1::RecordCorrected::RETRACTED), retired);
  EXPECT_EQ(state(0), "approved");
  const v1::StatusAnswer status = history.AskAt(question, 0).status();
  ASSERT_EQ(status.history_size(), 2);
  EXPECT_TRUE(status.history(1).void_effect());
  EXPECT_EQ(status.counts(1).void_events(), 1u);
}

EventDraft Told(EventDraft draft, int64_t earliest, int64_t latest) {
  draft.header.set_retrospective(true);
  // Before any of it is recorded: nothing is told afterwards before it happened.
  const int64_t start_us = kTestStart.us - 1000;
  SetOccurred(draft, Timestamp(start_us + earliest), Timestamp(start_us + latest));
  return draft;
}

TEST(StatusTest, A14AProblemThatMayHaveBeenReopenedLastIsOpen) {
  const auto about = [](auto body) { return About(std::move(body), "problem", "problem", "PR-1"); };
  const auto ask = [](const RecordedHistory& history) {
    return history.AskAt(Ask(Entity("software_item", "alert")), 0);
  };
  RecordedHistory history;
  history.Add(Told(ReportProblem("PR-1", "alert"), 0, 0));
  const uint64_t closed = history.Add(Told(about(v1::ProblemClosed()), 32, 32));
  EXPECT_THAT(Open(ask(history).status().open_problems()), IsEmpty());
  // Some time from before it was closed to after.
  history.Add(Told(about(v1::ProblemReopened()), 1, 90));
  EXPECT_THAT(Open(ask(history).status().open_problems()), ElementsAre("PR-1 reopened: missed alert"));
  EXPECT_EQ(ask(history).notes_size(), 0);

  // Closed at an uncertain time, which may be before it was reopened.
  RecordedHistory uncertain;
  uncertain.Add(Told(ReportProblem("PR-1", "alert"), 0, 0));
  uncertain.Add(Told(about(v1::ProblemClosed()), 1, 90));
  uncertain.Add(Told(about(v1::ProblemReopened()), 32, 32));
  const v1::Answer answer = ask(uncertain);
  EXPECT_THAT(Open(answer.status().open_problems()), ElementsAre("PR-1 reopened: missed alert"));
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find(Text("was closed (leaf ", closed, "), but records overlap in time")),
            std::string::npos)
      << answer.notes(0);
  uncertain.Add(Told(about(v1::ProblemClosed()), 91, 91));
  EXPECT_THAT(Open(ask(uncertain).status().open_problems()), IsEmpty());
}

TEST(StatusTest, A14AWipedUnitMayHaveItStill) {
  RecordedHistory history;
  history.Add(Commission("U1"));
  history.Add(ActivateItem("U1", "rhythm", "model", "alert", "1"));
  v1::DeviceUnitServiced serviced;
  serviced.set_kind(v1::DeviceUnitServiced::REPAIR);
  serviced.set_storage(v1::DeviceUnitServiced::NOT_PRESERVED);
  EventDraft wiped = Draft(serviced);
  AddReference(wiped, "unit", "device_unit", "U1");
  history.Add(wiped);
  const v1::Answer answer = history.AskAt(Ask(Entity("model", "alert")), 0);
  EXPECT_THAT(answer.status().deployed_on(), IsEmpty());
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find("deployed_on: 1 that had it, U1"), std::string::npos) << answer.notes(0);
}

TEST(StatusTest, A14DeploymentCountsAndPagesReconcile) {
  RecordedHistory history;
  for (int i = 0; i < 5; ++i) history.Add(ActivateItem(Text("U", i), "rhythm", "model", "alert", "1"));
  history.Add(Deactivate("U1", "rhythm"));
  v1::Question question = Ask(Entity("model", "alert"));
  const v1::StatusAnswer status = history.AskAt(question, 0).status();
  EXPECT_THAT(std::vector<std::string>(status.deployed_on().begin(), status.deployed_on().end()),
              ElementsAre("U0", "U2", "U3", "U4"));
  EXPECT_THAT(Open(status.open_changes()), IsEmpty());
  question.mutable_status()->set_limit(2);
  uint64_t listed = 0;
  do {
    const v1::Answer answer = history.AskAt(question, 0);
    EXPECT_EQ(answer.status().events(), 5u);
    listed += static_cast<uint64_t>(answer.status().history_size());
    question.mutable_status()->set_from(answer.status().next());
  } while (question.status().from() != 0);
  EXPECT_EQ(listed, 5u);
}

}  // namespace
}  // namespace anamnesis
