// Replay on another machine: a second ledger that is fed the same batches, and one that has only leaves and bodies and
// derives everything else, come to the same state and say the same. The history holds every event type of the
// vocabulary, by its golden example, and corrections.

#include <gtest/gtest.h>

#include <random>

#include "ledger/engine/rebuild.h"
#include "ledger/query/ask.h"
#include "ledger/state/recorded_event.h"
#include "tests/golden/prepared_ledger.h"

namespace anamnesis {
namespace {

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() {
    size_t number = 0;
    for (const EventType* type : Vocabulary::Get().All()) {
      // Each has entities of its own, so that no two examples contradict each other.
      original_.set_suffix(Text("-", number++));
      EventDraft draft = ExampleOf(*type);
      if (type->options->ledger_decided()) {
        Batch batch;
        batch.own_events.push_back(
            {type->name(), draft.body->SerializeAsString(), {draft.header.refs().begin(), draft.header.refs().end()}});
        original_.Commit(std::move(batch));
      } else {
        original_.Prepare(*type, draft);
        // Told afterwards, an example is recorded whatever its class would ask for.
        draft.header.set_retrospective(true);
        const StatusOr<RunVerdict> verdict = original_.Append(draft);
        EXPECT_TRUE(verdict.ok()) << type->name() << ": " << verdict.status();
      }
      types_.insert(type->name());
    }
    CorrectSome();
  }

  void CorrectSome() {
    std::mt19937_64 random(1);
    size_t corrected = 0;
    for (int i = 0; i < 60; ++i) {
      const LeafIndex index(random() % size().value);
      const StatusOr<LoadedEvent> event = LoadEvent(original_.ledger().rows(), index);
      ASSERT_TRUE(event.ok()) << event.status();
      // Who may write stays as it is.
      if (index.value < 20) continue;
      const EventId& id = event->header.event_id;
      const EventDraft draft = random() % 2 == 0
                                   ? Correct(id, v1::RecordCorrected::RETRACTED)
                                   : MoveInTime(id, Timestamp(kTestStart.us - 1000), Timestamp(kTestStart.us - 500));
      corrected += original_.Append(draft).ok() ? 1 : 0;
    }
    EXPECT_GT(corrected, 30u);
  }

  TreeSize size() { return original_.ledger().size(); }

  // What the ledger says about every entity that any event refers to.
  std::vector<std::string> AnswersOf(const RowReader& rows) {
    std::set<std::string> asked;
    std::vector<std::string> answers;
    const auto ask = [&](const v1::Question& question) {
      const StatusOr<v1::Answer> answer = Ask(rows, kTestOrigin, size(), question);
      answers.push_back(answer.ok() ? answer->SerializeAsString() : answer.status().ToString());
    };
    for (uint64_t i = 0; i < size().value; ++i) {
      const StatusOr<LoadedEvent> event = LoadEvent(rows, LeafIndex(i));
      EXPECT_TRUE(event.ok()) << event.status();
      for (v1::EntityRef ref : event->header.fields.refs()) {
        ref.clear_role();
        ref.clear_digest();
        if (!asked.insert(ref.SerializeAsString()).second) continue;
        v1::Question question;
        *question.mutable_status()->mutable_entity() = ref;
        ask(question);
        *question.mutable_lineage()->mutable_entity() = ref;
        question.mutable_lineage()->set_direction(v1::LineageQuestion::DOWN);
        ask(question);
        question.mutable_lineage()->set_direction(v1::LineageQuestion::UP);
        ask(question);
        *question.mutable_closure_audit()->mutable_entity() = ref;
        ask(question);
        *question.mutable_findings()->mutable_entity() = ref;
        ask(question);
        if (ref.kind() != "software_item") continue;
        *question.mutable_trace()->mutable_subject() = ref;
        ask(question);
        *question.mutable_sequencing()->mutable_item() = ref;
        ask(question);
      }
    }
    return answers;
  }

  PreparedLedger original_;
  std::set<std::string> types_;
};

TEST_F(ReplayTest, TheHistoryHoldsEveryType) {
  std::set<std::string> found;
  for (uint64_t i = 0; i < size().value; ++i) {
    found.insert(LoadEvent(original_.ledger().rows(), LeafIndex(i))->type->name());
  }
  EXPECT_EQ(found, types_);
}

TEST_F(ReplayTest, TheSameBatchesGiveTheSameDigestsAndAnswers) {
  TestLedger replica;
  for (const Batch& batch : original_.batches()) replica.Commit(batch);
  EXPECT_EQ(replica.state().digest, original_.ledger().state().digest);
  EXPECT_EQ(AllRows(replica.rows()), AllRows(original_.ledger().rows()));
  EXPECT_EQ(AnswersOf(replica.rows()), AnswersOf(original_.ledger().rows()));
}

TEST_F(ReplayTest, LeavesAndBodiesAloneGiveTheSameProjectionsAndAnswers) {
  const std::unique_ptr<Store> copy = MakeMemoryStore();
  Rows rows;
  for (const auto& [family, key, value] : AllRows(original_.ledger().rows())) {
    if (family == Family::kLeaves || family == Family::kBodies) rows.push_back({family, key, value});
  }
  ASSERT_TRUE(copy->Write(rows, true).ok());
  const Status rebuilt = RebuildProjections(*copy, size(), [](uint64_t) {});
  ASSERT_TRUE(rebuilt.ok()) << rebuilt;
  const auto projections = [](const RowReader& of) {
    auto all = AllRows(of);
    std::erase_if(all, [](const auto& row) {
      const Family family = std::get<0>(row);
      return std::find(kProjectionFamilies.begin(), kProjectionFamilies.end(), family) == kProjectionFamilies.end();
    });
    return all;
  };
  EXPECT_EQ(projections(*copy), projections(original_.ledger().rows()));
  EXPECT_EQ(AnswersOf(*copy), AnswersOf(original_.ledger().rows()));
}

}  // namespace
}  // namespace anamnesis
