// Golden scenario 2: a chain of model versions, written through the ledger's own rules, and the questions that the
// source document asks of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "tests/ledger/query/drafts.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using Explain = v1::ExplainAnswer;

v1::EntityRef Model(std::string_view version) {
  v1::EntityRef entity;
  entity.set_kind("model");
  entity.set_id("alert");
  entity.set_version(std::string(version));
  return entity;
}

class VersionChain : public ::testing::Test {
 protected:
  void SetUp() override {
    Append(FoundingDrafts(admin_));
    Append({EnrolPerson("smith"), EnrolPerson("jones")});
    Curate("3.1", 900, 0, 0);
    Curate("3.2", 950, 60, 10);
    Curate("2.3", 347, 0, 0);
    Annotate("2.3");
    Code("1.3", "lr=1");
    Code("1.4", "lr=2");
    Register("1.9", "3.1", "1.3", "", "0.001", "weights 1.9", {MetricOf("sensitivity", "0.90")});
    Register("2.0", "3.2", "1.4", "1.9", "0.0005", "weights 2.0",
             {MetricOf("sensitivity", "0.925"), MetricOf("sensitivity", "0.88", "female")});
    Register("2.3", "2.3", "1.4", "2.0", "0.0005", "weights 2.3", {MetricOf("sensitivity", "0.93")}, "2.0");
    Register("4.1", "2.3", "1.4", "2.3", "0.0005", "weights 4.1", {MetricOf("sensitivity", "0.94")});
  }

  void Append(const std::vector<EventDraft>& drafts) {
    const StatusOr<RunVerdict> verdict = ledger_.Append(admin_.Write(drafts));
    ASSERT_TRUE(verdict.ok()) << verdict.status();
  }

  void Curate(const std::string& version, uint64_t records, uint64_t added, uint64_t removed) {
    v1::DatasetCurated body;
    body.set_source("Hospital A, consecutive, 2024-Q4");
    body.add_inclusion("adults with a 12-lead record");
    body.add_exclusion()->set_text("paced rhythm");
    body.set_selection_rationale("the intended population");
    body.set_sampling(v1::DataAcquired::CONSECUTIVE);
    body.set_period_from_us(kTestStart.us - 1000000);
    body.set_period_until_us(kTestStart.us);
    EventDraft draft = CurateDataset("ecg", version, body);
    AddReference(draft, "curator", "person", "smith");
    Append({draft, SealDataset("ecg", version, records, version, added, removed)});
  }

  void Annotate(const std::string& version) {
    v1::AnnotationProtocolApproved protocol;
    protocol.add_labels("atrial fibrillation");
    protocol.set_text("two readers, the third decides");
    EventDraft approved = Draft(protocol);
    approved.header.set_rationale("standard of care");
    AddReference(approved, "protocol", "annotation_protocol", "protocol", "1");
    AddReference(approved, "author", "person", "smith");
    EventDraft round = CompleteAnnotation("round-1", "ecg", version);
    AddReference(round, "annotator", "person", "smith");
    AddReference(round, "annotator", "person", "jones");
    Append({approved, round});
  }

  void Code(const std::string& version, const std::string& train) {
    v1::CodeRevisionRecorded body;
    *body.add_files() = File("train.py", train);
    *body.add_files() = File("features.py", "unchanged");
    Append({RecordCode("training", version, body)});
  }

  void Register(const std::string& version, const std::string& dataset, const std::string& code,
                const std::string& previous, const std::string& learning_rate, const std::string& weights,
                const std::vector<v1::Metric>& metrics, const std::string& parent = "") {
    v1::TrainingRunStarted run_body;
    *run_body.add_hyperparameters() = Named("learning_rate", learning_rate);
    *run_body.add_hyperparameters() = Named("batch_size", "32");
    *run_body.add_environment() = Named("pytorch", "2.1.0");
    run_body.set_purpose(parent.empty() ? v1::TrainingRunStarted::INITIAL : v1::TrainingRunStarted::FINE_TUNE);
    EventDraft run = StartRun(Text("run-", version), run_body);
    AddReference(run, "dataset", "dataset", "ecg", dataset);
    AddReference(run, "code", "code_revision", "training", code);
    if (!parent.empty()) AddReference(run, "parent_model", "model", "alert", parent);
    v1::TrainingRunCompleted end_body;
    end_body.set_epochs_run(40);
    EventDraft end = Draft(end_body);
    AddReference(end, "training_run", "training_run", Text("run-", version));
    v1::ModelRegistered body;
    if (!previous.empty()) body.set_change_text(Text("better than ", previous));
    *body.add_files() = File("alert.onnx", weights);
    const v1::ContentDigest digest = DigestOfText(weights);
    EventDraft model = RegisterModel("alert", version, body, &digest);
    AddReference(model, "training_run", "training_run", Text("run-", version));
    AddReference(model, "dataset", "dataset", "ecg", dataset);
    AddReference(model, "code", "code_revision", "training", code);
    if (!previous.empty()) AddReference(model, "previous_model", "model", "alert", previous);
    v1::EvaluationCompleted evaluation;
    for (const v1::Metric& metric : metrics) *evaluation.add_metrics() = metric;
    Append({run, end, model, Evaluate("alert", version, evaluation)});
  }

  v1::Answer Ask(const v1::Question& question) {
    StatusOr<v1::Answer> answer = anamnesis::Ask(ledger_.rows(), kTestOrigin, ledger_.size(), question);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *std::move(answer) : v1::Answer();
  }
  Explain AskExplain(const std::string& version) {
    v1::Question question;
    *question.mutable_explain()->mutable_entity() = Model(version);
    return Ask(question).explain();
  }
  v1::DiffAnswer AskDiff(const std::string& x, const std::string& y) {
    v1::Question question;
    *question.mutable_diff()->mutable_x() = Model(x);
    *question.mutable_diff()->mutable_y() = Model(y);
    return Ask(question).diff();
  }

  TestLedger ledger_;
  TestWriter admin_{"person", "admin", 1};
};

const Explain::Part& PartOf(const Explain& explain, Explain::Section section) {
  return explain.parts(section - Explain::DATA);
}

// The entities of a section, of the model itself or of a parent.
std::vector<std::string> Entities(const Explain& explain, Explain::Section section, uint32_t generation = 0) {
  std::vector<std::string> names;
  for (const Explain::Evidence& evidence : PartOf(explain, section).evidence()) {
    if (evidence.generation() == generation) names.push_back(EntityKeyText(evidence.entity()));
  }
  return names;
}

// The value of a field in any evidence of a section.
std::vector<std::string> Values(const Explain& explain, Explain::Section section, const std::string& name) {
  std::vector<std::string> values;
  for (const Explain::Evidence& evidence : PartOf(explain, section).evidence()) {
    for (const v1::NamedValue& field : evidence.fields()) {
      if (field.name() == name) values.push_back(field.value());
    }
  }
  return values;
}

std::vector<std::string> Changes(const v1::DiffAnswer& diff, const std::string& facet) {
  std::vector<std::string> changes;
  for (const v1::DiffAnswer::Facet& each : diff.facets()) {
    if (each.name() != facet) continue;
    for (const v1::DiffAnswer::Change& change : each.changes()) {
      changes.push_back(Text(change.path(), ": ", change.has_x() ? change.x() : "-", " -> ",
                             change.has_y() ? change.y() : "-",
                             change.delta().empty() ? "" : Text(" ", change.delta())));
    }
  }
  return changes;
}

TEST_F(VersionChain, A05ModelDataAndCodeExactly) {
  const Explain explain = AskExplain("2.0");
  EXPECT_THAT(Entities(explain, Explain::DATA), ElementsAre("dataset:ecg@3.2", "dataset:ecg@3.2"));
  EXPECT_THAT(Entities(explain, Explain::CODE), ElementsAre("code_revision:training@1.4"));
  EXPECT_THAT(Values(explain, Explain::TRAINING, "files[alert.onnx].digest"),
              ElementsAre(Text("sha256:", Sha256("weights 2.0").hex())));
}

TEST_F(VersionChain, A06WhatDataTrainedItWithParents) {
  const Explain explain = AskExplain("2.3");
  EXPECT_THAT(Entities(explain, Explain::DATA), ElementsAre("dataset:ecg@2.3", "dataset:ecg@2.3"));
  EXPECT_THAT(Entities(explain, Explain::DATA, 1), ElementsAre("dataset:ecg@3.2", "dataset:ecg@3.2"));
  EXPECT_THAT(Values(explain, Explain::DATA, "records"), ElementsAre("347", "950"));
  ASSERT_EQ(explain.parents_size(), 1);
  EXPECT_EQ(EntityKeyText(explain.parents(0)), "model:alert@2.0");
}

TEST_F(VersionChain, A08FiveSectionsAndWhatIsMissingIsNamed) {
  const Explain explain = AskExplain("4.1");
  ASSERT_EQ(explain.parts_size(), 8);
  EXPECT_THAT(Values(explain, Explain::SELECTION, "curator"), ElementsAre("person:smith"));
  EXPECT_THAT(Values(explain, Explain::ANNOTATION, "annotator"), ElementsAre("person:smith", "person:jones"));
  EXPECT_THAT(Values(explain, Explain::ANNOTATION, "achieved"), ElementsAre("94"));
  EXPECT_THAT(Values(explain, Explain::TRAINING, "hyperparameters[learning_rate]"), ElementsAre("0.0005"));
  const auto missing = [&](Explain::Section section) {
    const auto& list = PartOf(explain, section).missing();
    return std::vector<std::string>(list.begin(), list.end());
  };
  EXPECT_THAT(missing(Explain::DATA), ElementsAre("split of dataset:ecg@2.3"));
  EXPECT_THAT(missing(Explain::SELECTION), IsEmpty());
  EXPECT_THAT(missing(Explain::ANNOTATION), IsEmpty());
  EXPECT_THAT(missing(Explain::PREPROCESSING), ElementsAre("preprocessing (transforms) of training_run:run-4.1"));
  EXPECT_THAT(missing(Explain::TRAINING), ElementsAre("hardware of training_run:run-4.1"));
  EXPECT_THAT(missing(Explain::CODE), ElementsAre("SOUP of model:alert@4.1"));
  EXPECT_THAT(missing(Explain::EVALUATION),
              ElementsAre("validation of model:alert@4.1", "metrics by subgroup of model:alert@4.1"));
  EXPECT_THAT(missing(Explain::RELEASE), ElementsAre("release of model:alert@4.1"));
  // A section without evidence names what it lacks, and every evidence has its leaf.
  for (const Explain::Part& part : explain.parts()) {
    EXPECT_TRUE(part.evidence_size() > 0 || part.missing_size() > 0) << part.section();
    for (const Explain::Evidence& evidence : part.evidence()) EXPECT_FALSE(evidence.leaf().type().empty());
  }
}

TEST_F(VersionChain, A08AnUnrecordedModelIsMissingEverywhere) {
  EventDraft draft = ReferToDocument("flyer");
  AddReference(draft, "about", "model", "ghost", "1");
  Append({draft});
  v1::Question question;
  *question.mutable_explain()->mutable_entity() = Model("1");
  question.mutable_explain()->mutable_entity()->set_id("ghost");
  const Explain explain = Ask(question).explain();
  for (const Explain::Part& part : explain.parts()) EXPECT_GT(part.missing_size(), 0) << part.section();
}

TEST_F(VersionChain, A07WhatDiffersBetweenTwoVersions) {
  const v1::DiffAnswer diff = AskDiff("1.9", "2.0");
  EXPECT_EQ(diff.verdict(), v1::DiffAnswer::DIFFERENT);
  EXPECT_THAT(Changes(diff, "parameters"), ElementsAre("hyperparameters[learning_rate]: 0.001 -> 0.0005 -0.0005"));
  EXPECT_THAT(Changes(diff, "data"), ElementsAre("dataset[ecg]: version 3.1 -> version 3.2"));
  EXPECT_THAT(Changes(diff, "members"), Contains("ecg: records: 900 -> 950 50"));
  EXPECT_THAT(Changes(diff, "members"), Contains("ecg: records_added: - -> 60"));
  EXPECT_THAT(Changes(diff, "members"), Contains("ecg: records_removed: - -> 10"));
  EXPECT_THAT(Changes(diff, "code"), Contains(HasSubstr("files[train.py].digest")));
  EXPECT_THAT(Changes(diff, "code"), Not(Contains(HasSubstr("features.py"))));
  EXPECT_THAT(Changes(diff, "metrics"),
              UnorderedElementsAre("sensitivity: 0.90 -> 0.925 0.025", "sensitivity [female]: - -> 0.88"));
}

TEST_F(VersionChain, A07IdenticalWhenDigestsAndContentMatch) {
  // The same weights, data, code and parameters under another name.
  Register("4.1-copy", "2.3", "1.4", "4.1", "0.0005", "weights 4.1", {MetricOf("sensitivity", "0.940")});
  const v1::DiffAnswer diff = AskDiff("4.1", "4.1-copy");
  EXPECT_EQ(diff.verdict(), v1::DiffAnswer::IDENTICAL) << diff.DebugString();
  EXPECT_EQ(AskDiff("2.3", "4.1").verdict(), v1::DiffAnswer::DIFFERENT);
}

TEST_F(VersionChain, A49DataVersionToModelVersionBothWays) {
  v1::Question question;
  question.mutable_lineage()->set_direction(v1::LineageQuestion::DOWN);
  v1::EntityRef& dataset = *question.mutable_lineage()->mutable_entity();
  dataset.set_kind("dataset");
  dataset.set_id("ecg");
  dataset.set_version("2.3");
  std::vector<std::string> models;
  const v1::Answer down = Ask(question);
  for (const v1::EntityRef& ref : down.lineage().reached()) {
    if (ref.kind() == "model") models.push_back(ref.version());
  }
  EXPECT_THAT(models, UnorderedElementsAre("2.3", "4.1"));
  question.mutable_lineage()->set_direction(v1::LineageQuestion::UP);
  *question.mutable_lineage()->mutable_entity() = Model("4.1");
  std::vector<std::string> datasets;
  const v1::Answer up = Ask(question);
  for (const v1::EntityRef& ref : up.lineage().reached()) {
    if (ref.kind() == "dataset") datasets.push_back(ref.version());
  }
  EXPECT_THAT(datasets, ElementsAre("2.3"));
}

TEST_F(VersionChain, A14StatusAccountsForEveryEvent) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = Model("");
  const v1::StatusAnswer status = Ask(question).status();
  std::vector<std::string> versions;
  for (const v1::StatusAnswer::Version& version : status.versions()) {
    versions.push_back(Text(version.version(), " ", version.state(), ": ", version.change_text()));
  }
  EXPECT_THAT(versions, ElementsAre("1.9 registered: ", "2.0 registered: better than 1.9",
                                    "2.3 registered: better than 2.0", "4.1 registered: better than 2.3"));
  uint64_t sum = 0;
  for (const v1::StatusAnswer::Count& count : status.counts()) sum += count.events();
  EXPECT_EQ(sum, status.events());
  EXPECT_EQ(static_cast<uint64_t>(status.history_size()), status.events());
  // Four registrations and evaluations, and the run that was fine-tuned from 2.0.
  EXPECT_EQ(status.events(), 9u);
}

}  // namespace
}  // namespace anamnesis
