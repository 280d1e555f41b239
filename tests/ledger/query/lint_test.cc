// Each lint is found where it is, and not where it isn't.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/recorded_history.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A version of model "m" with its own run and code.
struct Version {
  std::string name;
  std::string previous;
  std::vector<v1::FileRecord> weights;
  std::vector<v1::FileRecord> code;
  std::vector<v1::Metric> metrics;
  std::string packages = "1.0";
  // Tells registrations of one version apart.
  std::string commit = "";
};

class LintTest : public ::testing::Test {
 protected:
  uint64_t Add(const Version& version, const std::string& model = "m") {
    const std::string commit = version.commit.empty() ? version.name : version.commit;
    v1::CodeRevisionRecorded code;
    for (const v1::FileRecord& file : version.code) *code.add_files() = file;
    history_.Add(RecordCode(model, commit, code));
    v1::TrainingRunStarted run;
    *run.add_environment() = Named("pytorch", version.packages);
    EventDraft started = StartRun(Text(model, "-", commit), run);
    AddReference(started, "dataset", "dataset", "d", "1");
    AddReference(started, "code", "code_revision", model, commit);
    history_.Add(started);
    v1::ModelRegistered body;
    body.set_change_text("changed");
    for (const v1::FileRecord& file : version.weights) *body.add_files() = file;
    EventDraft registered = RegisterModel(model, version.name, body);
    AddReference(registered, "training_run", "training_run", Text(model, "-", commit));
    AddReference(registered, "dataset", "dataset", "d", "1");
    AddReference(registered, "code", "code_revision", model, commit);
    if (!version.previous.empty()) AddReference(registered, "previous_model", "model", model, version.previous);
    const uint64_t index = history_.Add(registered);
    v1::EvaluationCompleted evaluation;
    for (const v1::Metric& metric : version.metrics) *evaluation.add_metrics() = metric;
    history_.Add(Evaluate(model, version.name, evaluation));
    return index;
  }

  // "LINT version[ against version]" of each.
  std::vector<std::string> Lints(const std::string& only = "") {
    v1::Question question;
    question.mutable_lint()->set_lint(only);
    const v1::Answer answer = history_.AskAt(question, 0);
    std::vector<std::string> lints;
    for (const v1::LintAnswer::Found& found : answer.lint().found()) {
      EXPECT_GT(found.leaves_size(), 0);
      EXPECT_FALSE(found.message().empty());
      lints.push_back(Text(found.lint(), " ", found.entity().version(),
                           found.has_against() ? Text(" against ", found.against().version()) : ""));
    }
    return lints;
  }

  RecordedHistory history_;
};

TEST_F(LintTest, AnHonestHistoryHasNone) {
  Add({"1", "", {File("w", "a")}, {File("c", "1"), File("v", "1")}, {MetricOf("dice", "0.9")}});
  Add({"2", "1", {File("w", "b")}, {File("c", "2"), File("v", "2")}, {MetricOf("dice", "0.95")}});
  // Documentation only, in two files.
  Add({"3", "2", {File("w", "b")}, {File("c", "3"), File("v", "3")}, {MetricOf("dice", "0.950")}});
  EXPECT_THAT(Lints(), IsEmpty());
}

TEST_F(LintTest, AMetricThatMovedWhileTheWeightsDidNot) {
  Add({"1", "", {File("w", "a")}, {File("c", "1"), File("v", "1")}, {MetricOf("dice", "0.92"), MetricOf("f1", "1")}});
  Add({"2",
       "1",
       {File("w", "a")},
       {File("c", "2"), File("v", "2")},
       {MetricOf("dice", "0.96"), MetricOf("f1", "1.0")}});
  EXPECT_THAT(Lints(), ElementsAre("METRIC-CHANGED-WEIGHTS-SAME 2 against 1"));
  // A file that only moved is the same file.
  Add({"3", "2", {File("elsewhere/w", "a")}, {File("c", "3"), File("v", "3")}, {MetricOf("dice", "0.97")}});
  EXPECT_THAT(Lints(),
              ElementsAre("METRIC-CHANGED-WEIGHTS-SAME 2 against 1", "METRIC-CHANGED-WEIGHTS-SAME 3 against 2"));
}

// The weights have no digest of their own, and the code's tree has what stands for them.
TEST_F(LintTest, WeightsAreComparedByTheirPlaceInTheCode) {
  v1::FileRecord bare;
  bare.set_path("w");
  bare.set_missing_digest(true);
  Add({"1", "", {bare}, {File("w", "pointer"), File("v", "1"), File("c", "1")}, {MetricOf("dice", "0.92")}});
  Add({"2", "1", {bare}, {File("w", "pointer"), File("v", "2"), File("c", "2")}, {MetricOf("dice", "0.96")}});
  Add({"3", "2", {bare}, {File("w", "other"), File("v", "3"), File("c", "3")}, {MetricOf("dice", "0.98")}});
  EXPECT_THAT(Lints("METRIC-CHANGED-WEIGHTS-SAME"), ElementsAre("METRIC-CHANGED-WEIGHTS-SAME 2 against 1"));
  EXPECT_THAT(Lints("DIGEST-MISSING"), ElementsAre("DIGEST-MISSING 1", "DIGEST-MISSING 2", "DIGEST-MISSING 3"));
}

TEST_F(LintTest, AVersionWithOtherBytesOrOtherFiles) {
  Add({"1", "", {File("w", "a")}, {File("c", "1")}, {}, "1.0", "first"});
  const uint64_t again = Add({"1", "", {File("w", "b")}, {File("c", "1")}, {}, "1.0", "second"});
  EXPECT_THAT(Lints(), ElementsAre("VERSION-REUSED 1 against 1"));
  history_.Add(Correct(EventId(), v1::RecordCorrected::RETRACTED), again);
  EXPECT_THAT(Lints(), IsEmpty());
  Add({"1", "", {File("w", "a")}, {File("c", "changed")}, {}, "1.0", "third"});
  EXPECT_THAT(Lints(), ElementsAre("FILES-CHANGED-SAME-VERSION 1 against 1"));
}

TEST_F(LintTest, ANewVersionWithNothingNew) {
  Add({"1", "", {File("w", "a")}, {File("c", "1"), File("v", "1")}, {MetricOf("dice", "0.9")}});
  Add({"2", "1", {File("w", "a")}, {File("c", "1"), File("v", "2")}, {MetricOf("dice", "0.9")}});
  Add({"3", "2", {File("w", "a")}, {File("c", "1"), File("v", "3")}, {MetricOf("dice", "0.9")}, "2.0"});
  EXPECT_THAT(Lints(), ElementsAre("VERSION-ONLY 2 against 1"));
}

TEST_F(LintTest, ALocatorWithTwoDigests) {
  Add({"1", "", {File("w", "a", "https://x/w")}, {File("c", "1")}, {}});
  Add({"2", "1", {File("w", "b", "https://x/w")}, {File("c", "2")}, {}});
  Add({"3", "2", {File("w", "b", "https://x/w")}, {File("c", "3"), File("d", "3")}, {}});
  EXPECT_THAT(Lints("LOCATOR-TWO-DIGESTS"), ElementsAre("LOCATOR-TWO-DIGESTS 2 against 1"));
}

TEST_F(LintTest, AWeakDigest) {
  v1::FileRecord weak = File("w", "a");
  weak.mutable_digest()->set_algorithm(v1::MD5);
  weak.mutable_digest()->set_value(std::string(16, 'x'));
  Add({"1", "", {weak}, {File("c", "1")}, {}});
  EXPECT_THAT(Lints(), ElementsAre("DIGEST-WEAK 1"));
}

TEST_F(LintTest, PagesGoOverAllModels) {
  for (const char* model : {"a", "b", "c", "d", "e"}) Add({"1", "", {}, {File("c", "1")}, {}}, model);
  v1::Question question;
  question.mutable_lint()->set_limit(2);
  std::vector<std::string> models;
  do {
    const v1::Answer answer = history_.AskAt(question, 0);
    EXPECT_LE(answer.lint().models_examined(), 2u);
    for (const v1::LintAnswer::Found& found : answer.lint().found()) models.push_back(found.entity().id());
    question.mutable_lint()->set_from(answer.lint().next());
  } while (!question.lint().from().empty());
  EXPECT_THAT(models, UnorderedElementsAre("a", "b", "c", "d", "e"));
  question.mutable_lint()->set_lint("NO-SUCH");
  EXPECT_EQ(history_.Ask(question).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace anamnesis
