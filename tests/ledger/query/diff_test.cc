// Differences of things other than models, and when "identical" may be said.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/item_drafts.h"
#include "tests/ledger/query/recorded_history.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Question Ask(const v1::EntityRef& x, const v1::EntityRef& y) {
  v1::Question question;
  *question.mutable_diff()->mutable_x() = x;
  *question.mutable_diff()->mutable_y() = y;
  return question;
}

std::vector<std::string> Changes(const v1::DiffAnswer& diff) {
  std::vector<std::string> changes;
  for (const v1::DiffAnswer::Facet& facet : diff.facets()) {
    for (const v1::DiffAnswer::Change& change : facet.changes()) {
      changes.push_back(Text(facet.name(), " ", change.path(), ": ", change.has_x() ? change.x() : "-", " -> ",
                             change.has_y() ? change.y() : "-",
                             change.delta().empty() ? "" : Text(" by ", change.delta())));
    }
  }
  return changes;
}

EventDraft ApproveDesign(std::string_view version, const v1::DesignContent& content) {
  v1::DesignApproved body;
  *body.mutable_content() = content;
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "design", "design", "net", version);
  return draft;
}

TEST(DiffTest, DocumentsOfOneTitleAreAllCompared) {
  RecordedHistory history;
  for (const char* version : {"1", "2"}) {
    EventDraft model = RegisterModel("m", version);
    AddReference(model, "training_run", "training_run", "t");
    AddReference(model, "dataset", "dataset", "d", "1");
    AddReference(model, "code", "code_revision", "c", "1");
    history.Add(model);
  }
  for (const auto& [id, version, content] :
       {std::tuple("a", "1", "old"), std::tuple("b", "1", "new"), std::tuple("c", "2", "new")}) {
    v1::DocumentReferenced body;
    body.set_title("Model card");
    *body.mutable_digest() = DigestOfText(content);
    EventDraft draft = Draft(std::move(body));
    AddReference(draft, "document", "document", id);
    AddReference(draft, "about", "model", "m", version);
    history.Add(draft);
  }
  const v1::Answer answer = history.AskAt(Ask(Entity("model", "m", "1"), Entity("model", "m", "2")), 0);
  EXPECT_EQ(answer.diff().verdict(), v1::DiffAnswer::DIFFERENT);
  EXPECT_THAT(Changes(answer.diff()), ::testing::Contains(::testing::StartsWith("documents Model card: ")));
}

TEST(DiffTest, A07DesignsFieldByField) {
  RecordedHistory history;
  v1::DesignContent content;
  for (const char* name : {"conv1", "conv2"}) {
    v1::DesignContent::Layer& layer = *content.add_layers();
    layer.set_name(name);
    layer.set_kind("conv");
    layer.set_parameters(100);
  }
  content.set_loss("dice");
  history.Add(ApproveDesign("1", content));
  // One in front of the others changes none of them.
  v1::DesignContent next = content;
  *next.add_layers() = content.layers(0);
  next.mutable_layers(2)->set_name("stem");
  next.mutable_layers()->SwapElements(0, 2);
  next.mutable_layers(1)->set_parameters(120);
  history.Add(ApproveDesign("2", next));

  const v1::Answer answer = history.AskAt(Ask(Entity("design", "net", "1"), Entity("design", "net", "2")), 0);
  EXPECT_EQ(answer.diff().verdict(), v1::DiffAnswer::DIFFERENT);
  EXPECT_THAT(Changes(answer.diff()), ElementsAre("record content.layers[conv2].parameters: 100 -> 120 by 20",
                                                  "record content.layers[stem].kind: - -> conv",
                                                  "record content.layers[stem].parameters: - -> 100"));
  EXPECT_THAT(answer.leaves(), ElementsAre(0, 1));
}

TEST(DiffTest, A07WithoutDigestsNothingIsCalledIdentical) {
  RecordedHistory history;
  v1::DesignContent content;
  content.set_loss("dice");
  history.Add(ApproveDesign("1", content));
  history.Add(ApproveDesign("2", content));
  const v1::Answer answer = history.AskAt(Ask(Entity("design", "net", "1"), Entity("design", "net", "2")), 0);
  EXPECT_EQ(answer.diff().verdict(), v1::DiffAnswer::NO_RECORDED_DIFFERENCE);
  EXPECT_THAT(Changes(answer.diff()), IsEmpty());
}

TEST(DiffTest, A07ArtifactsByParameterAndByDigest) {
  RecordedHistory history;
  const auto artifact = [](const char* threshold, v1::DigestAlgorithm algorithm) {
    v1::ArtifactProduced body;
    v1::ArtifactProduced::Parameter& parameter = *body.add_parameters();
    parameter.set_dimension("threshold");
    parameter.set_value(threshold);
    *body.add_files() = File("delta", "bytes");
    body.mutable_files(0)->mutable_digest()->set_algorithm(algorithm);
    if (algorithm == v1::MD5) body.mutable_files(0)->mutable_digest()->set_value(std::string(16, 'x'));
    return body;
  };
  history.Add(ProduceArtifact("delta", "1", artifact("0.50", v1::SHA256)));
  history.Add(ProduceArtifact("delta", "2", artifact("0.53", v1::SHA256)));
  history.Add(ProduceArtifact("delta", "3", artifact("0.53", v1::SHA256)));
  history.Add(ProduceArtifact("weak", "1", artifact("0.53", v1::MD5)));
  history.Add(ProduceArtifact("weak", "2", artifact("0.53", v1::MD5)));
  const auto ask = [&](const char* id, const char* x, const char* y) {
    return history.AskAt(Ask(Entity("artifact", id, x), Entity("artifact", id, y)), 0);
  };
  EXPECT_THAT(Changes(ask("delta", "1", "2").diff()),
              ElementsAre("parameters parameters[threshold].value: 0.50 -> 0.53 by 0.03"));
  EXPECT_EQ(ask("delta", "2", "3").diff().verdict(), v1::DiffAnswer::IDENTICAL);
  EXPECT_THAT(ask("delta", "2", "3").notes(), IsEmpty());
  // Identical by digests that a forger can match is said with that.
  EXPECT_EQ(ask("weak", "1", "2").diff().verdict(), v1::DiffAnswer::IDENTICAL);
  EXPECT_THAT(ask("weak", "1", "2").notes(), SizeIs(1));
}

// A record that was replaced is compared as it reads now, and as it read then.
TEST(DiffTest, A07CorrectionsCountAsKnown) {
  RecordedHistory history;
  v1::DesignContent content;
  content.set_loss("dice");
  history.Add(ApproveDesign("1", content));
  content.set_loss("focal");
  const uint64_t wrong = history.Add(ApproveDesign("2", content));
  content.set_loss("dice");
  history.Add(ApproveDesign("2", content), wrong);
  const v1::Question question = Ask(Entity("design", "net", "1"), Entity("design", "net", "2"));
  EXPECT_THAT(Changes(history.AskAt(question, 0).diff()), IsEmpty());
  EXPECT_THAT(Changes(history.AskAt(question, 2).diff()), ElementsAre("record content.loss: dice -> focal"));
}

EventDraft EndRun(uint64_t epochs) {
  v1::TrainingRunCompleted body;
  body.set_epochs_run(epochs);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "training_run", "training_run", "t");
  return draft;
}

EventDraft ModelOfRun(std::string_view version) {
  EventDraft draft = RegisterModel("m", version);
  AddReference(draft, "training_run", "training_run", "t");
  AddReference(draft, "dataset", "dataset", "d", "1");
  AddReference(draft, "code", "code_revision", "c", "1");
  return draft;
}

// What was told afterwards, of before, doesn't take the place of what was recorded when it happened.
TEST(DiffTest, ALateRecordOfAnEarlierEndReplacesNone) {
  RecordedHistory history;
  EventDraft run = StartRun("t");
  AddReference(run, "dataset", "dataset", "d", "1");
  AddReference(run, "code", "code_revision", "c", "1");
  history.Add(run);
  history.Add(ModelOfRun("1"));
  history.Add(CurateDataset("d", "1"));
  history.Add(CurateDataset("d", "2"));
  history.Add(EndRun(90));
  history.Add(LongAgo(EndRun(30)));
  history.Add(SealDataset("d", "1", 347, "as sealed"));
  history.Add(SealDataset("d", "1", 300, "sealed again"));
  history.Add(SealDataset("d", "2", 400, "more"));
  const v1::Question of_models = Ask(Entity("model", "m", "1"), Entity("model", "m", "1"));
  const v1::Answer same = history.AskAt(of_models, 0);
  EXPECT_THAT(same.leaves(), ::testing::Contains(4)) << "the newest end by place in time";
  EXPECT_THAT(same.leaves(), ::testing::Not(::testing::Contains(5)));
  const v1::Answer datasets = history.AskAt(Ask(Entity("dataset", "d", "1"), Entity("dataset", "d", "2")), 0);
  EXPECT_THAT(Changes(datasets.diff()), ::testing::Contains("members d: records: 347 -> 400 by 53"));
}

TEST(DiffTest, MoreThanCanBeComparedIsSaid) {
  RecordedHistory history;
  history.Add(ModelOfRun("1"));
  history.Add(ModelOfRun("2"));
  for (int i = 0; i < 1003; ++i) {
    v1::EvaluationCompleted body;
    *body.add_metrics() = MetricOf("dice", Text("0.", i));
    history.Add(Evaluate("m", "1", std::move(body)));
  }
  v1::EvaluationCompleted late;
  *late.add_metrics() = MetricOf("dice", "0.5");
  history.Add(LongAgo(Evaluate("m", "1", std::move(late))));
  const v1::Answer answer = history.AskAt(Ask(Entity("model", "m", "1"), Entity("model", "m", "2")), 0);
  for (const v1::DiffAnswer::Facet& facet : answer.diff().facets()) {
    EXPECT_EQ(facet.events_left_out(), facet.name() == "metrics" ? 4u : 0u) << facet.name();
  }
  EXPECT_THAT(Changes(answer.diff()), ::testing::Contains("metrics dice: 0.1002 -> -")) << "the newest is among them";

  v1::Question explain;
  *explain.mutable_explain()->mutable_entity() = Entity("model", "m", "1");
  const v1::Answer explained = history.AskAt(explain, 0);
  for (const v1::ExplainAnswer::Part& part : explained.explain().parts()) {
    const bool evaluation = part.section() == v1::ExplainAnswer::EVALUATION;
    EXPECT_EQ(part.evidence_left_out(), evaluation ? 904u : 0u);
    if (evaluation) {
      ASSERT_THAT(part.evidence(), SizeIs(100));
      EXPECT_EQ(part.evidence(99).leaf().index(), 1004u) << "the newest";
    }
  }
}

struct Bound {
  const char* name;
  const char* low;
  const char* high;
};
EventDraft ApproveEnvelope(std::string_view version, const std::vector<Bound>& bounds) {
  v1::EnvelopeApproved body;
  *body.mutable_signature() = TestSignature();
  for (const Bound& bound : bounds) {
    v1::EnvelopeTerms::Dimension& dimension = *body.mutable_terms()->add_dimensions();
    dimension.set_name(bound.name);
    dimension.set_kind("interval");
    dimension.set_low(bound.low);
    dimension.set_high(bound.high);
  }
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "envelope", "envelope", "e", version);
  AddReference(draft, "item", "software_item", "X");
  AddReference(draft, "anchor", "release", "X", "1");
  return draft;
}

TEST(DiffTest, WhatAnEnvelopeAllowsAgainstAnother) {
  RecordedHistory history;
  history.Add(ApproveEnvelope("1", {{"bias", "0", "1"}, {"threshold", "0.4", "0.6"}}));
  history.Add(ApproveEnvelope("2", {{"bias", "0", "1"}, {"threshold", "0.45", "0.55"}}));
  history.Add(ApproveEnvelope("3", {{"bias", "0", "1"}, {"threshold", "0.5", "0.7"}, {"gain", "1", "2"}}));
  history.Add(ApproveEnvelope("4", {{"bias", "0", "1"}, {"threshold", "0.400", "0.6"}}));
  history.Add(ApproveEnvelope("5", {{"bias", "0", "1"}, {"bias", "0", "2"}}));
  const auto ask = [&](const char* x, const char* y) {
    return history.AskAt(Ask(Entity("envelope", "e", x), Entity("envelope", "e", y)), 0).diff();
  };
  const auto allows = [&](const v1::DiffAnswer& diff) {
    std::vector<std::string> found;
    for (const v1::DiffAnswer::Facet& facet : diff.facets()) {
      if (facet.name() != "envelope") continue;
      for (const v1::DiffAnswer::Change& change : facet.changes()) {
        found.push_back(Text(change.path(), " ", v1::DiffAnswer::Allows_Name(change.allows())));
      }
    }
    return found;
  };
  EXPECT_EQ(ask("1", "2").envelope_class(), v1::EnvelopeTerms::CONTRACTION);
  EXPECT_THAT(allows(ask("1", "2")), ElementsAre("threshold LESS"));
  EXPECT_EQ(ask("2", "1").envelope_class(), v1::EnvelopeTerms::EXPANSION);
  EXPECT_THAT(allows(ask("2", "1")), ElementsAre("threshold MORE"));
  EXPECT_EQ(ask("1", "3").envelope_class(), v1::EnvelopeTerms::EXPANSION) << "it is incomparable, so not less";
  EXPECT_THAT(allows(ask("1", "3")), ElementsAre("threshold OTHER", "gain LESS"));
  EXPECT_THAT(allows(ask("3", "1")), ElementsAre("gain MORE", "threshold OTHER"));
  EXPECT_EQ(ask("1", "4").envelope_class(), v1::EnvelopeTerms::NONE);
  EXPECT_THAT(allows(ask("1", "4")), IsEmpty());
  EXPECT_EQ(ask("1", "5").envelope_class(), v1::EnvelopeTerms::CHANGE_CLASS_UNSPECIFIED) << "no sound envelope";
}

TEST(DiffTest, A07OnlyWhatIsOfOneKindAndRecorded) {
  RecordedHistory history;
  history.Add(ApproveDesign("1", v1::DesignContent()));
  history.Add(CurateDataset("d", "1"));
  EXPECT_EQ(history.Ask(Ask(Entity("design", "net", "1"), Entity("dataset", "d", "1"))).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(history.Ask(Ask(Entity("design", "net", "1"), Entity("design", "net", "9"))).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anamnesis
