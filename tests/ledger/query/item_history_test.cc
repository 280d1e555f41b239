// What an item was made of, as far as what says so still counts.

#include "ledger/query/item_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/ledger/query/drafts.h"
#include "tests/support/projected_history.h"

namespace anamnesis {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class ItemHistoryTest : public testing::Test {
 protected:
  ItemHistoryTest() {
    history_.Add(WithRefs(RegisterModel("alert", "1"),
                          {"training_run=training_run:r", "dataset=dataset:d@1", "code=code_revision:c@1"}));
  }

  LeafIndex AddEvaluation(std::string_view dice) {
    v1::EvaluationCompleted body;
    *body.add_metrics() = MetricOf("dice", dice);
    return history_.Add(Evaluate("alert", "1", body));
  }

  EventDraft Release(std::string_view locator) {
    v1::ReleaseApproved body;
    *body.add_archive() = File("alert.zip", "alert", locator);
    body.set_no_residual_anomalies(true);
    return DraftWith(std::move(body), {"release=release:alert@1", "model=model:alert@1"});
  }

  v1::ItemHistory Get(uint64_t size = 0) const {
    v1::EntityRef model;
    model.set_kind("model");
    model.set_id("alert");
    model.set_version("1");
    std::set<uint64_t> leaves;
    const StatusOr<v1::ItemHistory> found =
        HistoryOf(history_.rows(), model, size == 0 ? history_.size() : TreeSize(size), leaves);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : v1::ItemHistory();
  }

  static std::vector<std::string> Summaries(const google::protobuf::RepeatedPtrField<v1::ItemHistory::Part>& parts) {
    std::vector<std::string> summaries;
    for (const v1::ItemHistory::Part& part : parts) summaries.push_back(part.summary());
    return summaries;
  }

  ProjectedHistory history_;
};

TEST_F(ItemHistoryTest, WhatWasTakenBackIsNoEvaluationOrRelease) {
  const LeafIndex evaluation = AddEvaluation("0.96");
  const LeafIndex release = history_.Add(Release("vault:1"));
  EXPECT_THAT(Summaries(Get().evaluations()), ElementsAre("dice 0.96"));
  EXPECT_THAT(Get().missing(), Not(Contains("evaluation of the model")));
  const uint64_t before = history_.size().value;
  history_.Retract(evaluation);
  EXPECT_EQ(Get().evaluations_size(), 0);
  EXPECT_THAT(Get().missing(), Contains("evaluation of the model"));
  EXPECT_EQ(Get(before).evaluations_size(), 1) << "as known before";

  EventDraft corrected = Release("vault:2");
  corrected.header.set_corrects(ProjectedHistory::IdOf(release));
  const LeafIndex replacement = history_.Add(corrected);
  EXPECT_THAT(Summaries(Get().releases()), ElementsAre("vault:2"));
  history_.Retract(replacement);
  EXPECT_THAT(Summaries(Get().releases()), ElementsAre("vault:1")) << "what it had replaced counts again";
  history_.Retract(release);
  EXPECT_THAT(Get().missing(), Contains("release of the model"));
}

TEST_F(ItemHistoryTest, WhatElseNamesTheModelHidesNoEvaluation) {
  v1::MonitoringRecorded body;
  body.set_window_from_us(1);
  body.set_window_until_us(2);
  for (int i = 0; i < 140; ++i) history_.Add(DraftWith(body, {"unit=device_unit:u", "model=model:alert@1"}));
  // Of other models.
  for (int i = 0; i < 3; ++i) history_.Add(Evaluate("other", "1"));
  AddEvaluation("0.96");
  history_.Add(Release("vault:1"));
  EXPECT_THAT(Summaries(Get().evaluations()), ElementsAre("dice 0.96"));
  EXPECT_THAT(Summaries(Get().releases()), ElementsAre("vault:1"));
  EXPECT_THAT(Get().missing(), Not(Contains("evaluation of the model")));
  EXPECT_THAT(Get().missing(), Not(Contains("release of the model")));
}

TEST_F(ItemHistoryTest, MoreThanAreListedAreSaidToBeThere) {
  for (int i = 0; i < 3; ++i) history_.Retract(AddEvaluation("0.1"));
  for (int i = 0; i < 32; ++i) AddEvaluation("0.5");
  EXPECT_EQ(Get().evaluations_size(), 32);
  EXPECT_THAT(Get().missing(), Not(Contains("further_evaluation.completed")));
  AddEvaluation("0.9");
  EXPECT_EQ(Get().evaluations_size(), 32);
  EXPECT_THAT(Get().missing(), Contains("further_evaluation.completed"));
}

}  // namespace
}  // namespace anamnesis
