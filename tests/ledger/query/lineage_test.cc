// Lineage on the index against a plain fold over all events, on random histories with cycles and corrections.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ledger/event/names.h"
#include "tests/ledger/query/random_drafts.h"
#include "tests/ledger/query/recorded_history.h"

namespace anamnesis {
namespace {

using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

// Leaf, product, input, depth, version not stated, end.
using EdgeText = std::tuple<uint64_t, std::string, std::string, uint32_t, bool, bool>;

std::string RefText(const v1::EntityRef& ref) { return Text(ref.role(), "=", EntityKeyText(ref)); }

std::multiset<EdgeText> EdgesOf(const v1::LineageAnswer& answer) {
  std::multiset<EdgeText> edges;
  for (const v1::LineageAnswer::Edge& edge : answer.edges()) {
    edges.emplace(edge.leaf().index(), RefText(edge.product()), RefText(edge.input()), edge.depth(),
                  edge.version_not_stated(), edge.end());
  }
  return edges;
}

v1::Question Ask(v1::LineageQuestion::Direction direction, const v1::EntityRef& entity, uint32_t depth = 0) {
  v1::Question question;
  *question.mutable_lineage()->mutable_entity() = entity;
  question.mutable_lineage()->set_direction(direction);
  question.mutable_lineage()->set_depth_max(depth);
  return question;
}

// --- The reference: every event is looked at again for each step ---

bool EndsAt(const std::string& type, const v1::EntityRef& input, const v1::EntityRef& far) {
  static const std::set<std::string> kinds = {"person", "device_model", "site", "organisation"};
  return kinds.count(far.kind()) > 0 || (type == "model.registered" && input.role() == "previous_model") ||
         (type == "artifact.produced" && input.role() == "unit") ||
         (type == "artifact.activated" && input.role() == "rollback_target") || type == "evaluation.completed" ||
         (type == "document.referenced" && input.role() == "about") || input.role() == "actor";
}

bool Same(const v1::EntityRef& a, const v1::EntityRef& b) {
  return a.kind() == b.kind() && a.id() == b.id() &&
         (a.version() == b.version() || a.version().empty() || b.version().empty());
}

std::string KeyOf(const v1::EntityRef& ref) { return EntityKeyText(ref); }
std::string NameOf(const v1::EntityRef& ref) { return Text(ref.kind(), ":", ref.id()); }

std::multiset<EdgeText> Reference(const RecordedHistory& history, bool up, const v1::EntityRef& start,
                                  uint32_t depth_max, uint64_t size) {
  std::multiset<EdgeText> edges;
  std::set<std::tuple<uint64_t, std::string, std::string>> seen;
  std::set<std::string> expanded = {KeyOf(start)};
  std::set<std::string> with_version;
  if (!start.version().empty()) with_version.insert(NameOf(start));
  std::vector<v1::EntityRef> level = {start};
  for (uint32_t depth = 1; depth <= depth_max && !level.empty(); ++depth) {
    std::vector<v1::EntityRef> next;
    // What is reached by now, whichever event of this step comes first.
    const std::set<std::string> known = expanded;
    const std::set<std::string> known_with_version = with_version;
    for (const v1::EntityRef& near_node : level) {
      for (uint64_t i = 0; i < size; ++i) {
        const RecordedHistory::Event& event = history.events()[i];
        const auto role = DesignTypes().find(event.type);
        if (role == DesignTypes().end() || !history.Counts(i, size)) continue;
        std::vector<v1::EntityRef> products;
        std::vector<v1::EntityRef> inputs;
        for (const v1::EntityRef& ref : event.draft.header.refs()) {
          (ref.role() == role->second ? products : inputs).push_back(ref);
        }
        if (up) {
          inputs.push_back(Entity("person", "writer"));
          inputs.back().set_role("actor");
        }
        for (const v1::EntityRef& product : products) {
          for (const v1::EntityRef& input : inputs) {
            const v1::EntityRef& near = up ? product : input;
            const v1::EntityRef& far = up ? input : product;
            if (!Same(near, near_node) || !seen.insert({i, RefText(product), RefText(input)}).second) continue;
            const bool end = EndsAt(event.type, input, far);
            const bool any_asked_for = start.version().empty() && NameOf(start) == NameOf(near);
            const bool not_stated =
                near.version().empty() ? known_with_version.contains(NameOf(near)) : !known.contains(KeyOf(near));
            edges.emplace(i, RefText(product), RefText(input), depth, !any_asked_for && not_stated, end);
            if (!end && expanded.insert(KeyOf(far)).second) {
              next.push_back(far);
              if (!far.version().empty()) with_version.insert(NameOf(far));
            }
          }
        }
      }
    }
    level = std::move(next);
  }
  return edges;
}

// Whether any event refers to it.
bool Named(const RecordedHistory& history, const v1::EntityRef& entity, uint64_t size) {
  for (uint64_t i = 0; i < size; ++i) {
    for (const v1::EntityRef& ref : history.events()[i].draft.header.refs()) {
      const bool version = entity.version().empty() || ref.version() == entity.version();
      if (ref.kind() == entity.kind() && ref.id() == entity.id() && version) return true;
    }
  }
  return false;
}

// --- Random histories ---

void Step(RandomDrafts& drafts, RecordedHistory& history) {
  if (history.size() > 0 && drafts.Below(100) < 25) {
    drafts.Correct(history);
  } else {
    history.Add(drafts.Design());
  }
}

std::string WithoutLedgerSize(v1::Answer answer) {
  answer.clear_ledger_size();
  return answer.SerializeAsString();
}

TEST(LineageTest, A49LineageIsThePlainFoldOnRandomHistories) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    RandomDrafts drafts(seed);
    RecordedHistory history;
    // Question and answer at a size, to be asked again once there is more.
    std::vector<std::pair<v1::Question, std::string>> earlier;
    for (int step = 0; step < 60; ++step) {
      Step(drafts, history);
      if (step % 6 != 5) continue;
      const v1::EntityRef entity = drafts.AnyEntity();
      const bool up = drafts.Below(2) == 0;
      const uint32_t depth = drafts.Below(3) == 0 ? 2 : 64;
      v1::Question question = Ask(up ? v1::LineageQuestion::UP : v1::LineageQuestion::DOWN, entity, depth);
      question.set_known_size(1 + drafts.Below(history.size()));
      const std::multiset<EdgeText> expected = Reference(history, up, entity, depth, question.known_size());
      const StatusOr<v1::Answer> answer = history.Ask(question);
      if (absl::IsNotFound(answer.status())) {
        EXPECT_FALSE(Named(history, entity, question.known_size())) << "seed " << seed;
        continue;
      }
      ASSERT_TRUE(answer.ok()) << answer.status();
      ASSERT_EQ(EdgesOf(answer->lineage()), expected) << "seed " << seed << ", " << EntityKeyText(entity)
                                                      << (up ? " up" : " down") << " at " << question.known_size();
      std::set<uint64_t> leaves;
      for (const auto& edge : expected) leaves.insert(std::get<0>(edge));
      EXPECT_EQ(std::set<uint64_t>(answer->leaves().begin(), answer->leaves().end()), leaves);
      earlier.emplace_back(question, WithoutLedgerSize(*answer));
    }
    for (const auto& [question, answer] : earlier) {
      EXPECT_EQ(WithoutLedgerSize(history.Ask(question).value()), answer) << "seed " << seed;
    }
  }
}

TEST(LineageTest, A49PagesTogetherAreTheWholeClosure) {
  RandomDrafts drafts(7);
  RecordedHistory history;
  for (int step = 0; step < 120; ++step) Step(drafts, history);
  const v1::Question whole = Ask(v1::LineageQuestion::DOWN, Entity("dataset", "x1"));
  const v1::Answer all = history.AskAt(whole, 0);
  ASSERT_GT(all.lineage().edges_size(), 20);
  v1::LineageAnswer pages;
  v1::Question page = whole;
  page.mutable_lineage()->set_limit(7);
  do {
    const v1::Answer answer = history.AskAt(page, 0);
    ASSERT_LE(answer.lineage().edges_size(), 7);
    pages.mutable_edges()->MergeFrom(answer.lineage().edges());
    pages.mutable_reached()->MergeFrom(answer.lineage().reached());
    page.mutable_lineage()->set_from(answer.lineage().next());
  } while (page.lineage().from() != 0);
  EXPECT_EQ(pages.SerializeAsString(), all.lineage().SerializeAsString());
}

TEST(LineageTest, A49BothDirectionsOfDataVersionToModelVersion) {
  RecordedHistory history;
  history.Add(CurateDataset("chest", "2.3"));
  history.Add(RecordCode("train", "1.4"));
  EventDraft run = StartRun("run-7");
  AddReference(run, "dataset", "dataset", "chest", "2.3");
  AddReference(run, "code", "code_revision", "train", "1.4");
  AddReference(run, "soup", "soup", "torch", "2.1");
  history.Add(run);
  EventDraft model = RegisterModel("alert", "4.1");
  AddReference(model, "training_run", "training_run", "run-7");
  AddReference(model, "dataset", "dataset", "chest", "2.3");
  AddReference(model, "code", "code_revision", "train", "1.4");
  history.Add(model);
  EventDraft artifact = ProduceArtifact("delta", "1");
  AddReference(artifact, "model", "model", "alert", "4.1");
  history.Add(artifact);
  history.Add(ActivateItem("ICU-7", "threshold", "artifact", "delta", "1"));
  history.Add(RecordIncident("inc-1", "ICU-7"));

  const auto reached = [&](v1::LineageQuestion::Direction direction, const v1::EntityRef& entity) {
    std::vector<std::string> names;
    const v1::Answer answer = history.AskAt(Ask(direction, entity), 0);
    for (const v1::EntityRef& ref : answer.lineage().reached()) names.push_back(EntityKeyText(ref));
    return names;
  };
  EXPECT_THAT(reached(v1::LineageQuestion::DOWN, Entity("dataset", "chest", "2.3")),
              UnorderedElementsAre("training_run:run-7", "model:alert@4.1", "artifact:delta@1", "device_unit:ICU-7",
                                   "incident:inc-1"));
  EXPECT_THAT(reached(v1::LineageQuestion::DOWN, Entity("soup", "torch", "2.1")),
              IsSupersetOf({"model:alert@4.1", "device_unit:ICU-7", "incident:inc-1"}));
  EXPECT_THAT(reached(v1::LineageQuestion::UP, Entity("incident", "inc-1")),
              UnorderedElementsAre("device_unit:ICU-7", "artifact:delta@1", "model:alert@4.1", "training_run:run-7",
                                   "dataset:chest@2.3", "code_revision:train@1.4", "soup:torch@2.1", "person:writer"));
}

// Golden scenario 10, as far as lineage goes: what an erased subject's data went into, and where that runs.
TEST(LineageTest, A49DownFromAnErasedSubjectNamesModelsAndUnits) {
  RecordedHistory history;
  history.Add(CurateDataset("chest", "2.2"));
  EventDraft run = StartRun("run-1");
  AddReference(run, "dataset", "dataset", "chest", "2.2");
  AddReference(run, "code", "code_revision", "train", "1");
  history.Add(run);
  EventDraft model = RegisterModel("alert", "2.3");
  AddReference(model, "training_run", "training_run", "run-1");
  AddReference(model, "dataset", "dataset", "chest", "2.2");
  AddReference(model, "code", "code_revision", "train", "1");
  history.Add(model);
  for (int unit = 0; unit < 12; ++unit) {
    history.Add(ActivateItem(Text("U", unit), "rhythm", "model", "alert", "2.3"));
  }
  v1::SubjectDataErased erased;
  erased.set_basis("GDPR Art. 17(1)(b)");
  erased.set_authorised_by("data protection officer");
  EventDraft erasure = Draft(erased);
  erasure.header.set_rationale("asked for by the subject");
  AddReference(erasure, "subject", "subject", "s-17");
  AddReference(erasure, "dataset", "dataset", "chest", "2.2");
  history.Add(erasure);

  const v1::Answer down = history.AskAt(Ask(v1::LineageQuestion::DOWN, Entity("subject", "s-17")), 0);
  std::map<std::string, int> kinds;
  for (const v1::EntityRef& ref : down.lineage().reached()) ++kinds[ref.kind()];
  EXPECT_EQ(kinds["dataset"], 1);
  EXPECT_EQ(kinds["model"], 1);
  EXPECT_EQ(kinds["device_unit"], 12);
}

// Whatever came after, the same question with the same known size has the same answer.
TEST(LineageTest, EveryQuestionIsAnsweredAsItWasThen) {
  for (uint64_t seed = 100; seed < 115; ++seed) {
    RandomDrafts drafts(seed);
    RecordedHistory history;
    std::vector<std::pair<v1::Question, std::string>> earlier;
    const auto ask = [&](v1::Question question) {
      question.set_known_size(history.size());
      const StatusOr<v1::Answer> answer = history.Ask(question);
      earlier.emplace_back(question, answer.ok() ? WithoutLedgerSize(*answer) : answer.status().ToString());
    };
    for (int step = 0; step < 50; ++step) {
      Step(drafts, history);
      if (step % 5 != 4) continue;
      v1::Question question;
      *question.mutable_explain()->mutable_entity() = Entity("model", "x0", "1");
      ask(question);
      *question.mutable_diff()->mutable_x() = Entity("model", "x0", "1");
      *question.mutable_diff()->mutable_y() = Entity("model", "x0", "2");
      ask(question);
      *question.mutable_status()->mutable_entity() = drafts.AnyEntity();
      ask(question);
      *question.mutable_where()->mutable_entity() = Entity("model", "x1");
      ask(question);
      question.mutable_lint();
      ask(question);
    }
    size_t answered = 0;
    for (const auto& [question, then_said] : earlier) {
      const StatusOr<v1::Answer> answer = history.Ask(question);
      EXPECT_EQ(answer.ok() ? WithoutLedgerSize(*answer) : answer.status().ToString(), then_said)
          << "seed " << seed << "\n"
          << question.DebugString();
      answered += answer.ok() ? 1 : 0;
    }
    EXPECT_GT(answered, earlier.size() / 4);
  }
}

// Two datasets that one person curated have nothing to do with one another.
TEST(LineageTest, PathsEndAtWhatStandsForManyThings) {
  RecordedHistory history;
  for (const char* id : {"a", "b"}) {
    EventDraft draft = CurateDataset(id, "1");
    AddReference(draft, "curator", "person", "ada");
    history.Add(draft);
  }
  const v1::Answer down = history.AskAt(Ask(v1::LineageQuestion::DOWN, Entity("person", "ada")), 0);
  EXPECT_EQ(down.lineage().edges_size(), 2);
  const v1::Answer up = history.AskAt(Ask(v1::LineageQuestion::UP, Entity("dataset", "a", "1")), 0);
  ASSERT_EQ(up.lineage().edges_size(), 2);
  EXPECT_EQ(RefText(up.lineage().edges(0).input()), "curator=person:ada");
  EXPECT_TRUE(up.lineage().edges(0).end());
}

TEST(LineageTest, WhatCannotBeAskedIsSaid) {
  RecordedHistory history;
  history.Add(CurateDataset("chest", "2.3"));
  EXPECT_EQ(history.Ask(Ask(v1::LineageQuestion::DIRECTION_UNSPECIFIED, Entity("dataset", "chest"))).status().code(),
            absl::StatusCode::kInvalidArgument);
  const Status unknown = history.Ask(Ask(v1::LineageQuestion::UP, Entity("dataset", "chest", "9"))).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(unknown.message().find("2.3"), unknown.message().npos) << unknown;
}

}  // namespace
}  // namespace anamnesis
