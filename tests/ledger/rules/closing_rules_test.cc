// What a problem or a change is closed on: the last verification before it, and none from before it was reopened.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/state/edges.h"
#include "ledger/state/last_counting.h"
#include "tests/ledger/rules/small_world.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ClosingRulesTest : public SmallWorld {
 protected:
  void SetUp() override {
    SmallWorld::SetUp();
    Accept(admin_.Write({GrantRole("admin", v1::VERIFIER)}));
  }
  static EventDraft Because(EventDraft draft) {
    draft.header.set_rationale("because");
    return draft;
  }
  static EventDraft ToldAsOf(EventDraft draft, Timestamp time) {
    SetOccurred(draft, time, time);
    draft.header.set_retrospective(true);
    return draft;
  }
  // After what is recorded last and before what is next.
  Timestamp Between() const { return Timestamp(ledger_.next_proposed().us - 500'000); }

  void ReportProblem() {
    v1::ProblemReported reported;
    reported.set_criticality(v1::ProblemReported::SAFETY);
    reported.set_description("froze");
    reported.set_configuration_unknown_because("offline");
    v1::ProblemResolved resolved;
    resolved.set_summary("watchdog");
    (void)Record(DraftWith(reported, {kProblem}));
    (void)Record(DraftWith(resolved, {kProblem}));
  }
  static EventDraft Verified(bool resolved) {
    v1::ProblemVerified verified;
    verified.set_resolved(resolved);
    return DraftWith(verified, {kProblem});
  }
  static EventDraft Close() { return Because(DraftWith(v1::ProblemClosed(), {kProblem})); }
  static EventDraft Reopen() { return Because(DraftWith(v1::ProblemReopened(), {kProblem})); }
  void RequestChange() {
    v1::ChangeRequested requested;
    requested.set_text("a watchdog");
    (void)Record(Because(DraftWith(requested, {kChange})));
  }
  static EventDraft ChangeVerified(bool verified) {
    v1::ChangeVerified body;
    body.set_verified(verified);
    return DraftWith(body, {kChange});
  }
  static EventDraft CloseChange() { return DraftWith(v1::ChangeClosed(), {kChange}); }

  static constexpr const char* kProblem = "problem=problem:p";
  static constexpr const char* kChange = "change=change_request:c";
};

TEST_F(ClosingRulesTest, A100_WhatWasVerifiedLastDecidesWhetherAProblemIsClosed) {
  ReportProblem();
  (void)Record(Verified(false));
  EXPECT_EQ(RuleBroken(Close()), "CLOSE-VERIFIED");
  (void)Record(Verified(true));
  (void)Record(Verified(false));
  EXPECT_EQ(RuleBroken(Close()), "CLOSE-LAST-VERIFIED");
  (void)Record(Verified(true));
  // What is told afterwards of a time before that changes nothing of it.
  (void)Record(ToldLate(Verified(false), 10));
  EXPECT_THAT(Record(Close()), IsEmpty());
  (void)Record(Reopen());
  const v1::RefusalDetail detail = DetailOf(Try(admin_, Close()));
  EXPECT_EQ(detail.rule(), "CLOSE-LAST-VERIFIED");
  EXPECT_EQ(detail.clause(), "IEC 62304 9.7");
  (void)Record(Because(DraftWith(v1::ProblemNoActionDecided(), {kProblem})));
  EXPECT_THAT(Record(Close()), IsEmpty());
}

TEST_F(ClosingRulesTest, A100_WhatWasVerifiedLastDecidesWhetherAChangeIsClosed) {
  RequestChange();
  (void)Record(ChangeVerified(false));
  EXPECT_EQ(RuleBroken(CloseChange()), "CLOSE-CHANGE-VERIFIED");
  (void)Record(ChangeVerified(true));
  (void)Record(ChangeVerified(false));
  const v1::RefusalDetail detail = DetailOf(Try(admin_, CloseChange()));
  EXPECT_EQ(detail.rule(), "CLOSE-CHANGE-LAST-VERIFIED");
  EXPECT_EQ(detail.clause(), "IEC 62304 8.2.3") << "as of the precondition";
  (void)Record(ChangeVerified(true));
  EXPECT_THAT(Record(CloseChange()), IsEmpty());
}

TEST_F(ClosingRulesTest, A100_WhatIsToldAfterwardsIsClosedOnWhatStoodBefore) {
  ReportProblem();
  (void)Record(Verified(true));
  const Timestamp on_paper = Between();
  (void)Record(Close());
  (void)Record(Reopen());
  EXPECT_EQ(RuleBroken(Close()), "CLOSE-LAST-VERIFIED");
  EXPECT_THAT(Record(ToldAsOf(Close(), on_paper)), IsEmpty()) << "it was reopened after that";
  // And the other way round: what was verified since says nothing of then.
  (void)Record(Verified(false));
  const Timestamp before_it_was_settled = Between();
  (void)Record(Verified(true));
  EXPECT_EQ(RuleBroken(ToldAsOf(Close(), before_it_was_settled)), "CLOSE-LAST-VERIFIED");
  EXPECT_THAT(Record(Close()), IsEmpty());
}

TEST_F(ClosingRulesTest, A100_AChangeToldAfterwardsIsClosedOnWhatStoodBefore) {
  RequestChange();
  (void)Record(ChangeVerified(true));
  const Timestamp on_paper = Between();
  (void)Record(ChangeVerified(false));
  EXPECT_EQ(RuleBroken(CloseChange()), "CLOSE-CHANGE-LAST-VERIFIED");
  EXPECT_THAT(Record(ToldAsOf(CloseChange(), on_paper)), IsEmpty());
}

TEST_F(ClosingRulesTest, A100_NothingIsClosedAsOfBeforeItWasVerified) {
  ReportProblem();
  RequestChange();
  const Timestamp before_all = Between();
  // Nothing settles it yet, whenever: the precondition says so, and alone.
  EXPECT_EQ(RuleBroken(ToldAsOf(Close(), before_all)), "CLOSE-VERIFIED");
  for (const bool settled : {true, false}) {
    (void)Record(Verified(settled));
    (void)Record(ChangeVerified(settled));
    const v1::RefusalDetail detail = DetailOf(Try(admin_, ToldAsOf(Close(), before_all)));
    EXPECT_EQ(detail.rule(), "CLOSE-LAST-VERIFIED") << settled;
    EXPECT_THAT(detail.remedy(), HasSubstr("say when it was"));
    EXPECT_EQ(RuleBroken(ToldAsOf(CloseChange(), before_all)), "CLOSE-CHANGE-LAST-VERIFIED") << settled;
  }
  // As of before the ledger knew of the problem: what was can't be had otherwise any more, and shows.
  EXPECT_THAT(Record(ToldLate(Close(), 10)), Contains("CLOSE-LAST-VERIFIED"));
  EXPECT_EQ(RuleBroken(Close()), "CLOSE-LAST-VERIFIED") << "it closed nothing of now";
}

// A correction stands where it is recorded, so one of before the problem was reopened would end that for the gate.
TEST_F(ClosingRulesTest, A100_AClosingIsCorrectedAsOfWhenItWas) {
  ReportProblem();
  (void)Record(Verified(true));
  const Timestamp closed_at = Between();
  (void)Record(Close());
  EventDraft corrected = Close();
  corrected.header.set_corrects(admin_.LastId().bytes());
  (void)Record(Reopen());
  const v1::RefusalDetail detail = DetailOf(Try(admin_, corrected));
  EXPECT_EQ(detail.rule(), "CLOSE-LAST-VERIFIED");
  EXPECT_THAT(detail.remedy(), HasSubstr("as retrospective, as of when that was"));
  EXPECT_THAT(Record(ToldAsOf(corrected, closed_at)), IsEmpty());
  EXPECT_EQ(RuleBroken(Close()), "CLOSE-LAST-VERIFIED") << "it is open as before";
}

// Counts reads of bodies.
class BodiesRead : public RowFinder {
 public:
  explicit BodiesRead(const RowFinder& rows) : rows_(rows) {}
  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    if (family == Family::kBodies) ++count;
    return rows_.Get(family, key);
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    return rows_.LastAtOrBefore(family, prefix, key);
  }

  mutable int count = 0;

 private:
  const RowFinder& rows_;
};

TEST_F(ClosingRulesTest, WhatElseIsAboutAProblemIsPassedByWithoutItsBody) {
  ReportProblem();
  (void)Record(Verified(true));
  const uint64_t verified = ledger_.size().value - 1;
  for (const char* id : {"i1", "i2", "i3"}) {
    v1::IncidentRecorded incident;
    incident.set_harm(v1::IncidentRecorded::SERIOUS);
    incident.set_description("wrong alert");
    (void)Record(DraftWith(incident, {Text("incident=incident:", id), "unit=device_unit:ICU-7", kProblem}));
  }
  const BodiesRead rows(ledger_.rows());
  v1::EntityRef problem;
  problem.set_kind("problem");
  problem.set_id("p");
  const EventBefore before = EventsOfTypes(rows, RoleEdgesPrefix(problem, "problem"), {"problem.verified"});
  std::vector<uint64_t> found;
  for (StatusOr<std::optional<LeafIndex>> index = before(); index.value().has_value(); index = before()) {
    found.push_back((*index)->value);
  }
  EXPECT_THAT(found, ElementsAre(verified));
  EXPECT_EQ(rows.count, 0);
  EXPECT_THAT(Record(Close()), IsEmpty());
}

}  // namespace
}  // namespace anamnesis
