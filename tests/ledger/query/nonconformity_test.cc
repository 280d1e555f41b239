// What an answer says of what ran without the gate's leave, or was put there by somebody else than the unit.

#include "ledger/query/nonconformity.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> RulesOf(const FindingList& findings) {
  std::vector<std::string> rules;
  for (const v1::Finding& finding : findings) rules.push_back(finding.rule());
  return rules;
}

ProjectedHistory UnderTheGate() {
  ProjectedHistory history;
  AdoptShipped(history, v1::PolicyAdopted::GATE, "gate");
  return history;
}

v1::ConfigurationItem Running(const ProjectedHistory& history) {
  const StatusOr<v1::Configuration> view =
      RunningAt(history.rows(), "ICU-1", Timestamp(kTestStart.us + 1), history.size());
  EXPECT_TRUE(view.ok()) << view.status();
  if (!view.ok() || view->items_size() != 1) return {};
  return view->items(0);
}

EventDraft Claim(std::string_view version) { return ActivateItem("ICU-1", "threshold", "artifact", "shift", version); }

TEST(Nonconformity, A69AnybodysClaimRunsAndEveryAnswerSaysThatItDidNotConform) {
  ProjectedHistory history = UnderTheGate();
  history.Add(Claim("2"), Timestamp(0), "eve");
  const v1::ConfigurationItem item = Running(history);
  EXPECT_EQ(item.item().version(), "2") << "what ran is never dropped";
  EXPECT_THAT(RulesOf(item.nonconforming()), ElementsAre("ACTIVATION-DECISION", "ACTIVATION-WRITER"));
  EXPECT_THAT(NonconformityText(item.nonconforming()),
              HasSubstr("did not conform: header.refs cites no decision of the gate; header.actor is person:eve"));

  v1::Question question;
  SetEntity(*question.mutable_where()->mutable_entity(), "artifact", "shift", "2");
  const v1::Answer where = AskOf(history, question);
  ASSERT_EQ(where.where().places_size(), 1);
  EXPECT_EQ(where.where().places(0).state(), v1::WhereAnswer::RUNNING);
  EXPECT_THAT(RulesOf(where.where().places(0).periods(0).nonconforming()),
              ElementsAre("ACTIVATION-DECISION", "ACTIVATION-WRITER"));
}

TEST(Nonconformity, NothingIsSaidOfUnitsThatWereNeverUnderTheGate) {
  ProjectedHistory history;
  history.Add(Claim("1"), Timestamp(0), "eve");
  AdoptShipped(history, v1::PolicyAdopted::GATE, "gate");
  EXPECT_THAT(Running(history).nonconforming(), IsEmpty());
}

TEST(Nonconformity, WhatWasImportedIsNotHeldAgainstItsWriter) {
  ProjectedHistory history = UnderTheGate();
  EventDraft imported = Claim("1");
  imported.header.set_retrospective(true);
  history.Add(imported, Timestamp(0), "importer");
  EXPECT_THAT(RulesOf(Running(history).nonconforming()), ElementsAre("ACTIVATION-DECISION"));
}

TEST(Nonconformity, EachPossibilityHasItsOwn) {
  ProjectedHistory history = UnderTheGate();
  for (const char* version : {"1", "2"}) {
    EventDraft draft = Claim(version);
    SetOccurred(draft, kTestStart, Timestamp(kTestStart.us + 1'000'000));
    history.Add(draft);
  }
  const v1::ConfigurationItem item = Running(history);
  ASSERT_GE(item.possibilities_size(), 2);
  EXPECT_THAT(item.nonconforming(), IsEmpty());
  for (const v1::Possibility& possibility : item.possibilities()) {
    EXPECT_EQ(possibility.nonconforming().empty(), !possibility.has_item());
  }
}

TEST(Configuration, OfATimeAfterTheLastEventItSaysThatNothingIsKnownYet) {
  ProjectedHistory history;
  history.Add(Claim("1"));
  v1::GetConfigurationRequest request;
  request.set_unit("ICU-1");
  const auto notes = [&](int64_t after_us) {
    *request.mutable_at() = ToProtoTime(Timestamp(kTestStart.us + after_us));
    const StatusOr<v1::ConfigurationAnswer> answer = AnswerConfiguration(history.rows(), "o", history.size(), request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->then_known().notes_size(), answer->now_known().notes_size());
    return std::vector<std::string>(answer->now_known().notes().begin(), answer->now_known().notes().end());
  };
  EXPECT_THAT(notes(1'000'000), testing::Contains(HasSubstr("is not known yet")));
  EXPECT_THAT(notes(0), testing::Not(testing::Contains(HasSubstr("is not known yet"))));
}

}  // namespace
}  // namespace anamnesis
