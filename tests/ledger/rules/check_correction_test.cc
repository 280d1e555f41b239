// Who may take back what is recorded: corrections by strangers, by who wrote it, and by who may lift it.

#include "ledger/rules/check_correction.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "tests/ledger/rules/refusals.h"
#include "tests/support/projected_history.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using Kind = v1::RecordCorrected;

// `admin_` administers, `quality_` and `officer_` are what they are called, `author_`, `other_` and `unit_` hold no
// role.
class CheckCorrectionTest : public testing::Test {
 protected:
  void SetUp() override {
    Accept(admin_, FoundingDrafts(admin_));
    std::vector<EventDraft> drafts;
    for (const TestWriter* writer : {&quality_, &officer_, &author_, &other_}) {
      drafts.push_back(EnrolPerson(writer->agent().id()));
      drafts.push_back(IssueKey("person", writer->agent().id(), writer->key().public_key()));
    }
    drafts.push_back(IssueKey("device_unit", "ICU-1", unit_.key().public_key()));
    drafts.push_back(GrantRole("quality", v1::QUALITY_OFFICER));
    drafts.push_back(GrantRole("officer", v1::REGULATORY_OFFICER));
    Accept(admin_, drafts);
    v1::DeviceModelRegistered model;
    model.set_name("Vent 9");
    model.set_intended_purpose("ventilation");
    Accept(author_, {DraftWith(model, {"device_model=device_model:vent-9"})});
  }

  void Accept(TestWriter& writer, const std::vector<EventDraft>& drafts) {
    const StatusOr<RunVerdict> verdict = ledger_.Append(writer.Write(drafts));
    ASSERT_TRUE(verdict.ok()) << verdict.status();
  }
  // "" when it was recorded, or why not; a refused writer goes on where they stood.
  std::string Try(TestWriter& writer, const EventDraft& draft) {
    const v1::Run run = writer.Write({draft});
    v1::EventHeader header;
    EXPECT_TRUE(header.ParseFromString(run.headers(0)));
    const StatusOr<RunVerdict> verdict = ledger_.Append(run);
    if (verdict.ok()) return "";
    writer.RewindTo(header.stream_position() - 1);
    return v1::RefusalReason_Name(DetailOf(verdict.status()).reason());
  }
  std::string TryToRetract(TestWriter& writer, const EventId& event) {
    return Try(writer, Correct(event, Kind::RETRACTED));
  }

  static EventDraft Because(EventDraft draft) {
    draft.header.set_rationale("because");
    return draft;
  }
  EventId Hold(TestWriter& writer, const std::string& id) {
    Accept(writer, {Because(DraftWith(v1::HoldPlaced(), {"hold=hold:" + id, "scope=device_unit:ICU-1"}))});
    return writer.LastId();
  }

  TestLedger ledger_;
  TestWriter admin_{"person", "admin", 1};
  TestWriter quality_{"person", "quality", 2};
  TestWriter officer_{"person", "officer", 3};
  TestWriter author_{"person", "author", 4};
  TestWriter other_{"person", "other", 5};
  TestWriter unit_{"device_unit", "ICU-1", 6};
};

TEST_F(CheckCorrectionTest, WhatForbidsIsTakenBackByWhoLiftsHoldsOnly) {
  const EventId hold = Hold(author_, "h1");
  for (TestWriter* writer : {&unit_, &other_, &admin_, &author_}) {
    EXPECT_EQ(TryToRetract(*writer, hold), "ROLE_MISSING") << writer->stream();
    EXPECT_EQ(Try(*writer, MoveInTime(hold, Timestamp(kTestStart.us + 1), Timestamp(kTestStart.us + 2))),
              "ROLE_MISSING");
    EventDraft replaced = Because(DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=device_unit:ICU-9"}));
    replaced.header.set_corrects(hold.bytes());
    EXPECT_EQ(Try(*writer, replaced), "ROLE_MISSING") << "a replacement takes back too";
    EXPECT_EQ(Try(*writer, Correct(hold, Kind::ANNOTATED)), "") << "a note changes nothing";
  }
  EXPECT_EQ(TryToRetract(quality_, hold), "");
  EXPECT_EQ(TryToRetract(officer_, Hold(author_, "h2")), "");
}

TEST_F(CheckCorrectionTest, EveryTypeThatForbidsIsAmongThem) {
  const auto place = [&](const EventDraft& draft) {
    Accept(author_, {Because(draft)});
    return author_.LastId();
  };
  v1::ChangeRequested change;
  change.set_text("other threshold");
  (void)place(DraftWith(change, {"change=change_request:c1"}));
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::SAFETY);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("off");
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  v1::CredentialReportedLost lost;
  lost.set_public_key(other_.key().public_key().bytes());
  const std::vector<EventId> forbidding = {place(DraftWith(v1::ChangeRejected(), {"change=change_request:c1"})),
                                           place(DraftWith(problem, {"problem=problem:p1"})),
                                           place(DraftWith(anomaly, {"anomaly=anomaly:a1"}))};
  for (const EventId& event : forbidding) {
    EXPECT_EQ(TryToRetract(author_, event), "ROLE_MISSING");
    EXPECT_EQ(TryToRetract(quality_, event), "");
  }
  Accept(quality_, {Because(DraftWith(lost, {"holder=person:other"}))});
  const EventId of_key = quality_.LastId();
  EXPECT_EQ(Try(other_, ReferToDocument("a")), "KEY_NOT_VALID");
  EXPECT_EQ(TryToRetract(author_, of_key), "ROLE_MISSING");
  EXPECT_EQ(TryToRetract(quality_, of_key), "ROLE_MISSING");
  EXPECT_EQ(TryToRetract(admin_, of_key), "") << "who issues keys";
  EXPECT_EQ(Try(other_, ReferToDocument("a")), "KEY_NOT_VALID") << "a key that ended stays so";
}

// Without it a problem or change would be closed on what was verified before.
TEST_F(CheckCorrectionTest, AVerificationThatFailedIsNotTakenBackByWhoVerified) {
  Accept(admin_, {GrantRole("author", v1::VERIFIER)});
  v1::ProblemReported reported;
  reported.set_criticality(v1::ProblemReported::SAFETY);
  reported.set_description("missed an alert");
  reported.set_configuration_unknown_because("off");
  v1::ProblemResolved resolved;
  resolved.set_summary("watchdog");
  v1::ChangeRequested change;
  change.set_text("other threshold");
  Accept(author_, {DraftWith(reported, {"problem=problem:p1"}), DraftWith(resolved, {"problem=problem:p1"}),
                   Because(DraftWith(change, {"change=change_request:c1"}))});
  const auto verified = [&](bool ok) {
    v1::ProblemVerified of_problem;
    of_problem.set_resolved(ok);
    v1::ChangeVerified of_change;
    of_change.set_verified(ok);
    Accept(author_, {DraftWith(of_problem, {"problem=problem:p1"})});
    const EventId first = author_.LastId();
    Accept(author_, {DraftWith(of_change, {"change=change_request:c1"})});
    return std::vector<EventId>{first, author_.LastId()};
  };
  for (const EventId& event : verified(false)) {
    EXPECT_EQ(TryToRetract(author_, event), "ROLE_MISSING");
    EXPECT_EQ(TryToRetract(officer_, event), "");
  }
  for (const EventId& event : verified(true)) EXPECT_EQ(TryToRetract(author_, event), "");
}

// What a correction made count against something is lifted as what did from the first: without it the first, which
// passed, would count again.
TEST_F(CheckCorrectionTest, AFailureThatACorrectionRecordedIsNotTakenBackByWhoTested) {
  Accept(admin_, {GrantRole("author", v1::VERIFIER), GrantRole("other", v1::VERIFIER)});
  v1::TestCaseApproved test_case;
  test_case.set_level(v1::UNIT);
  test_case.set_procedure("run it");
  test_case.set_expected("an alarm");
  v1::RiskControlDefined control;
  control.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  control.mutable_content()->set_text("watchdog");
  Accept(author_,
         {DraftWith(test_case, {"test_case=test_case:tc@1"}), DraftWith(control, {"control=risk_control:rc"})});
  const auto test_run = [](v1::TestRunCompleted::Result result) {
    v1::TestRunCompleted body;
    body.set_level(v1::UNIT);
    body.set_result(result);
    body.set_configuration_digest(std::string(32, 'c'));
    body.set_test_configuration("x86");
    body.add_tools("pytest 8");
    return DraftWith(body, {"test_run=test_run:t", "test_case=test_case:tc@1", "tester=person:author"});
  };
  const auto of_control = [](v1::RiskControlVerified::Result result) {
    v1::RiskControlVerified body;
    body.set_aspect(v1::RiskControlVerified::EFFECTIVENESS);
    body.set_result(result);
    body.set_configuration_digest(std::string(32, 'c'));
    return DraftWith(body, {"control=risk_control:rc"});
  };
  const auto expect_lifted_only = [&](const EventDraft& passed, EventDraft failed) {
    Accept(author_, {passed});
    EventDraft passed_again = passed;
    failed.header.set_corrects(author_.LastId().bytes());
    Accept(other_, {failed});
    const EventId failure = other_.LastId();
    passed_again.header.set_corrects(failure.bytes());
    for (TestWriter* writer : {&author_, &other_}) {
      EXPECT_EQ(TryToRetract(*writer, failure), "ROLE_MISSING") << writer->stream();
      EXPECT_EQ(Try(*writer, passed_again), "ROLE_MISSING") << "a replacement takes back too";
    }
    EXPECT_EQ(TryToRetract(quality_, failure), "");
    EXPECT_EQ(TryToRetract(author_, quality_.LastId()), "ROLE_MISSING") << "nor that it was lifted";
  };
  expect_lifted_only(test_run(v1::TestRunCompleted::PASS), test_run(v1::TestRunCompleted::FAIL));
  expect_lifted_only(of_control(v1::RiskControlVerified::PASS), of_control(v1::RiskControlVerified::FAIL));
  Accept(author_, {of_control(v1::RiskControlVerified::FAIL)});
  EXPECT_EQ(TryToRetract(author_, author_.LastId()), "ROLE_MISSING") << "what failed from the first";
  Accept(author_, {of_control(v1::RiskControlVerified::PASS)});
  EXPECT_EQ(TryToRetract(author_, author_.LastId()), "") << "what passed";
}

TEST_F(CheckCorrectionTest, WhatAsksForARoleAsksForItWhenCorrected) {
  v1::RegulatoryCommitmentDeclared declared;
  declared.set_jurisdiction("DE");
  declared.set_regime("mdr");
  declared.set_regulatory_class("IIb");
  Accept(officer_, {DraftWith(declared, {"device_model=device_model:vent-9"})});
  const EventId event = officer_.LastId();
  for (TestWriter* writer : {&unit_, &author_, &admin_, &quality_}) {
    EXPECT_EQ(TryToRetract(*writer, event), "ROLE_MISSING") << writer->stream();
  }
  Accept(admin_, {WithdrawRole("officer", v1::REGULATORY_OFFICER)});
  EXPECT_EQ(TryToRetract(officer_, event), "ROLE_MISSING") << "a role that is withdrawn takes nothing back";
  EventDraft limited = GrantRole("other", v1::REGULATORY_OFFICER);
  auto grant = std::make_shared<v1::RoleGranted>(static_cast<const v1::RoleGranted&>(*limited.body));
  grant->mutable_scope()->add_jurisdictions("US");
  limited.body = grant;
  Accept(admin_, {limited});
  EXPECT_EQ(TryToRetract(other_, event), "OUT_OF_SCOPE");
  Accept(admin_, {GrantRole("officer", v1::REGULATORY_OFFICER)});
  EXPECT_EQ(TryToRetract(officer_, event), "");
}

TEST_F(CheckCorrectionTest, OtherRecordsAreTheirWritersOrOfWhoAnswersForAll) {
  Accept(author_, {ReferToDocument("a"), ReferToDocument("b"), ReferToDocument("c")});
  const EventId first = author_.IdAt(2);
  for (TestWriter* writer : {&unit_, &other_, &officer_}) EXPECT_EQ(TryToRetract(*writer, first), "ROLE_MISSING");
  EXPECT_EQ(TryToRetract(author_, first), "");
  EXPECT_EQ(TryToRetract(quality_, author_.IdAt(3)), "");
  EXPECT_EQ(TryToRetract(admin_, author_.IdAt(4)), "");
}

TEST_F(CheckCorrectionTest, RetractingARetractionAsksForTheSame) {
  const EventId hold = Hold(author_, "h1");
  EXPECT_EQ(TryToRetract(quality_, hold), "");
  const EventId lifted = quality_.LastId();
  for (TestWriter* writer : {&unit_, &author_}) EXPECT_EQ(TryToRetract(*writer, lifted), "ROLE_MISSING");
  EXPECT_EQ(TryToRetract(officer_, lifted), "");
  EXPECT_EQ(TryToRetract(author_, officer_.LastId()), "ROLE_MISSING");

  // Of an ordinary record: who wrote it may not undo that another took it back.
  Accept(author_, {ReferToDocument("a")});
  const EventId document = author_.LastId();
  EXPECT_EQ(TryToRetract(quality_, document), "");
  EXPECT_EQ(TryToRetract(author_, quality_.LastId()), "ROLE_MISSING");
  Accept(author_, {ReferToDocument("b")});
  EXPECT_EQ(TryToRetract(author_, author_.LastId()), "");
  EXPECT_EQ(TryToRetract(author_, author_.LastId()), "") << "their own throughout";
}

// What follows the log's order and no correction would go on after one that was accepted.
TEST_F(CheckCorrectionTest, KeysAndRolesAreEndedAndNotTakenBack) {
  Accept(admin_, {GrantRole("author", v1::REGULATORY_OFFICER)});
  const EventId grant = admin_.LastId();
  Accept(admin_, {IssueKey("person", "author", KeyOfSeed(40).public_key())});
  const EventId issued = admin_.LastId();
  v1::CredentialRotated rotation;
  rotation.set_old_public_key(KeyOfSeed(40).public_key().bytes());
  rotation.set_new_public_key(KeyOfSeed(41).public_key().bytes());
  Accept(admin_, {DraftWith(rotation, {"holder=person:author"})});
  const EventId rotated = admin_.LastId();
  Accept(admin_, {WithdrawRole("officer", v1::REGULATORY_OFFICER)});
  const EventId withdrawn = admin_.LastId();
  for (const EventId& event : {grant, issued, rotated, withdrawn}) {
    EXPECT_EQ(TryToRetract(admin_, event), "REFERENCE_INVALID");
    EXPECT_EQ(Try(admin_, Correct(event, Kind::ANNOTATED)), "") << "a note changes nothing";
    EXPECT_EQ(Try(admin_, MoveInTime(event, kTestStart, kTestStart)), "") << "nor does when it is said to have been";
  }
  EventDraft narrower = GrantRole("author", v1::AUDITOR);
  narrower.header.set_corrects(grant.bytes());
  EXPECT_EQ(Try(admin_, narrower), "REFERENCE_INVALID") << "a replacement takes back too";
  // What does it, does.
  const auto revised = [] {
    v1::DeviceModelRevised body;
    body.set_intended_purpose("weaning");
    return Because(DraftWith(body, {"device_model=device_model:vent-9"}));
  };
  EXPECT_EQ(Try(author_, revised()), "");
  Accept(admin_, {WithdrawRole("author", v1::REGULATORY_OFFICER)});
  EXPECT_EQ(Try(author_, revised()), "ROLE_MISSING");
}

TEST_F(CheckCorrectionTest, NobodyTakesBackWhatTheLedgerDecided) {
  EXPECT_EQ(TryToRetract(unit_, Hold(author_, "h1")), "ROLE_MISSING");
  // The attempt is the ledger's own record, the last leaf.
  const StatusOr<LoadedEvent> denied = LoadEvent(ledger_.rows(), LeafIndex(ledger_.size().value - 1));
  ASSERT_TRUE(denied.ok()) << denied.status();
  ASSERT_EQ(denied->type->name(), "access.denied");
  for (TestWriter* writer : {&unit_, &quality_, &admin_}) {
    EXPECT_EQ(TryToRetract(*writer, denied->header.event_id), "ROLE_MISSING") << writer->stream();
  }
}

}  // namespace
}  // namespace anamnesis
