// Differences of things other than models, and when "identical" may be said.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/ledger/query/drafts.h"
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
