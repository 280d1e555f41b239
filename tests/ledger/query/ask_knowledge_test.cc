// Who knew what when, and what became of training runs.

#include <map>
#include <string>

#include "ledger/query/events.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

Timestamp After(int64_t seconds) { return Timestamp(kTestStart.us + seconds * 1'000'000); }

TEST(AskWhoKnew, TheFirstRecordAndEachWriterByThen) {
  ProjectedHistory history;
  history.Add(ReferToDocument("other"), After(0), "ada");
  const LeafIndex first = history.Add(ReferToDocument("memo"), After(10), "bob");
  history.Add(ReferToDocument("memo"), After(20), "ada");
  const LeafIndex later = history.Add(ReferToDocument("memo"), After(30), "eve");
  const auto ask = [&](int64_t at) {
    v1::Question question;
    SetEntity(*question.mutable_who_knew()->mutable_entity(), "document", "memo");
    *question.mutable_who_knew()->mutable_at() = ToProtoTime(After(at));
    return AskOf(history, question).who_knew();
  };
  EXPECT_FALSE(ask(9).known());
  EXPECT_EQ(ask(9).first_recorded_later().index(), first.value);
  const v1::WhoKnewAnswer then = ask(20);
  EXPECT_TRUE(then.known());
  EXPECT_EQ(then.first_recorded().index(), first.value);
  ASSERT_EQ(then.knowers_size(), 2);
  EXPECT_EQ(then.knowers(0).agent().id(), "bob");
  EXPECT_EQ(then.knowers(1).agent().id(), "ada");
  EXPECT_EQ(then.first_recorded_later().index(), later.value);
  history.Retract(first);
  EXPECT_EQ(ask(20).first_recorded().index(), first.value) << "what was believed then was known then";
}

TEST(AskFindings, WhatNobodyRecordedAndRulesThatThereAreNoneOfAreRefused) {
  ProjectedHistory history;
  history.Add(Item("X"));
  const auto ask = [&](const std::string& item, const std::string& rule) {
    v1::Question question;
    if (!item.empty()) SetEntity(*question.mutable_findings()->mutable_entity(), "software_item", item);
    question.mutable_findings()->set_rule(rule);
    return ::anamnesis::Ask(history.rows(), "o", history.size(), question).status().code();
  };
  EXPECT_EQ(ask("X", ""), absl::StatusCode::kOk);
  EXPECT_EQ(ask("Y", ""), absl::StatusCode::kNotFound);
  for (const char* rule : {"LATE", "EXISTS/item", "UNIQUE/incident", "FIELD/regime", "UNIT-BEFORE-INTEGRATION"}) {
    EXPECT_EQ(ask("", rule), absl::StatusCode::kOk) << rule;
  }
  for (const char* rule : {"NOPE", "EXISTS/nothing", "late"}) {
    EXPECT_EQ(ask("", rule), absl::StatusCode::kInvalidArgument) << rule;
  }
  v1::Question runs;
  SetEntity(*runs.mutable_training_runs()->mutable_about(), "dataset", "nope", "1");
  *runs.mutable_training_runs()->mutable_at() = ToProtoTime(After(0));
  EXPECT_EQ(::anamnesis::Ask(history.rows(), "o", history.size(), runs).status().code(), absl::StatusCode::kNotFound);
}

EventDraft Started(const std::string& run, int64_t expected_end) {
  v1::TrainingRunStarted body;
  body.set_purpose(v1::TrainingRunStarted::INITIAL);
  if (expected_end != 0) body.set_expected_end_us(After(expected_end).us);
  return DraftWith(std::move(body),
                   {"training_run=training_run:" + run, "dataset=dataset:d@1", "code=code_revision:c@1"});
}

TEST(AskTrainingRuns, A48RunsWithoutAnEndInTimeAreUnaccountedFor) {
  ProjectedHistory history;
  history.Add(Started("done", 100));
  history.Add(Started("failed", 100));
  history.Add(Started("silent", 100));
  history.Add(Started("endless", 0));
  history.Add(Started("retracted", 100));
  history.Add(DraftWith(v1::TrainingRunCompleted(), {"training_run=training_run:done"}));
  v1::TrainingRunFailed failed;
  failed.set_reason("out of memory");
  history.Add(DraftWith(std::move(failed), {"training_run=training_run:failed"}));
  history.Retract(LeafIndex(4));
  history.Add(Started("stopped", 100));
  EventDraft aborted = DraftWith(v1::TrainingRunAborted(), {"training_run=training_run:stopped"});
  aborted.header.set_rationale("diverged");
  history.Add(aborted);
  const auto states = [&](int64_t at, bool of_dataset) {
    v1::Question question;
    *question.mutable_training_runs()->mutable_at() = ToProtoTime(After(at));
    if (of_dataset) SetEntity(*question.mutable_training_runs()->mutable_about(), "dataset", "d");
    std::map<std::string, std::string> found;
    const auto whole = AskOf(history, question);
    for (const v1::TrainingRunsAnswer::Run& run : whole.training_runs().runs()) {
      found[run.run().id()] = v1::TrainingRunsAnswer::State_Name(run.state());
    }
    return found;
  };
  const std::map<std::string, std::string> late = {{"done", "COMPLETED"},
                                                   {"failed", "FAILED"},
                                                   {"stopped", "ABORTED"},
                                                   {"silent", "UNACCOUNTED"},
                                                   {"endless", "UNACCOUNTED"}};
  EXPECT_EQ(states(101, false), late);
  EXPECT_EQ(states(101, true), late);
  EXPECT_EQ(states(100, false).at("silent"), "RUNNING");
}

TEST(AskTrainingRuns, A48PagesGoOnWhereTheyEnded) {
  ProjectedHistory history;
  for (int i = 0; i < 5; ++i) history.Add(Started(Text("run", i), 0));
  v1::Question question;
  *question.mutable_training_runs()->mutable_at() = ToProtoTime(After(1));
  question.mutable_training_runs()->set_limit(3);
  const v1::TrainingRunsAnswer first = AskOf(history, question).training_runs();
  EXPECT_EQ(first.runs_size(), 3);
  question.mutable_training_runs()->set_from(first.next());
  const v1::TrainingRunsAnswer rest = AskOf(history, question).training_runs();
  EXPECT_EQ(rest.runs_size(), 2);
  EXPECT_EQ(rest.next(), 0u);
}

}  // namespace
}  // namespace anamnesis
