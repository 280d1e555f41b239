#include "ledger/state/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ledger/store/store.h"
#include "tests/ledger/state/timeline_model.h"

namespace anamnesis {
namespace {

TimelineEntry Entry(int64_t earliest, uint64_t source, int64_t latest, Effect effect = Effect::kSet) {
  return {Timestamp(earliest), LeafIndex(source), Timestamp(latest), effect, LeafIndex(source)};
}

// A store with one timeline, and the list of its entries at each size.
class Pair {
 public:
  Pair() : store_(MakeMemoryStore()), id_(TimelineId("ICU-7", "surface")) {}

  // One event, which erases some entries and then inserts others.
  void Step(const std::vector<TimelineEntry>& erase, const std::vector<TimelineEntry>& insert) {
    const LeafIndex version(history_.size() - 1);
    std::vector<TimelineEntry> entries = history_.back();
    RowOverlay overlay(*store_);
    for (const TimelineEntry& entry : erase) {
      const Status erased = TimelineWriter(overlay, id_, version).Erase(entry);
      EXPECT_TRUE(erased.ok()) << erased;
      entries.erase(std::find(entries.begin(), entries.end(), entry));
    }
    for (const TimelineEntry& entry : insert) {
      const Status inserted = TimelineWriter(overlay, id_, version).Insert(entry);
      EXPECT_TRUE(inserted.ok()) << inserted;
      entries.push_back(entry);
    }
    EXPECT_TRUE(store_->Write(overlay.Take(), true).ok());
    history_.push_back(std::move(entries));
  }

  const std::vector<TimelineEntry>& now() const { return history_.back(); }
  const std::vector<TimelineEntry>& at_size(size_t size) const { return history_[size]; }
  size_t size() const { return history_.size() - 1; }

  TimelineAnswer Ask(int64_t at, size_t size) const {
    const StatusOr<TimelineAnswer> answer = AskTimeline(*store_, id_, Timestamp(at), TreeSize(size));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : TimelineAnswer();
  }

  // False, after a failure, when the two differ anywhere in times 0 to `time_limit`.
  bool Check(int64_t time_limit) const {
    for (size_t k = 0; k < history_.size(); ++k) {
      for (int64_t at = -1; at <= time_limit; ++at) {
        const TimelineAnswer expected = BruteForce(history_[k], Timestamp(at));
        const TimelineAnswer answer = Ask(at, k);
        EXPECT_TRUE(Same(answer, expected))
            << "size " << k << " time " << at << "\n  answer   " << Show(answer) << "\n  expected " << Show(expected);
        const auto next = NextInTimeline(*store_, id_, Timestamp(at), TreeSize(k));
        std::optional<TimelineEntry> first;
        for (const TimelineEntry& entry : history_[k]) {
          if (entry.earliest.us > at && (!first.has_value() || Before(entry, *first))) first = entry;
        }
        EXPECT_TRUE(next.ok() && *next == first) << "next, size " << k << " time " << at;
        if (::testing::Test::HasFailure()) return false;
      }
    }
    return true;
  }

 private:
  std::unique_ptr<Store> store_;
  std::string id_;
  std::vector<std::vector<TimelineEntry>> history_ = {{}};
};

TimelineEntry RandomEntry(std::mt19937_64& random, uint64_t source, int64_t times, int uncertain_percent) {
  const int64_t earliest = static_cast<int64_t>(random() % static_cast<uint64_t>(times));
  int64_t latest = earliest;
  if (static_cast<int>(random() % 100) < uncertain_percent) latest += static_cast<int64_t>(random() % 6);
  return Entry(earliest, source, latest, static_cast<Effect>(1 + random() % 6));
}

// Asked at every size and every time, from before the first entry to after the last.
void CheckRandomHistories(uint64_t first_seed, int histories, size_t steps, int64_t times, int uncertain_percent) {
  for (uint64_t seed = first_seed; seed < first_seed + static_cast<uint64_t>(histories); ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    std::mt19937_64 random(seed);
    Pair pair;
    const size_t count = 1 + random() % steps;
    for (size_t i = 0; i < count; ++i) {
      std::vector<TimelineEntry> erase;
      std::vector<TimelineEntry> insert;
      const uint64_t what = random() % 10;
      if (what < 4 && !pair.now().empty()) {
        erase.push_back(pair.now()[random() % pair.now().size()]);
        if (what < 2) {
          // Moved in time by a correction: same source, newer evidence.
          TimelineEntry moved = RandomEntry(random, erase[0].source.value, times, uncertain_percent);
          moved.evidence = LeafIndex(pair.size());
          insert.push_back(moved);
        }
      } else if (what < 9) {
        insert.push_back(RandomEntry(random, pair.size(), times, uncertain_percent));
      }
      pair.Step(erase, insert);
    }
    ASSERT_TRUE(pair.Check(times + 7));
  }
}

TEST(TimelineTest, RandomHistoriesWithExactTimes) { CheckRandomHistories(1000, 1000, 20, 8, 0); }
TEST(TimelineTest, RandomHistoriesWithSomeUncertainTimes) { CheckRandomHistories(2000, 1000, 20, 12, 30); }
TEST(TimelineTest, RandomHistoriesWithUncertainTimesAndManyTies) { CheckRandomHistories(3000, 1000, 24, 4, 90); }
TEST(TimelineTest, RandomLongHistories) { CheckRandomHistories(4000, 20, 150, 60, 25); }

TEST(TimelineTest, EmptyAtSizeZeroAndBeforeTheFirstEntry) {
  Pair pair;
  pair.Step({}, {Entry(5, 0, 5)});
  EXPECT_TRUE(pair.Ask(9, 0).candidates.empty());
  EXPECT_TRUE(pair.Ask(4, 1).candidates.empty());
  EXPECT_FALSE(pair.Ask(4, 1).certain.has_value());
  EXPECT_EQ(pair.Ask(5, 1).certain, Entry(5, 0, 5));
}

TEST(TimelineTest, AnEntryThatMayHaveHappenedLaterStaysPossible) {
  Pair pair;
  pair.Step({}, {Entry(1, 0, 10)});
  pair.Step({}, {Entry(5, 1, 5)});
  EXPECT_EQ(pair.Ask(20, 2).candidates, (std::vector{Entry(1, 0, 10), Entry(5, 1, 5)}));
  pair.Step({}, {Entry(10, 2, 10)});
  EXPECT_EQ(pair.Ask(20, 3).candidates, (std::vector{Entry(10, 2, 10)}));
  // As known before, the answer is still the old one.
  EXPECT_EQ(pair.Ask(20, 2).candidates, (std::vector{Entry(1, 0, 10), Entry(5, 1, 5)}));
}

TEST(TimelineTest, ErasingWhatIsNotThereIsAnInternalError) {
  Pair pair;
  pair.Step({}, {Entry(1, 0, 1)});
  const std::unique_ptr<Store> empty = MakeMemoryStore();
  RowOverlay overlay(*empty);
  TimelineWriter writer(overlay, TimelineId("u", "s"), LeafIndex(0));
  EXPECT_EQ(writer.Erase(Entry(1, 0, 1)).code(), absl::StatusCode::kInternal);
  ASSERT_TRUE(writer.Insert(Entry(1, 0, 1)).ok());
  EXPECT_EQ(writer.Erase(Entry(2, 0, 2)).code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(writer.Erase(Entry(1, 0, 1)).ok());
}

// The rows are a function of the content alone as far as reads can tell: two timelines don't meet in one store.
TEST(TimelineTest, TimelinesAreApart) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  std::map<std::string, std::vector<TimelineEntry>> expected;
  std::mt19937_64 random(7);
  for (uint64_t i = 0; i < 200; ++i) {
    const std::string id = TimelineId(Text("u", random() % 5), random() % 2 == 0 ? "" : "a");
    RowOverlay overlay(*store);
    const TimelineEntry entry = RandomEntry(random, i, 30, 20);
    ASSERT_TRUE(TimelineWriter(overlay, id, LeafIndex(i)).Insert(entry).ok());
    ASSERT_TRUE(store->Write(overlay.Take(), true).ok());
    expected[id].push_back(entry);
  }
  for (const auto& [id, entries] : expected) {
    for (int64_t at = 0; at < 40; ++at) {
      const StatusOr<TimelineAnswer> answer = AskTimeline(*store, id, Timestamp(at), TreeSize(200));
      ASSERT_TRUE(answer.ok());
      EXPECT_TRUE(Same(*answer, BruteForce(entries, Timestamp(at)))) << at;
    }
  }
}

// A thousand entries in order, the common case, must not make a question read more than a few rows of the tree.
class CountingFinder : public RowFinder {
 public:
  explicit CountingFinder(const RowFinder& base) : base_(base) {}
  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    ++reads;
    return base_.Get(family, key);
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    ++reads;
    return base_.LastAtOrBefore(family, prefix, key);
  }
  mutable size_t reads = 0;

 private:
  const RowFinder& base_;
};

TEST(TimelineTest, AQuestionReadsLogarithmicallyManyRows) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  const std::string id = TimelineId("u", "s");
  constexpr uint64_t kEntries = 20000;
  for (uint64_t i = 0; i < kEntries; ++i) {
    RowOverlay overlay(*store);
    ASSERT_TRUE(TimelineWriter(overlay, id, LeafIndex(i))
                    .Insert(Entry(static_cast<int64_t>(i), i, static_cast<int64_t>(i)))
                    .ok());
    const Rows rows = overlay.Take();
    ASSERT_TRUE(store->Write(rows, true).ok());
  }
  std::mt19937_64 random(11);
  for (int i = 0; i < 500; ++i) {
    const uint64_t size = 1 + random() % kEntries;
    const uint64_t at = random() % kEntries;
    const CountingFinder finder(*store);
    const StatusOr<TimelineAnswer> answer =
        AskTimeline(finder, id, Timestamp(static_cast<int64_t>(at)), TreeSize(size));
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->certain->source.value, std::min(at, size - 1));
    ASSERT_EQ(answer->candidates.size(), 1u);
    // A treap of 20,000 has an expected depth of 2 ln n, about 20; more than 120 rows is not a matter of luck.
    EXPECT_LT(finder.reads, 120u) << "at " << at << " size " << size;
  }
}

// Merging is the same question asked of both timelines together, for entries that can't tie within one source.
TEST(MergeAnswersTest, IsTheAnswerOfTheUnion) {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    std::mt19937_64 random(seed);
    std::vector<TimelineEntry> whole;
    std::vector<TimelineEntry> part;
    for (uint64_t i = random() % 12; i > 0; --i) {
      (random() % 3 == 0 ? whole : part).push_back(RandomEntry(random, i, 10, 40));
    }
    std::vector<TimelineEntry> both = whole;
    both.insert(both.end(), part.begin(), part.end());
    for (int64_t at = -1; at < 18; ++at) {
      const TimelineAnswer merged = MergeAnswers(BruteForce(whole, Timestamp(at)), BruteForce(part, Timestamp(at)));
      const TimelineAnswer expected = BruteForce(both, Timestamp(at));
      ASSERT_TRUE(Same(merged, expected))
          << "time " << at << "\n  merged   " << Show(merged) << "\n  expected " << Show(expected);
    }
  }
}

TEST(MergeAnswersTest, ThePartWinsATieOfOneEvent) {
  const TimelineEntry emptied = Entry(5, 3, 5, Effect::kInService);
  const TimelineEntry baseline = Entry(5, 3, 5, Effect::kSet);
  const TimelineAnswer merged = MergeAnswers({{emptied}, emptied}, {{baseline}, baseline});
  EXPECT_EQ(merged.certain, baseline);
  EXPECT_EQ(merged.candidates, std::vector{baseline});
}

}  // namespace
}  // namespace anamnesis
