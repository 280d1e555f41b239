// Questions about units and what runs on them: coverage, monitoring, what is in service, closure of the trail.

#include <set>
#include <string>

#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/facts.h"
#include "ledger/query/forks.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000;

Timestamp Hour(int64_t hour) { return Timestamp(kTestStart.us + hour * kHour); }

EventDraft AtHour(EventDraft draft, int64_t hour) {
  SetOccurred(draft, Hour(hour), Hour(hour));
  return draft;
}

EventDraft Evaluated(const std::string& model, v1::EvaluationCompleted::Result result) {
  v1::EvaluationCompleted body;
  body.set_result(result);
  return DraftWith(std::move(body), {"model=model:" + model + "@1"});
}

v1::CoverageAnswer CoverageSoFar(const ProjectedHistory& history, int64_t from, int64_t until) {
  v1::Question question;
  question.mutable_coverage()->set_unit("ICU-7");
  *question.mutable_coverage()->mutable_from() = ToProtoTime(Hour(from));
  *question.mutable_coverage()->mutable_until() = ToProtoTime(Hour(until));
  return AskOf(history, question).coverage();
}

// Once something was recorded at the end of it.
v1::CoverageAnswer CoverageOf(ProjectedHistory& history, int64_t from, int64_t until) {
  history.Add(AtHour(ReferToDocument("later"), until));
  return CoverageSoFar(history, from, until);
}

TEST(AskCoverage, A81OperatingTimeIsSplitByWhatWasVerified) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Evaluated("good", v1::EvaluationCompleted::PASS), 1));
  history.Add(AtHour(Evaluated("bad", v1::EvaluationCompleted::FAIL), 1));
  history.Add(AtHour(Activate("ICU-7", "model", "good"), 2));
  history.Add(AtHour(Activate("ICU-7", "model", "bad"), 5));
  const LeafIndex stopped = history.Add(AtHour(Deactivate("ICU-7", "model"), 6));
  const v1::CoverageAnswer coverage = CoverageOf(history, -1, 10);
  EXPECT_EQ(coverage.verified_us(), 3 * kHour);
  EXPECT_EQ(coverage.unverified_us(), 1 * kHour);
  EXPECT_EQ(coverage.unknown_us(), 1 * kHour) << "before it was commissioned";
  EXPECT_EQ(coverage.not_operating_us(), 6 * kHour);
  history.Retract(stopped);
  EXPECT_EQ(CoverageOf(history, -1, 10).unverified_us(), 5 * kHour);
}

TEST(AskCoverage, A81WhatIsVerifiedOnlyLaterWasNotWhenItRan) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  history.Add(AtHour(Evaluated("m", v1::EvaluationCompleted::PASS), 4));
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.unverified_us(), 4 * kHour);
  EXPECT_EQ(coverage.verified_us(), 6 * kHour);
  ASSERT_EQ(coverage.intervals_size(), 2);
  EXPECT_EQ(coverage.intervals(0).text(), "verified only later");
}

TEST(AskCoverage, A81WhatNothingIsRecordedOfYetIsNotVerified) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Evaluated("m", v1::EvaluationCompleted::PASS), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  history.Add(AtHour(ReferToDocument("last"), 3));
  const v1::CoverageAnswer coverage = CoverageSoFar(history, 0, 100);
  EXPECT_EQ(coverage.verified_us(), 3 * kHour);
  EXPECT_EQ(coverage.unknown_us(), 97 * kHour);
  EXPECT_EQ(CoverageSoFar(history, 5, 6).unknown_us(), 1 * kHour);
}

TEST(AskCoverage, A81TheTimesAddUpToWhatWasAskedAbout) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  EventDraft uncertain = Activate("ICU-7", "model", "m");
  SetOccurred(uncertain, Hour(2), Hour(4));
  history.Add(uncertain);
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 9);
  EXPECT_GT(coverage.unknown_us(), 0);
  EXPECT_EQ(coverage.verified_us() + coverage.unverified_us() + coverage.unknown_us() + coverage.not_operating_us(),
            9 * kHour);
}

EventDraft Issued(const std::string& id, int64_t from, int64_t until, char substrate = 's') {
  v1::CertificationIssued body;
  v1::CertifiedState& state = *body.mutable_state();
  state.set_artifact_digest(kTestDigest);
  state.set_baseline_digest(std::string(32, 'b'));
  state.set_substrate_digest(std::string(32, substrate));
  body.set_process_profile("p@1");
  body.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  body.set_valid_from_us(Hour(from).us);
  if (until != 0) body.set_valid_until_us(Hour(until).us);
  return AtHour(DraftWith(std::move(body),
                          {"certification=certification:" + id, "artifact=artifact:a@1", "sandbox_run=sandbox_run:r",
                           "envelope=envelope:e@1", "protocol=sandbox_protocol:p@1"}),
                from);
}

EventDraft Withdrawn(const std::string& id, int64_t from) {
  v1::CertificationWithdrawn body;
  body.set_effective_from_us(Hour(from).us);
  return AtHour(Rationale(DraftWith(std::move(body), {"certification=certification:" + id})), from);
}

// ICU-7 on baseline b and substrate s, running artifact a@1 from hour 0.
ProjectedHistory RunningArtifact() {
  ProjectedHistory history;
  v1::BaselineEstablished baseline;
  baseline.set_baseline_digest(std::string(32, 'b'));
  *baseline.mutable_signature() = TestSignature();
  history.Add(AtHour(DraftWith(std::move(baseline), {"baseline=baseline:b@1", "member=document:d"}), 0));
  v1::SubstrateDefined substrate;
  substrate.set_substrate_digest(std::string(32, 's'));
  history.Add(AtHour(DraftWith(std::move(substrate), {"substrate=substrate:s@1"}), 0));
  history.Add(AtHour(WithRefs(Commission("ICU-7"), {"baseline=baseline:b@1"}), 0));
  history.Add(AtHour(DraftWith(v1::SubstrateInstalled(), {"unit=device_unit:ICU-7", "substrate=substrate:s@1"}), 0));
  v1::ArtifactActivated activated;
  activated.set_surface("threshold");
  history.Add(AtHour(DraftWith(std::move(activated), {"unit=device_unit:ICU-7", "artifact=artifact:a@1"}), 0));
  return history;
}

TEST(AskCoverage, ACertificateHoldsUntilItExpiresOrIsWithdrawn) {
  ProjectedHistory history = RunningArtifact();
  history.Add(Issued("one", 0, 3));
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 3 * kHour);
  const LeafIndex two = history.Add(Issued("two", 5, 0));
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 8 * kHour);
  const LeafIndex withdrawn = history.Add(Withdrawn("two", 6));
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.verified_us(), 4 * kHour);
  EXPECT_EQ(coverage.intervals(coverage.intervals_size() - 1).text(),
            Text("the certification of leaf ", two.value, " was withdrawn (leaf ", withdrawn.value, ")"));
  history.Retract(withdrawn);
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 8 * kHour);
}

EventDraft Tested(const std::string& test_case, const std::string& what, v1::TestRunCompleted::Result result) {
  return WithRefs(TestRunOf("r", test_case, v1::SYSTEM, "X", result), {"verified=" + what});
}

TEST(AskCoverage, A81AFailureAfterwardsEndsWhatATestShowed) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  history.Add(AtHour(Tested("T", "model:m@1", v1::TestRunCompleted::PASS), 0));
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 10 * kHour);
  const LeafIndex failed = history.Add(AtHour(Tested("T", "model:m@1", v1::TestRunCompleted::FAIL), 3), Hour(4));
  v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.verified_us(), 4 * kHour) << "nobody knew of the failure before it was recorded";
  ASSERT_EQ(coverage.intervals_size(), 2);
  EXPECT_EQ(coverage.intervals(1).text(),
            Text("test_case:T@1 failed (leaf ", failed.value, ") and has not passed since"));
  // Neither what others show, nor a late record of what was before, takes it back.
  history.Add(AtHour(Evaluated("m", v1::EvaluationCompleted::PASS), 5));
  history.Add(LongAgo(Tested("T", "model:m@1", v1::TestRunCompleted::PASS)), Hour(5));
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 4 * kHour);
  const LeafIndex passed = history.Add(AtHour(Tested("T", "model:m@1", v1::TestRunCompleted::PASS), 6));
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 8 * kHour);
  history.Add(AtHour(Evaluated("m", v1::EvaluationCompleted::FAIL), 9));
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 7 * kHour);
  history.Retract(failed);
  history.Retract(passed);
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 9 * kHour);
}

TEST(AskCoverage, AFailureAfterACertificateEndsItToo) {
  ProjectedHistory history = RunningArtifact();
  history.Add(AtHour(Tested("T", "artifact:a@1", v1::TestRunCompleted::FAIL), 0));
  history.Add(Issued("one", 1, 0));
  EXPECT_EQ(CoverageOf(history, 0, 10).verified_us(), 9 * kHour) << "who certifies knows of what was before";
  const LeafIndex failed = history.Add(AtHour(Tested("T", "artifact:a@1", v1::TestRunCompleted::FAIL), 5));
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.verified_us(), 4 * kHour);
  EXPECT_EQ(coverage.intervals(coverage.intervals_size() - 1).text(),
            Text("test_case:T@1 failed (leaf ", failed.value, ") and has not passed since"));
}

// No event can say that a substrate was verified.
TEST(AskCoverage, ASubstrateWithoutACertificateCountsWithWhatRunsOnIt) {
  ProjectedHistory history;
  v1::SubstrateDefined substrate;
  substrate.set_substrate_digest(std::string(32, 's'));
  history.Add(AtHour(DraftWith(std::move(substrate), {"substrate=substrate:s@1"}), 0));
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(DraftWith(v1::SubstrateInstalled(), {"unit=device_unit:ICU-7", "substrate=substrate:s@1"}), 0));
  EXPECT_EQ(CoverageOf(history, 0, 10).intervals(0).text(), "no passed verification of substrate:s@1");
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  EXPECT_EQ(CoverageOf(history, 0, 10).intervals(0).text(), "no passed verification of model:m@1");
  history.Add(AtHour(Tested("T", "model:m@1", v1::TestRunCompleted::PASS), 0));
  history.Add(AtHour(ReferToDocument("later"), 10));
  v1::Question question;
  question.mutable_coverage()->set_unit("ICU-7");
  *question.mutable_coverage()->mutable_from() = ToProtoTime(Hour(0));
  *question.mutable_coverage()->mutable_until() = ToProtoTime(Hour(10));
  const v1::Answer answer = AskOf(history, question);
  EXPECT_EQ(answer.coverage().verified_us(), 10 * kHour);
  ASSERT_EQ(answer.notes_size(), 2);
  EXPECT_NE(answer.notes(0).find("safety class"), std::string::npos);
  EXPECT_NE(answer.notes(1).find("substrate"), std::string::npos);
}

TEST(Configuration, WhatRanIsToldWithoutItsHistories) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  history.Add(AtHour(DraftWith(v1::ModelRegistered(), {"model=model:m@1", "training_run=training_run:t",
                                                       "dataset=dataset:d@1", "code=code_revision:c@1"}),
                     1));
  StatusOr<v1::Configuration> whole = ConfigurationAt(history.rows(), "ICU-7", Hour(2), history.size());
  const StatusOr<v1::Configuration> running = RunningAt(history.rows(), "ICU-7", Hour(2), history.size());
  ASSERT_TRUE(whole.ok() && running.ok());
  EXPECT_TRUE(whole->items(0).has_history());
  EXPECT_EQ(whole->leaves_size(), 3);
  EXPECT_EQ(running->leaves_size(), 2);
  whole->mutable_items(0)->clear_history();
  *whole->mutable_leaves() = running->leaves();
  EXPECT_EQ(whole->SerializeAsString(), running->SerializeAsString());
}

// What is tested before it is certified is verified by the certificate alone: as long, and on no other ground.
TEST(AskCoverage, ACertificateCountsBesideThePassedTestsThatItRestsOn) {
  const EventDraft tested = AtHour(Tested("c", "artifact:a@1", v1::TestRunCompleted::PASS), 0);
  ProjectedHistory history = RunningArtifact();
  history.Add(tested);
  const LeafIndex issued = history.Add(Issued("one", 1, 4));
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.verified_us(), 3 * kHour);
  EXPECT_EQ(coverage.intervals(coverage.intervals_size() - 1).text(),
            Text("the certification of leaf ", issued.value, " had expired"));
  ProjectedHistory elsewhere = RunningArtifact();
  elsewhere.Add(tested);
  elsewhere.Add(Issued("one", 1, 0, 'x'));
  EXPECT_EQ(CoverageOf(elsewhere, 0, 10).verified_us(), 0);
}

TEST(AskCoverage, ACertificateHoldsOnItsGroundAlone) {
  ProjectedHistory history = RunningArtifact();
  const LeafIndex issued = history.Add(Issued("one", 0, 0, 'x'));
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.verified_us(), 0);
  EXPECT_EQ(coverage.intervals(0).text(),
            Text("the certification of leaf ", issued.value, " is for another baseline or substrate"));
}

TEST(AskCoverage, EvidenceCountsFromWhenItWasRecorded) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  const LeafIndex late = history.Add(AtHour(Evaluated("m", v1::EvaluationCompleted::PASS), 1), Hour(4));
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.verified_us(), 6 * kHour);
  ASSERT_EQ(coverage.intervals_size(), 3);
  EXPECT_EQ(coverage.intervals(1).text(), Text("verified by then, but recorded only later (leaf ", late.value, ")"));
}

TEST(AskCoverage, EachIntervalNamesTheEvidenceThatHeldThen) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  const auto evaluate = [&](const std::string& data, int64_t hour) {
    EventDraft draft = WithRefs(Evaluated("m", v1::EvaluationCompleted::PASS), {"dataset=dataset:" + data + "@1"});
    return history.Add(AtHour(draft, hour), Hour(hour));
  };
  const LeafIndex first = evaluate("d", 0);
  const LeafIndex other = evaluate("e", 2);
  // Of the first test only this result counts from here on, and the other is the older one.
  evaluate("d", 4);
  const v1::CoverageAnswer coverage = CoverageOf(history, 0, 10);
  EXPECT_EQ(coverage.verified_us(), 10 * kHour);
  ASSERT_EQ(coverage.intervals_size(), 2);
  EXPECT_EQ(coverage.intervals(0).verified_by(0), first.value);
  EXPECT_EQ(coverage.intervals(1).verified_by(0), other.value);
}

EventDraft MonitoringPlan(uint64_t hours) {
  v1::PlanApproved body;
  body.mutable_content()->set_kind(v1::PlanContent::MONITORING);
  body.mutable_content()->add_sections()->set_topic("scope");
  body.mutable_content()->set_monitoring_interval_s(hours * 3600);
  *body.mutable_signature() = TestSignature();
  return DraftWith(std::move(body), {"plan=plan:mon@1", "item=software_item:X"});
}

EventDraft Monitored(int64_t from, int64_t until) {
  v1::MonitoringRecorded body;
  body.set_window_from_us(Hour(from).us);
  body.set_window_until_us(Hour(until).us);
  return AtHour(DraftWith(std::move(body), {"unit=device_unit:ICU-7", "model=model:m@1"}), until);
}

TEST(AskMonitoring, A98AnActiveArtifactWithoutMonitoringInItsIntervalIsListed) {
  ProjectedHistory history;
  history.Add(AtHour(Item("X"), 0));
  v1::ModelRegistered model;
  history.Add(
      AtHour(DraftWith(std::move(model), {"model=model:m@1", "training_run=training_run:t", "dataset=dataset:d@1",
                                          "code=code_revision:c@1", "item=software_item:X"}),
             0));
  const auto ask = [&](int64_t at) {
    v1::Question question;
    question.mutable_monitoring()->set_unit("ICU-7");
    *question.mutable_monitoring()->mutable_at() = ToProtoTime(Hour(at));
    return AskOf(history, question).monitoring();
  };
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  EXPECT_EQ(ask(10).without_plan_size(), 1);
  history.Add(MonitoringPlan(24));
  EXPECT_EQ(ask(24).gaps_size(), 0);
  ASSERT_EQ(ask(25).gaps_size(), 1);
  history.Add(Monitored(0, 20));
  EXPECT_EQ(ask(25).gaps_size(), 0);
  const v1::MonitoringAnswer later = ask(60);
  ASSERT_EQ(later.gaps_size(), 1);
  EXPECT_EQ(later.gaps(0).from().seconds(), Hour(20).us / 1'000'000);
  history.Add(AtHour(Deactivate("ICU-7", "model"), 30));
  EXPECT_EQ(ask(60).gaps_size(), 0);
}

TEST(AskMonitoring, A98WhatEndedIsNotActiveAndNothingIsListedTwice) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  for (const int64_t hour : {0, 2, 4}) history.Add(AtHour(Activate("ICU-7", "model", hour == 2 ? "n" : "m"), hour));
  const auto ask = [&](int64_t at) {
    v1::Question question;
    question.mutable_monitoring()->set_unit("ICU-7");
    *question.mutable_monitoring()->mutable_at() = ToProtoTime(Hour(at));
    return AskOf(history, question).monitoring();
  };
  EXPECT_EQ(ask(10).active(), 1u);
  ASSERT_EQ(ask(10).without_plan_size(), 1);
  EXPECT_EQ(ask(10).without_plan(0).id(), "m");
  EXPECT_EQ(ask(3).without_plan(0).id(), "n");
  history.Add(AtHour(Deactivate("ICU-7", "model"), 11));
  EXPECT_EQ(ask(12).active(), 0u);
  EXPECT_EQ(ask(12).without_plan_size(), 0);
}

v1::Answer MonitoringAt(const ProjectedHistory& history, int64_t at) {
  v1::Question question;
  question.mutable_monitoring()->set_unit("ICU-7");
  *question.mutable_monitoring()->mutable_at() = ToProtoTime(Hour(at));
  return AskOf(history, question);
}

TEST(AskMonitoring, TheBaselineRunsToo) {
  ProjectedHistory history;
  history.Add(AtHour(WithRefs(Commission("ICU-7"), {"baseline=model:m@1"}), 0));
  const v1::MonitoringAnswer answer = MonitoringAt(history, 10).monitoring();
  EXPECT_EQ(answer.active(), 1u);
  ASSERT_EQ(answer.without_plan_size(), 1);
  EXPECT_EQ(answer.without_plan(0).id(), "m");
}

TEST(AskMonitoring, WhatMayRunIsLookedAtAsWhatDoes) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  EventDraft some_time = Activate("ICU-7", "model", "m");
  SetOccurred(some_time, Hour(2), Hour(22));
  history.Add(some_time);
  const v1::Answer answer = MonitoringAt(history, 20);
  EXPECT_EQ(answer.monitoring().active(), 1u);
  EXPECT_EQ(answer.monitoring().without_plan_size(), 1);
  ASSERT_GT(answer.notes_size(), 0);
  EXPECT_NE(answer.notes(0).find("counted as running: model:m@1"), std::string::npos) << answer.notes(0);
  EXPECT_EQ(MonitoringAt(history, 1).monitoring().active(), 0u);
}

TEST(AskMonitoring, OfAPlanTheNewestVersionHoldsWheneverItWasRecorded) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(DraftWith(v1::ModelRegistered(), {"model=model:m@1", "training_run=training_run:t", "dataset=dataset:d@1",
                                                "code=code_revision:c@1", "item=software_item:X"}));
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  const LeafIndex plan = history.Add(MonitoringPlan(24));
  history.Add(LongAgo(MonitoringPlan(2400)));
  const v1::MonitoringAnswer answer = MonitoringAt(history, 48).monitoring();
  ASSERT_EQ(answer.gaps_size(), 1);
  EXPECT_EQ(answer.gaps(0).plan().index(), plan.value);
}

EventDraft RevisedMonitoringPlan(const std::string& version, uint64_t hours,
                                 const std::vector<std::string>& more = {}) {
  v1::PlanRevised body;
  body.mutable_content()->set_kind(v1::PlanContent::MONITORING);
  body.mutable_content()->add_sections()->set_topic("scope");
  body.mutable_content()->set_monitoring_interval_s(hours * 3600);
  *body.mutable_signature() = TestSignature();
  return Rationale(WithRefs(DraftWith(std::move(body), {"plan=plan:mon@" + version}), more));
}

TEST(AskMonitoring, ARevisionNeedNotSayAgainWhichItemItsPlanIsOf) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(DraftWith(v1::ModelRegistered(), {"model=model:m@1", "training_run=training_run:t", "dataset=dataset:d@1",
                                                "code=code_revision:c@1", "item=software_item:X"}));
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(AtHour(Activate("ICU-7", "model", "m"), 0));
  history.Add(MonitoringPlan(2400));
  EXPECT_EQ(MonitoringAt(history, 48).monitoring().gaps_size(), 0);
  const LeafIndex revised = history.Add(RevisedMonitoringPlan("2", 24));
  const v1::MonitoringAnswer answer = MonitoringAt(history, 48).monitoring();
  ASSERT_EQ(answer.gaps_size(), 1);
  EXPECT_EQ(answer.gaps(0).plan().index(), revised.value);
  // Another item's revision says nothing of this one.
  history.Add(RevisedMonitoringPlan("3", 2400, {"item=software_item:Y"}));
  EXPECT_EQ(MonitoringAt(history, 48).monitoring().gaps_size(), 1);
}

// Monitoring can't name a baseline, only what is in it.
TEST(AskMonitoring, ABaselineIsWatchedByWhatItIsMadeOf) {
  v1::BaselineEstablished baseline;
  baseline.set_baseline_digest(kTestDigest);
  *baseline.mutable_signature() = TestSignature();
  v1::ReleaseApproved release;
  release.set_no_residual_anomalies(true);
  const auto gaps = [&](const std::string& running) {
    ProjectedHistory history;
    history.Add(Item("X"));
    history.Add(
        DraftWith(v1::ModelRegistered(), {"model=model:m@1", "training_run=training_run:t", "dataset=dataset:d@1",
                                          "code=code_revision:c@1", "item=software_item:X"}));
    history.Add(DraftWith(release, {"release=release:r@1", "model=model:m@1", "item=software_item:X"}));
    history.Add(DraftWith(baseline, {"baseline=baseline:b@1", "member=model:m@1"}));
    history.Add(DraftWith(baseline, {"baseline=baseline:of-release@1", "member=release:r@1"}));
    history.Add(DraftWith(baseline, {"baseline=baseline:other@1", "member=model:n@1", "member=software_item:X"}));
    history.Add(MonitoringPlan(24));
    history.Add(AtHour(WithRefs(Commission("ICU-7"), {"baseline=" + running}), 0));
    const int before = MonitoringAt(history, 40).monitoring().gaps_size();
    history.Add(Monitored(0, 20));
    return std::pair(before, MonitoringAt(history, 40).monitoring().gaps_size());
  };
  for (const char* running : {"model:m@1", "release:r@1", "baseline:b@1", "baseline:of-release@1"}) {
    EXPECT_EQ(gaps(running), std::pair(1, 0)) << running;
  }
  EXPECT_EQ(gaps("baseline:other@1"), std::pair(1, 1)) << "what was watched is no part of it";
}

TEST(AskMonitoring, A52DriftIsToldWindowByWindowInTheTimeAskedAbout) {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  for (const auto& [from, drift] : {std::pair(20, "0.27"), std::pair(0, "0.04"), std::pair(10, "0.11")}) {
    EventDraft draft = Monitored(from, from + 10);
    v1::MonitoringRecorded body = static_cast<const v1::MonitoringRecorded&>(*draft.body);
    body.set_cases(40);
    body.mutable_drift()->set_name("population_stability_index");
    body.mutable_drift()->set_value(drift);
    draft.body = std::make_shared<const v1::MonitoringRecorded>(body);
    history.Add(draft);
  }
  v1::Question question;
  question.mutable_monitoring()->set_unit("ICU-7");
  *question.mutable_monitoring()->mutable_from() = ToProtoTime(Hour(10));
  *question.mutable_monitoring()->mutable_at() = ToProtoTime(Hour(40));
  const v1::MonitoringAnswer answer = AskOf(history, question).monitoring();
  ASSERT_EQ(answer.windows_size(), 2);
  EXPECT_EQ(answer.windows(0).drift().value(), "0.11");
  EXPECT_EQ(answer.windows(1).drift().value(), "0.27");
  EXPECT_EQ(answer.windows(1).cases(), 40u);
  EXPECT_EQ(answer.windows(1).entity().id(), "m");
}

TEST(AskRetention, WhatMayHaveBeenInServiceThenCounts) {
  ProjectedHistory history;
  const auto in_service = [&](int64_t at) {
    v1::Question question;
    SetEntity(*question.mutable_retention()->mutable_device_model(), "device_model", "monitor");
    *question.mutable_retention()->mutable_at() = ToProtoTime(Hour(at));
    return AskOf(history, question).retention().units_in_service();
  };
  v1::DeviceUnitCommissioned body;
  body.set_serial_number("u1");
  body.set_jurisdiction("US");
  history.Add(AtHour(DraftWith(std::move(body), {"unit=device_unit:u1", "device_model=device_model:monitor"}), 5));
  EventDraft out = Rationale(DraftWith(v1::DeviceUnitDecommissioned(), {"unit=device_unit:u1"}));
  SetOccurred(out, Hour(10), Hour(20));
  history.Add(out);
  EXPECT_EQ(in_service(4), 0u) << "not yet";
  EXPECT_EQ(in_service(8), 1u) << "whatever came later";
  EXPECT_EQ(in_service(15), 1u) << "it may still have been";
  EXPECT_EQ(in_service(21), 0u);
}

v1::ClosureAuditAnswer AuditOf(const ProjectedHistory& history) {
  v1::Question question;
  SetEntity(*question.mutable_closure_audit()->mutable_entity(), "device_unit", "ICU-7");
  return AskOf(history, question).closure_audit();
}

std::set<std::string> KindsOf(const v1::ClosureAuditAnswer& audit) {
  std::set<std::string> kinds;
  for (const v1::ClosureAuditAnswer::Problem& problem : audit.problems()) {
    kinds.insert(v1::ClosureAuditAnswer::Kind_Name(problem.kind()));
  }
  return kinds;
}

EventDraft ModelOfMonitor() {
  v1::DeviceModelRegistered model;
  model.set_name("monitor");
  model.set_intended_purpose("alerts");
  return DraftWith(std::move(model), {"device_model=device_model:monitor"});
}

TEST(AskClosureAudit, A68DanglingReferencesAndActivationsWithoutDecisionAreReported) {
  ProjectedHistory history;
  history.Add(ModelOfMonitor());
  history.Add(Commission("ICU-7"));
  EXPECT_TRUE(AuditOf(history).closed()) << AuditOf(history).DebugString();
  history.Add(Activate("ICU-7", "model", "never-registered"));
  const v1::ClosureAuditAnswer audit = AuditOf(history);
  EXPECT_FALSE(audit.closed());
  EXPECT_GT(KindsOf(audit).count("DANGLING_REFERENCE"), 0u);
  EXPECT_GT(KindsOf(audit).count("NON_CONFORMING_ACTIVATION"), 0u);
}

TEST(AskClosureAudit, A68AnActivationIsHeldAgainstTheDecisionThatItNames) {
  for (const auto verdict : {v1::GateDecided::ALLOW, v1::GateDecided::DENY}) {
    ProjectedHistory history;
    v1::GateDecided decided;
    decided.set_jurisdiction("DE");
    decided.set_at_us(kTestStart.us);
    decided.set_verdict(verdict);
    decided.set_tree_size(1);
    v1::GateDecided::RuleResult& rule = *decided.add_results();
    rule.set_rule_id("G01");
    rule.set_outcome(v1::GateDecided::RuleResult::PASS);
    history.Add(DraftWith(std::move(decided),
                          {"decision=gate_decision:d1", "artifact=artifact:a@1", "unit=device_unit:ICU-7"}));
    v1::ArtifactActivated activated;
    activated.set_surface("model");
    history.Add(DraftWith(std::move(activated),
                          {"unit=device_unit:ICU-7", "artifact=artifact:a@1", "decision=gate_decision:d1"}));
    EXPECT_EQ(KindsOf(AuditOf(history)).count("NON_CONFORMING_ACTIVATION"), verdict == v1::GateDecided::DENY ? 1u : 0u);
  }
}

TEST(AskClosureAudit, A93WhatWasMeasuredDiffersUntilALateRecordExplainsIt) {
  const auto digest = [](char byte) {
    v1::ContentDigest content;
    content.set_algorithm(v1::SHA256);
    content.set_value(std::string(32, byte));
    return content;
  };
  const auto activated = [&](const std::string& unit, const char* version, char byte, int64_t hour) {
    v1::ArtifactActivated body;
    body.set_surface("threshold");
    EventDraft draft = AtHour(DraftWith(std::move(body), {"unit=device_unit:" + unit}), hour);
    const v1::ContentDigest content = digest(byte);
    AddReference(draft, "artifact", "artifact", "t", version, &content);
    return draft;
  };
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  history.Add(activated("ICU-7", "a1", '\1', 1));
  history.Add(activated("ICU-8", "a2", '\2', 1));
  v1::ConfigurationAttested attested;
  attested.set_method("digest");
  attested.add_measured()->set_surface("threshold");
  *attested.mutable_measured(0)->mutable_digest() = digest('\2');
  const LeafIndex measured = history.Add(AtHour(DraftWith(std::move(attested), {"unit=device_unit:ICU-7"}), 5));
  const auto differs = [&] {
    const v1::ClosureAuditAnswer audit = AuditOf(history);
    return std::any_of(audit.problems().begin(), audit.problems().end(), [&](const auto& problem) {
      return problem.leaf().index() == measured.value && problem.text().starts_with("MEASURED-DIFFERS");
    });
  };
  EXPECT_TRUE(differs());
  const StatusOr<v1::Configuration> view = ConfigurationAt(history.rows(), "ICU-7", Hour(6), history.size());
  ASSERT_TRUE(view.ok()) << view.status();
  for (const v1::ConfigurationItem& item : view->items()) {
    if (item.surface() != "threshold") continue;
    ASSERT_EQ(item.possibilities_size(), 2);
    EXPECT_EQ(item.possibilities(0).item().version(), "a1");
    EXPECT_EQ(item.possibilities(1).item().version(), "a2") << "another unit's record says what has this digest";
  }
  history.Add(activated("ICU-7", "a2", '\2', 4));
  EXPECT_FALSE(differs());
}

LeafIndex AddFork(ProjectedHistory& history, const std::string& stream) {
  v1::ForkDetected body;
  body.set_stream(stream);
  body.set_position(3);
  body.set_header_digest_here(std::string(32, 'h'));
  body.set_header_digest_there(std::string(32, 't'));
  body.set_evidence("two headers");
  return history.Add(Draft(std::move(body)), kTestStart, "monitor");
}

// A fork names its stream in its body and refers to nothing.
TEST(AskClosureAudit, AForkOfAStreamThatItRestsOnIsReportedUntilItIsTakenBack) {
  ProjectedHistory history;
  history.Add(ModelOfMonitor());
  history.Add(Commission("ICU-7"), kTestStart, "installer");
  history.Add(Commission("ICU-8"), kTestStart, "another");
  AddFork(history, "person/another");
  EXPECT_TRUE(AuditOf(history).closed()) << "another unit's stream";
  for (const std::string stream : {"person/installer", "device_unit/ICU-7", ""}) {
    const LeafIndex index = AddFork(history, stream);
    const v1::ClosureAuditAnswer audit = AuditOf(history);
    EXPECT_FALSE(audit.closed()) << stream;
    ASSERT_EQ(audit.problems_size(), 1) << audit.DebugString();
    EXPECT_EQ(audit.problems(0).kind(), v1::ClosureAuditAnswer::FORK);
    EXPECT_EQ(audit.problems(0).leaf().index(), index.value);
    EXPECT_EQ(audit.problems(0).text(),
              stream.empty() ? "the log has two histories" : "stream " + stream + " has two histories");
    history.Retract(index);
    EXPECT_TRUE(AuditOf(history).closed()) << stream;
  }
}

// Anybody may record forks of a stream of their own.
TEST(AskClosureAudit, ForksOfOtherStreamsStopNoAudit) {
  ProjectedHistory history;
  history.Add(ModelOfMonitor());
  history.Add(Commission("ICU-7"), kTestStart, "installer");
  for (int i = 0; i < 1001; ++i) AddFork(history, "person/mallory");
  EXPECT_TRUE(AuditOf(history).closed());
  AddFork(history, "person/installer");
  const v1::ClosureAuditAnswer audit = AuditOf(history);
  EXPECT_FALSE(audit.closed());
  EXPECT_FALSE(audit.cut_off());
  EXPECT_EQ(audit.problems_size(), 1);
}

TEST(AskClosureAudit, MoreForksThanAreListedCutItOff) {
  ProjectedHistory history;
  history.Add(ModelOfMonitor());
  history.Add(Commission("ICU-7"), kTestStart, "installer");
  for (int i = 0; i < 1001; ++i) AddFork(history, "person/installer");
  const v1::ClosureAuditAnswer audit = AuditOf(history);
  EXPECT_TRUE(audit.cut_off());
  EXPECT_EQ(audit.problems_size(), 1000);
}

// Whatever is recorded of other streams is not even looked at.
TEST(ForksOf, WhatIsPastTheBoundIsCutOffAndFoundAgainOnWhatWasRead) {
  ProjectedHistory history;
  AddFork(history, "person/mallory");
  const LeafIndex ours = AddFork(history, "person/installer");
  AddFork(history, "person/installer2");
  AddFork(history, std::string("person/installer") + '\0');
  const std::set<std::string> streams = {"person/installer"};
  {
    Facts facts(history.rows(), history.size());
    const Forks forks = ForksOf(facts, streams, 1).value();
    EXPECT_FALSE(forks.cut_off);
    ASSERT_EQ(forks.found.size(), 1u);
    EXPECT_EQ(forks.found[0]->event.index, ours);
    EXPECT_EQ(facts.events_read(), 1u);
    EXPECT_FALSE(ForksOf(facts, {"person/else"}, 0)->cut_off);
  }
  const LeafIndex of_the_log = AddFork(history, "");
  Facts facts(history.rows(), history.size());
  const Forks both = ForksOf(facts, streams, 2).value();
  EXPECT_FALSE(both.cut_off);
  ASSERT_EQ(both.found.size(), 2u);
  EXPECT_EQ(both.found[0]->event.index, ours) << "in log order";
  history.Retract(ours);
  history.Retract(of_the_log);
  Facts retracted(history.rows(), history.size());
  const Forks none = ForksOf(retracted, streams, 1).value();
  EXPECT_TRUE(none.cut_off) << "it can't be told that there is no other";
  EXPECT_TRUE(none.found.empty());
  for (const LeafIndex index : {ours, of_the_log}) EXPECT_EQ(retracted.looked_at().count(index.value), 1u);
}

TEST(AskClosureAudit, A68ALimitThatCutsItOffIsSaid) {
  ProjectedHistory history;
  for (int i = 0; i < 5; ++i) history.Add(Commission("ICU-7"));
  v1::Question question;
  SetEntity(*question.mutable_closure_audit()->mutable_entity(), "device_unit", "ICU-7");
  question.mutable_closure_audit()->set_limit(3);
  const v1::ClosureAuditAnswer audit = AskOf(history, question).closure_audit();
  EXPECT_TRUE(audit.cut_off());
  EXPECT_FALSE(audit.closed());
  EXPECT_EQ(audit.events_looked_at(), 3u);
}

}  // namespace
}  // namespace anamnesis
