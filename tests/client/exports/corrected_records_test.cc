// What design histories, drafts and comparisons say of records that were corrected, withdrawn or replaced.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/exports/change_plan_draft.h"
#include "client/exports/compare.h"
#include "client/exports/design_history.h"
#include "client/exports/reports.h"
#include "client/exports/sections.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/event/vocabulary.h"
#include "tests/client/exports/item_records.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::exports {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Document HistoryIn(const ProjectedHistory& history) {
  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  StatusOr<Document> document = DesignHistory(view, Alert());
  EXPECT_TRUE(document.ok()) << document.status();
  return document.ok() ? *std::move(document) : Document();
}

TEST(CorrectedRecords, AFailedTestThatWasRetractedStaysInTheDesignHistory) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  const LeafIndex failed = history.Add(AtHour(Tested(v1::TestRunCompleted::FAIL), 1));
  const Document before = HistoryIn(history);
  const LeafIndex retraction = history.Retract(failed);
  const Document after = HistoryIn(history);
  const std::vector<Cell>* row = RowCiting(SectionAt(after, "verification"), failed.value);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ((*row)[0].mark, Mark::kVoid);
  EXPECT_THAT((*row)[3].text, HasSubstr("No longer counts: retracted by person:ada: was wrong"));
  EXPECT_THAT((*row)[3].leaves, ElementsAre(retraction.value));
  EXPECT_NE(RowCiting(SectionAt(after, "changes"), retraction.value), nullptr);
  ASSERT_FALSE(SectionAt(after, "verification").gaps.empty());
  EXPECT_THAT(SectionAt(after, "verification").gaps[0].text, HasSubstr("was retracted or replaced"));
  const Comparison comparison = Compare(before, after);
  EXPECT_FALSE(comparison.same());
  EXPECT_THAT(comparison.rows_added, testing::Contains(HasSubstr("No longer counts")));
  EXPECT_TRUE(Compare(after, after).same());
}

TEST(CorrectedRecords, ACorrectedTimeIsToldWithWhatCorrectedIt) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  const LeafIndex run = history.Add(AtHour(Tested(v1::TestRunCompleted::PASS), 5));
  history.Add(AtHour(MoveInTime(*EventId::FromBytes(ProjectedHistory::IdOf(run)), Hour(2), Hour(2)), 6));
  const Document document = HistoryIn(history);
  const std::vector<Cell>* row = RowCiting(SectionAt(document, "verification"), run.value);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ((*row)[0].mark, Mark::kNone);
  EXPECT_EQ((*row)[3].text, Text(FormatTime(Hour(2)), "\nmoved in time by person:ada: was wrong (leaf 2)"));
}

// As an export cites it that has nothing else of what it is about.
TEST(CorrectedRecords, WhatWasSignedAndReplacedIsStruckThroughAlone) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  const LeafIndex baseline = history.Add(AtHour(Baseline(), 1));
  const auto read = [&] {
    ProjectedLedger ledger(history);
    const LedgerView view = ledger.View();
    StatusOr<std::map<uint64_t, Cited>> records = ReadLeaves(view, {baseline.value});
    EXPECT_TRUE(records.ok()) << records.status();
    StatusOr<Section> signatures = SignatureSection(view, *records);
    EXPECT_TRUE(signatures.ok()) << signatures.status();
    const std::vector<Cell>* row = RowCiting(*signatures, baseline.value);
    EXPECT_NE(row, nullptr);
    return *row;
  };
  EXPECT_EQ(read()[0].mark, Mark::kNone);
  v1::BaselineEstablished body;
  body.set_baseline_digest(std::string(32, 'c'));
  *body.mutable_signature() = Signed();
  EventDraft other = DraftWith(
      std::move(body), {"baseline=baseline:c@1", "device_model=device_model:monitor", "member=software_item:alert"});
  other.header.set_corrects(ProjectedHistory::IdOf(baseline));
  other.header.set_rationale("of another model");
  const LeafIndex replacement = history.Add(AtHour(std::move(other), 2));
  const std::vector<Cell> row = read();
  EXPECT_EQ(row[0].mark, Mark::kVoid);
  EXPECT_THAT(row[5].text, HasSubstr(Text("No longer counts: replaced by person:ada: of another model (leaf ",
                                          replacement.value, ")")));
  EXPECT_THAT(row[5].leaves, ElementsAre(replacement.value));
  history.Retract(replacement);
  EXPECT_EQ(read()[0].mark, Mark::kNone);
}

// The draft's first table, a line a row.
std::string ModificationsIn(const ProjectedHistory& history) {
  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  const StatusOr<Document> draft = Report(view, "pccp-draft", Alert());
  EXPECT_TRUE(draft.ok()) << draft.status();
  std::string text;
  if (!draft.ok()) return text;
  for (const std::vector<Cell>& row : draft->sections[0].tables[0].rows) {
    for (const Cell& cell : row) text += cell.text + " | ";
    text += "\n";
  }
  return text;
}

TEST(CorrectedRecords, ADraftRestsOnWhatIsInForceAlone) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  history.Add(AtHour(Model(), 0));
  history.Add(AtHour(Baseline(), 0));
  history.Add(AtHour(Granted(), 0));
  history.Add(AtHour(Planned(), 1));
  history.Add(AtHour(Envelope("1", "0.1"), 1));
  EXPECT_THAT(ModificationsIn(history), HasSubstr("[0, 0.1] | envelope:e@1, everywhere | m1: moves the threshold"));
  history.Add(AtHour(Envelope("2", "0.2"), 2));
  EXPECT_THAT(ModificationsIn(history), Not(HasSubstr("0.1]")));
  EXPECT_THAT(ModificationsIn(history), HasSubstr("0.2]"));
  v1::AuthorisationSuspended suspended;
  suspended.set_effective_from_us(Hour(3).us);
  EventDraft draft = DraftWith(std::move(suspended), {"authorisation=authorisation:a@1"});
  draft.header.set_rationale("because");
  history.Add(AtHour(std::move(draft), 3));
  EXPECT_THAT(ModificationsIn(history), HasSubstr("none describes it")) << "its authorisation is suspended";
  v1::AuthorisationReinstated reinstated;
  reinstated.set_effective_from_us(Hour(4).us);
  history.Add(AtHour(DraftWith(std::move(reinstated), {"authorisation=authorisation:a@1"}), 4));
  EXPECT_THAT(ModificationsIn(history), HasSubstr("m1: moves the threshold"));
  v1::ChangePlanWithdrawn withdrawn;
  withdrawn.set_effective_from_us(Hour(5).us);
  draft = DraftWith(std::move(withdrawn), {"change_plan=change_plan:p@1"});
  draft.header.set_rationale("because");
  history.Add(AtHour(std::move(draft), 5));
  EXPECT_THAT(ModificationsIn(history), HasSubstr("none describes it"));
}

TEST(CorrectedRecords, NoneIsLostWhereAReadEndsAfterSoMany) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  const LeafIndex first = history.Add(AtHour(Tested(v1::TestRunCompleted::FAIL), 1));
  const LeafIndex second = history.Add(AtHour(Tested(v1::TestRunCompleted::FAIL), 1));
  history.Retract(first);
  const LeafIndex last = history.Retract(second);
  for (const uint64_t read_max : {1U, 2U, 3U}) {
    ProjectedLedger ledger(history, read_max);
    const LedgerView view = ledger.View();
    const auto records = RecordsOf(view, Alert());
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_TRUE(records->at(second.value).void_effect);
    EXPECT_THAT(records->at(second.value).corrected_by, ElementsAre(last.value));
  }
}

TEST(CorrectedRecords, AnItemThatWasTakenBackAltogetherIsRecorded) {
  ProjectedHistory history;
  const LeafIndex item = history.Add(AtHour(Item(), 0));
  history.Retract(item);
  const Document document = HistoryIn(history);
  bool struck = false;
  for (const Section& section : document.sections) {
    const std::vector<Cell>* row = RowCiting(section, item.value);
    struck |= row != nullptr && (*row)[0].mark == Mark::kVoid;
  }
  EXPECT_TRUE(struck);
}

TEST(CorrectedRecords, EveryFieldOfADimensionIsInItsBounds) {
  v1::EnvelopeTerms::Dimension dimension;
  const google::protobuf::Reflection& reflection = *dimension.GetReflection();
  for (int i = 0; i < dimension.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *dimension.GetDescriptor()->field(i);
    if (field.name() == "name") continue;
    const std::string before = BoundsText(dimension);
    if (field.is_repeated()) {
      reflection.AddString(&dimension, &field, "s");
    } else if (field.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      reflection.SetString(&dimension, &field, "t");
    } else {
      reflection.SetUInt64(&dimension, &field, 7);
    }
    EXPECT_NE(BoundsText(dimension), before) << field.name();
  }
}

TEST(CorrectedRecords, EveryTypeHasASectionOrIsNamedAsOther) {
  const std::set<std::string> others = {"access",        "authority",    "checkpoint",    "clock",       "cluster",
                                        "configuration", "credential",   "custody",       "device_unit", "erasure",
                                        "export",        "fork",         "object",        "person",      "role",
                                        "signature",     "subject_data", "standing_check"};
  for (const EventType* type : Vocabulary::Get().All()) {
    EXPECT_EQ(DesignHistoryPartOf(type->name()).empty(),
              others.count(type->name().substr(0, type->name().find('.'))) > 0)
        << type->name() << ": give it a section in design_history.cc";
  }
}

}  // namespace
}  // namespace anamnesis::exports
