#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_RECORDED_HISTORY_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_RECORDED_HISTORY_H_

// A log in memory for tests of questions: events are folded into rows one by one without the rules that admit them, so
// that a history may hold anything that honest writers leave behind. Keeps what was written, for references that fold
// it plainly.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "anamnesis/v1/question.pb.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/check.h"
#include "ledger/event/leaf.h"
#include "ledger/query/ask.h"
#include "ledger/state/project.h"
#include "ledger/store/store.h"
#include "tests/support/test_run.h"

namespace anamnesis {

class RecordedHistory {
 public:
  // Adds an event; `corrects` is the index of the one that it corrects.
  uint64_t Add(EventDraft draft, std::optional<uint64_t> corrects = std::nullopt) {
    const uint64_t index = events_.size();
    if (corrects.has_value()) draft.header.set_corrects(DerivedId("history", *corrects).bytes());
    RunBuilder builder("o", "s", MakeAgent("person", "writer"), StreamPosition(index), last_digest_);
    const Status added = builder.Add(draft, DerivedId("history", index), DerivedNonce("history", index));
    if (!added.ok()) std::fprintf(stderr, "%s\n", added.ToString().c_str());
    CHECK(added.ok());
    static const PrivateKey key = KeyOfSeed(1);
    const v1::Run run = builder.Seal(key, kTestStart);
    const ParsedHeader header = ParseHeader(run.headers(0)).value();
    last_digest_ = header.digest;

    RowOverlay overlay(*store_);
    const Timestamp recorded(kTestStart.us + static_cast<int64_t>(index));
    overlay.Put(Family::kLeaves, LeafKey(LeafIndex(index)), EncodeLeaf(recorded, run.headers(0), std::nullopt));
    overlay.Put(Family::kBodies, LeafKey(LeafIndex(index)), run.bodies(0).nonce() + run.bodies(0).content());
    const EventType* type = Vocabulary::Get().Find(header.fields.type(), 1);
    const Status projected = Project({LeafIndex(index), recorded, &header, type, draft.body.get()}, overlay);
    if (!projected.ok()) std::fprintf(stderr, "%s\n", projected.ToString().c_str());
    CHECK(projected.ok());
    CHECK(store_->Write(overlay.Take(), false).ok());
    events_.push_back({std::move(draft), corrects, header.fields.type()});
    return index;
  }

  StatusOr<v1::Answer> Ask(const v1::Question& question) const {
    return anamnesis::Ask(*store_, "o", TreeSize(events_.size()), question);
  }
  // The answer as known at `size`, or a failed test.
  v1::Answer AskAt(v1::Question question, uint64_t size) const {
    question.set_known_size(size);
    StatusOr<v1::Answer> answer = Ask(question);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *std::move(answer) : v1::Answer();
  }

  struct Event {
    EventDraft draft;
    std::optional<uint64_t> corrects;
    std::string type;
  };
  const std::vector<Event>& events() const { return events_; }
  uint64_t size() const { return events_.size(); }

  // The event below `size` that decides what is left of `place`: the last correction of it that changes state and was
  // not itself retracted (ledger/state/corrections.h), found by looking at all events.
  std::optional<uint64_t> DeciderOf(uint64_t place, uint64_t size) const {
    for (uint64_t c = size; c-- > place + 1;) {
      if (events_[c].corrects != place) continue;
      const auto* correction = dynamic_cast<const v1::RecordCorrected*>(events_[c].draft.body.get());
      if (correction != nullptr && correction->kind() == v1::RecordCorrected::ANNOTATED) continue;
      const bool of_correction = events_[place].type == "record.corrected";
      if (correction != nullptr && correction->kind() == v1::RecordCorrected::OCCURRED_AT && of_correction) continue;
      const std::optional<uint64_t> over = DeciderOf(c, size);
      if (over.has_value() && IsRetraction(*over)) continue;
      return c;
    }
    return std::nullopt;
  }
  bool IsRetraction(uint64_t place) const {
    const auto* correction = dynamic_cast<const v1::RecordCorrected*>(events_[place].draft.body.get());
    return correction != nullptr && correction->kind() == v1::RecordCorrected::RETRACTED;
  }
  // Whether the event still counts at `size`; only moving it in time leaves it standing.
  bool Counts(uint64_t place, uint64_t size) const {
    const std::optional<uint64_t> decider = DeciderOf(place, size);
    return !decider.has_value() || (events_[*decider].type == "record.corrected" && !IsRetraction(*decider));
  }

 private:
  std::unique_ptr<Store> store_ = MakeMemoryStore();
  std::vector<Event> events_;
  Digest last_digest_;
};

inline v1::EntityRef Entity(std::string_view kind, std::string_view id, std::string_view version = "") {
  v1::EntityRef entity;
  entity.set_kind(std::string(kind));
  entity.set_id(std::string(id));
  entity.set_version(std::string(version));
  return entity;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_RECORDED_HISTORY_H_
