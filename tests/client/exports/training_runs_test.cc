// A48: a design history names every training run of its item, not only those that a model came of.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/exports/design_history.h"
#include "gtest/gtest.h"
#include "tests/client/exports/item_records.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::exports {
namespace {

EventDraft Started(const std::string& run) {
  v1::TrainingRunStarted body;
  body.set_purpose(v1::TrainingRunStarted::INITIAL);
  return DraftWith(std::move(body),
                   {"training_run=training_run:" + run, "dataset=dataset:d@1", "code=code_revision:c@1"});
}

TEST(TrainingRuns, A48TheDesignHistoryHasTheRunsThatFailedTooAndThoseThatNobodyEnded) {
  ProjectedHistory history;
  history.Add(AtHour(Item(), 0));
  v1::CodeRevisionRecorded code;
  code.set_vcs("git");
  code.set_commit_id("c1");
  history.Add(AtHour(DraftWith(std::move(code), {"code=code_revision:c@1", "item=software_item:alert"}), 0));
  for (const char* run : {"won", "failed", "stopped", "lost"}) history.Add(AtHour(Started(run), 1));
  const LeafIndex lost(history.size().value - 1);
  history.Add(AtHour(DraftWith(v1::TrainingRunCompleted(), {"training_run=training_run:won"}), 2));
  v1::TrainingRunFailed failed;
  failed.set_reason("out of memory");
  history.Add(AtHour(DraftWith(std::move(failed), {"training_run=training_run:failed"}), 2));
  EventDraft stopped = DraftWith(v1::TrainingRunAborted(), {"training_run=training_run:stopped"});
  stopped.header.set_rationale("diverged");
  history.Add(AtHour(std::move(stopped), 2));
  history.Add(AtHour(
      DraftWith(v1::ModelRegistered(), {"model=model:m@1", "training_run=training_run:won", "dataset=dataset:d@1",
                                        "code=code_revision:c@1", "item=software_item:alert"}),
      3));

  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  const StatusOr<Document> document = DesignHistory(view, Alert());
  ASSERT_TRUE(document.ok()) << document.status();
  const Section& training = SectionAt(*document, "training");
  ASSERT_FALSE(training.tables.empty());
  std::map<std::string, std::string> states;
  for (const std::vector<Cell>& row : training.tables[0].rows) states[row[0].text] = row[1].text;
  EXPECT_EQ(states, (std::map<std::string, std::string>{{"training_run:won", "completed"},
                                                        {"training_run:failed", "failed"},
                                                        {"training_run:stopped", "aborted"},
                                                        {"training_run:lost", "unaccounted"}}));
  const auto gap = std::find_if(training.gaps.begin(), training.gaps.end(), [](const Gap& one) {
    return one.text == "started, and no end of it is recorded: training_run:lost";
  });
  ASSERT_NE(gap, training.gaps.end());
  EXPECT_EQ(gap->leaves, std::vector<uint64_t>{lost.value});
}

}  // namespace
}  // namespace anamnesis::exports
