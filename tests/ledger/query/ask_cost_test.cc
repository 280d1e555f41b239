// What a question costs: rows read follow what it names, not the length of the log.

#include <functional>
#include <string>
#include <vector>

#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/facts.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/every_question.h"
#include "tests/ledger/query/item_drafts.h"
#include "tests/support/counting_rows.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

v1::DeviceUnitCommissioned CommissionedBody(const std::string& serial) {
  v1::DeviceUnitCommissioned body;
  body.set_serial_number(serial);
  body.set_jurisdiction("DE");
  return body;
}

// Two versions of a model, with what they were made from and how they were measured.
void AddModel(ProjectedHistory& history, const std::string& id) {
  history.Add(CurateDataset(id, "1"));
  for (const char* version : {"1", "2"}) {
    const std::vector<std::string> from = {"training_run=training_run:" + id + version, "dataset=dataset:" + id + "@1",
                                           "code=code_revision:" + id + "@1"};
    history.Add(WithRefs(StartRun(id + version), {from[1], from[2]}));
    history.Add(WithRefs(RegisterModel(id, version), from));
    history.Add(Evaluate(id, version));
  }
}

// A little of everything about X and ICU-7, and `others` records about other items and units.
void Fill(ProjectedHistory& history, int others) {
  AdoptProfile(history);
  AdoptShipped(history, v1::PolicyAdopted::REPORTING_CLOCK, "reporting_clocks");
  AdoptShipped(history, v1::PolicyAdopted::CONTEMPORANEITY, "contemporaneity");
  history.Add(Item("X"));
  history.Add(Requirement("R", "1", "X"));
  history.Add(TestCase("T", v1::SYSTEM, "X", {"requirement=requirement:R@1"}));
  history.Add(TestRunOf("run", "T", v1::SYSTEM, "X"));
  history.Add(Control("RC", {"depends_on=software_item:X"}));
  history.Add(Commission("ICU-7"));
  history.Add(Activate("ICU-7", "model", "m"));
  v1::IncidentRecorded incident;
  incident.set_harm(v1::IncidentRecorded::SERIOUS);
  incident.set_description("wrong alert");
  history.Add(DraftWith(std::move(incident), {"incident=incident:INC-7"}));
  v1::DatasetCurated curated;
  curated.set_source("Hospital A");
  history.Add(DraftWith(std::move(curated), {"dataset=dataset:d@1"}));
  AddModel(history, "m");
  history.Add(DraftWith(CommissionedBody("V-1"), {"unit=device_unit:V-1", "device_model=device_model:vent"}));
  for (int i = 0; i < others; ++i) {
    const std::string other = Text("other-", i);
    AddModel(history, other);
    history.Add(Item(other));
    history.Add(Requirement(other, "1", other));
    history.Add(Code("1", other));
    history.Add(TestRunOf(other, "T" + other, v1::UNIT, other));
    history.Add(Commission(other));
    history.Add(Activate(other, "model", "m" + other));
  }
}

std::vector<v1::Question> Questions() {
  std::vector<v1::Question> all;
  const auto next = [&]() -> v1::Question& { return all.emplace_back(); };
  const auto time = ToProtoTime(kTestStart);
  SetEntity(*next().mutable_trace()->mutable_subject(), "software_item", "X");
  SetEntity(*next().mutable_completeness()->mutable_item(), "software_item", "X");
  SetEntity(*next().mutable_clause_index()->mutable_item(), "software_item", "X");
  SetEntity(*next().mutable_sequencing()->mutable_item(), "software_item", "X");
  SetEntity(*next().mutable_records()->mutable_subject(), "software_item", "X");
  SetEntity(*next().mutable_findings()->mutable_entity(), "software_item", "X");
  SetEntity(*next().mutable_contemporaneity()->mutable_entity(), "software_item", "X");
  SetEntity(*next().mutable_clocks()->mutable_incident(), "incident", "INC-7");
  *all.back().mutable_clocks()->mutable_at() = time;
  SetEntity(*next().mutable_who_knew()->mutable_entity(), "incident", "INC-7");
  *all.back().mutable_who_knew()->mutable_at() = time;
  SetEntity(*next().mutable_specificity()->mutable_record(), "dataset", "d", "1");
  next().mutable_coverage()->set_unit("ICU-7");
  *all.back().mutable_coverage()->mutable_from() = time;
  *all.back().mutable_coverage()->mutable_until() = ToProtoTime(Timestamp(kTestStart.us + 1'000'000));
  SetEntity(*next().mutable_closure_audit()->mutable_entity(), "device_unit", "ICU-7");
  next().mutable_monitoring()->set_unit("ICU-7");
  *all.back().mutable_monitoring()->mutable_at() = time;
  SetEntity(*next().mutable_retention()->mutable_device_model(), "device_model", "vent");
  *all.back().mutable_retention()->mutable_at() = time;
  next().mutable_policy()->set_kind(v1::PolicyAdopted::PROCESS_PROFILE);
  SetEntity(*next().mutable_training_runs()->mutable_about(), "dataset", "m");
  *all.back().mutable_training_runs()->mutable_at() = time;
  SetEntity(*next().mutable_explain()->mutable_entity(), "model", "m", "1");
  for (const auto direction : {v1::LineageQuestion::UP, v1::LineageQuestion::DOWN}) {
    SetEntity(*next().mutable_lineage()->mutable_entity(), "model", "m", "1");
    all.back().mutable_lineage()->set_direction(direction);
    all.back().mutable_lineage()->set_depth_max(3);
  }
  SetEntity(*next().mutable_diff()->mutable_x(), "model", "m", "1");
  SetEntity(*all.back().mutable_diff()->mutable_y(), "model", "m", "2");
  SetEntity(*next().mutable_where()->mutable_entity(), "model", "m", "1");
  SetEntity(*next().mutable_status()->mutable_entity(), "model", "m");
  SetEntity(*next().mutable_lint()->mutable_entity(), "model", "m");
  next().mutable_erasure_report();
  return all;
}

TEST(AskCost, RowsReadDontGrowWithTheLog) {
  ProjectedHistory small;
  Fill(small, 10);
  ProjectedHistory large;
  Fill(large, kSanitized ? 60 : 400);
  std::set<std::string> asked;
  for (const v1::Question& question : Questions()) {
    asked.insert(KindOf(question));
    const auto rows_read = [&](const ProjectedHistory& history) {
      // A policy's document is parsed once.
      EXPECT_TRUE(Ask(history.rows(), "o", history.size(), question).ok());
      const CountingRows rows(history.rows());
      const StatusOr<v1::Answer> answer = Ask(rows, "o", history.size(), question);
      EXPECT_TRUE(answer.ok()) << answer.status() << " " << question.ShortDebugString();
      return rows.count();
    };
    const size_t before = rows_read(small);
    // What was known at a time is found by halves.
    const size_t halves = question.has_who_knew() ? 8 : 0;
    EXPECT_LE(rows_read(large), before + halves) << question.ShortDebugString();
    EXPECT_GE(rows_read(large), before) << question.ShortDebugString();
  }
  EXPECT_EQ(asked, KindsOfQuestion());
}

// However much a unit ran before, and whatever came after what was known.
TEST(AskCost, RowsReadForAConfigurationDontGrowWithTheHistoryOfTheUnit) {
  const auto rows_read = [](int activations, bool later) {
    ProjectedHistory history;
    history.Add(Item("X"));
    const TreeSize before = history.size();
    history.Add(Commission("ICU-7"));
    for (int i = 0; i < activations; ++i) history.Add(Activate("ICU-7", "model", Text("m", i)));
    v1::GetConfigurationRequest request;
    request.set_unit("ICU-7");
    *request.mutable_at() = ToProtoTime(Timestamp(kTestStart.us + 1));
    if (later) request.set_known_size(before.value);
    const CountingRows rows(history.rows());
    const StatusOr<v1::ConfigurationAnswer> answer = AnswerConfiguration(rows, "o", history.size(), request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return rows.count();
  };
  for (const bool later : {false, true}) {
    // The time of what was known is found by halves.
    EXPECT_LE(rows_read(300, later), rows_read(20, later) + 8) << later;
  }
}

TEST(AskCost, WhetherAnythingIsRecordedOfAnEntityTakesARowOrTwoOfEachRole) {
  ProjectedHistory history;
  const auto rows_read = [&](TreeSize size, bool expected) {
    v1::EntityRef unit;
    SetEntity(unit, "device_unit", "ICU-7");
    const CountingRows rows(history.rows());
    const StatusOr<bool> named = Facts(rows, size).IsNamed(unit);
    EXPECT_TRUE(named.ok()) << named.status();
    EXPECT_EQ(*named, expected) << size.value;
    return rows.count();
  };
  history.Add(Item("X"));
  history.Add(Commission("ICU-70"));
  EXPECT_EQ(rows_read(history.size(), false), 0U);
  for (int i = 0; i < 100; ++i) {
    v1::DocumentReferenced document;
    document.set_title("a note");
    history.Add(DraftWith(std::move(document), {Text("document=document:d", i), "about=device_unit:ICU-7"}));
    history.Add(Activate("ICU-7", "model", Text("m", i)));
  }
  EXPECT_EQ(rows_read(TreeSize(2), false), 2U);
  // Its roles are found in the order of their names: `about`, which came first, and `unit`.
  EXPECT_EQ(rows_read(TreeSize(3), true), 1U);
  EXPECT_EQ(rows_read(history.size(), true), 1U);
}

// Of what very many events name, so that it can still be exported.
TEST(AskCost, ALaterPageOfALongHistoryReadsThatPageAlone) {
  constexpr uint64_t kEvents = 10'005;
  ProjectedHistory history;
  for (uint64_t i = 0; i < kEvents; ++i) {
    v1::DocumentReferenced document;
    document.set_title("a note");
    history.Add(DraftWith(std::move(document), {Text("document=document:d", i), "about=device_unit:ICU-7"}));
  }
  v1::Question question;
  SetEntity(*question.mutable_status()->mutable_entity(), "device_unit", "ICU-7");
  const v1::Answer first = AskOf(history, question);
  EXPECT_EQ(first.status().events(), kEvents);
  EXPECT_EQ(first.notes_size(), 0);
  uint64_t expected = 1;
  question.mutable_status()->set_from(expected);
  while (question.status().from() != 0) {
    constexpr size_t kPage = 1000;
    Facts facts(history.rows(), history.size(), /*events_max=*/kPage + 1);
    v1::Answer answer;
    const Status answered = AnswerStatus(facts, question.status(), answer);
    ASSERT_TRUE(answered.ok()) << answered;
    for (const v1::StatusAnswer::HistoryEvent& event : answer.status().history())
      EXPECT_EQ(event.leaf().index(), expected++);
    EXPECT_EQ(answer.status().events(), 0U);
    ASSERT_EQ(answer.notes_size(), 1);
    EXPECT_NE(answer.notes(0).find("only its history is told"), std::string::npos) << answer.notes(0);
    question.mutable_status()->set_from(answer.status().next());
  }
  EXPECT_EQ(expected, kEvents);
}

}  // namespace
}  // namespace anamnesis
