// What design histories, drafts and comparisons say of records that were corrected, withdrawn or replaced.

#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/exports/change_plan_draft.h"
#include "client/exports/compare.h"
#include "client/exports/design_history.h"
#include "client/exports/reports.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/event/vocabulary.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::exports {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int64_t kHour = int64_t{3600} * 1'000'000;

Timestamp Hour(int64_t hour) { return Timestamp(kTestStart.us + hour * kHour); }

EventDraft AtHour(EventDraft draft, int64_t hour) {
  SetOccurred(draft, Hour(hour), Hour(hour));
  return draft;
}

v1::ElectronicSignature Signed() {
  v1::ElectronicSignature signature;
  signature.set_meaning(v1::ElectronicSignature::APPROVAL);
  signature.set_signed_at_us(kTestStart.us);
  signature.add_components(v1::ElectronicSignature::KEY);
  signature.add_components(v1::ElectronicSignature::PASSPHRASE);
  signature.set_session_id(std::string(16, 's'));
  signature.set_ordinal(1);
  return signature;
}

EventDraft Item() {
  v1::SoftwareItemIdentified body;
  body.set_name("alert");
  body.set_level(v1::SoftwareItemIdentified::ITEM);
  body.set_trainability(v1::SoftwareItemIdentified::TRAINABLE);
  return DraftWith(std::move(body), {"item=software_item:alert"});
}

EventDraft Tested(v1::TestRunCompleted::Result result) {
  v1::TestRunCompleted body;
  body.set_level(v1::UNIT);
  body.set_test_configuration("bench");
  body.add_tools("pytest 8");
  body.set_result(result);
  body.set_configuration_digest(std::string(32, 'c'));
  return DraftWith(std::move(body), {"test_run=test_run:T-1", "test_case=test_case:C@1", "item=software_item:alert",
                                     "tester=person:ada"});
}

EventDraft Envelope(const std::string& version, const std::string& high) {
  v1::EnvelopeApproved body;
  v1::EnvelopeTerms::Dimension& dimension = *body.mutable_terms()->add_dimensions();
  dimension.set_name("shift");
  dimension.set_kind("interval");
  dimension.set_low("0");
  dimension.set_high(high);
  *body.mutable_signature() = Signed();
  return DraftWith(std::move(body),
                   {"envelope=envelope:e@" + version, "item=software_item:alert", "anchor=baseline:b@1"});
}

EventDraft Model() {
  v1::DeviceModelRegistered body;
  body.set_name("monitor");
  body.set_intended_purpose("alerts");
  return DraftWith(std::move(body), {"device_model=device_model:monitor"});
}

EventDraft Baseline() {
  v1::BaselineEstablished body;
  body.set_baseline_digest(std::string(32, 'b'));
  *body.mutable_signature() = Signed();
  return DraftWith(std::move(body),
                   {"baseline=baseline:b@1", "device_model=device_model:monitor", "member=software_item:alert"});
}

EventDraft Granted() {
  v1::AuthorisationGranted body;
  v1::AuthorisationTerms& terms = *body.mutable_terms();
  terms.set_jurisdiction("US");
  terms.set_kind("510k");
  terms.set_number("K1");
  terms.set_authority("FDA");
  terms.set_regulatory_class("II");
  terms.set_valid_from_us(Hour(0).us);
  return DraftWith(std::move(body), {"authorisation=authorisation:a@1", "device_model=device_model:monitor"});
}

EventDraft Planned() {
  v1::ChangePlanAuthorised body;
  body.mutable_terms()->set_instrument(v1::ChangePlanTerms::US_PCCP);
  body.mutable_terms()->set_jurisdiction("US");
  v1::ChangePlanTerms::Modification& one = *body.mutable_terms()->add_modifications();
  one.set_id("m1");
  one.set_text("moves the threshold");
  one.set_change_class("threshold");
  one.add_dimensions("shift");
  one.set_extent(v1::ChangePlanTerms::Modification::GLOBAL);
  one.set_mode(v1::ChangePlanTerms::Modification::AUTOMATIC);
  one.add_retraining("as in 4.2");
  return DraftWith(std::move(body), {"change_plan=change_plan:p@1", "authorisation=authorisation:a"});
}

v1::EntityRef Alert() {
  v1::EntityRef item;
  item.set_kind("software_item");
  item.set_id("alert");
  return item;
}

Document HistoryIn(const ProjectedHistory& history) {
  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  StatusOr<Document> document = DesignHistory(view, Alert());
  EXPECT_TRUE(document.ok()) << document.status();
  return document.ok() ? *std::move(document) : Document();
}

const Section& SectionAt(const Document& document, const std::string& id) {
  for (const Section& section : document.sections) {
    if (section.id == id) return section;
  }
  ADD_FAILURE() << "no section " << id;
  static const Section none;
  return none;
}

const std::vector<Cell>* RowCiting(const Section& section, uint64_t leaf) {
  for (const Table& table : section.tables) {
    for (const std::vector<Cell>& row : table.rows) {
      if (row[0].leaves == std::vector<uint64_t>{leaf}) return &row;
    }
  }
  return nullptr;
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
