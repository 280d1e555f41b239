#include "ledger/state/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ledger/state/timeline_node.h"
#include "ledger/store/store.h"
#include "tests/ledger/state/timeline_model.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

TimelineEntry Entry(int64_t earliest, uint64_t source, int64_t latest, Effect effect = Effect::kSet) {
  return {Timestamp(earliest), LeafIndex(source), Timestamp(latest), effect, LeafIndex(source)};
}

// Nodes so small that few entries make a tree of many levels.
constexpr TimelineShape kTiny = {2, 2};
constexpr TimelineShape kSmall = {3, 4};

// A store with one timeline, and the list of its entries at each size.
class Pair {
 public:
  explicit Pair(TimelineShape shape = kTimelineShape)
      : store_(MakeMemoryStore()), id_(TimelineId("ICU-7", "surface")), shape_(shape) {}

  // One event, which erases some entries and then inserts others.
  void Step(const std::vector<TimelineEntry>& erase, const std::vector<TimelineEntry>& insert) {
    const LeafIndex version(history_.size() - 1);
    std::vector<TimelineEntry> entries = history_.back();
    RowOverlay overlay(*store_);
    for (const TimelineEntry& entry : erase) {
      const Status erased = TimelineWriter(overlay, id_, version, shape_).Erase(entry);
      EXPECT_TRUE(erased.ok()) << erased;
      entries.erase(std::find(entries.begin(), entries.end(), entry));
    }
    for (const TimelineEntry& entry : insert) {
      const Status inserted = TimelineWriter(overlay, id_, version, shape_).Insert(entry);
      EXPECT_TRUE(inserted.ok()) << inserted;
      entries.push_back(entry);
    }
    EXPECT_TRUE(store_->Write(overlay.Take(), true).ok());
    history_.push_back(std::move(entries));
  }

  const std::vector<TimelineEntry>& now() const { return history_.back(); }
  const std::vector<TimelineEntry>& at_size(size_t size) const { return history_[size]; }
  size_t size() const { return history_.size() - 1; }
  size_t levels() const {
    const StatusOr<TimelineNode> root = TimelineNodes(*store_, id_, size()).Root();
    EXPECT_TRUE(root.ok()) << root.status();
    return root.ok() ? root->level + 1u : 0;
  }

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
  TimelineShape shape_;
  std::vector<std::vector<TimelineEntry>> history_ = {{}};
};

TimelineEntry RandomEntry(std::mt19937_64& random, uint64_t source, int64_t times, int uncertain_percent) {
  const int64_t earliest = static_cast<int64_t>(random() % static_cast<uint64_t>(times));
  int64_t latest = earliest;
  if (static_cast<int>(random() % 100) < uncertain_percent) latest += static_cast<int64_t>(random() % 6);
  return Entry(earliest, source, latest, static_cast<Effect>(1 + random() % 6));
}

// What one event of a random history erases and inserts.
struct Change {
  std::vector<TimelineEntry> erase;
  std::vector<TimelineEntry> insert;
};

Change RandomChange(std::mt19937_64& random, const std::vector<TimelineEntry>& now, uint64_t index, int64_t times,
                    int uncertain_percent) {
  Change change;
  const uint64_t what = random() % 10;
  if (what < 4 && !now.empty()) {
    change.erase.push_back(now[random() % now.size()]);
    if (what < 2) {
      // Moved in time by a correction: same source, newer evidence.
      TimelineEntry moved = RandomEntry(random, change.erase[0].source.value, times, uncertain_percent);
      moved.evidence = LeafIndex(index);
      change.insert.push_back(moved);
    }
  } else if (what < 9) {
    change.insert.push_back(RandomEntry(random, index, times, uncertain_percent));
  }
  return change;
}

// Asked at every size and every time, from before the first entry to after the last. Returns the levels of the
// deepest tree.
size_t CheckRandomHistories(uint64_t first_seed, int histories, size_t steps, int64_t times, int uncertain_percent,
                            TimelineShape shape) {
  size_t levels = 0;
  for (uint64_t seed = first_seed; seed < first_seed + static_cast<uint64_t>(histories); ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    std::mt19937_64 random(seed);
    Pair pair(shape);
    const size_t count = 1 + random() % steps;
    for (size_t i = 0; i < count; ++i) {
      const Change change = RandomChange(random, pair.now(), pair.size(), times, uncertain_percent);
      pair.Step(change.erase, change.insert);
    }
    if (!pair.Check(times + 7)) return levels;
    levels = std::max(levels, pair.levels());
  }
  return levels;
}

TEST(TimelineTest, RandomHistoriesWithExactTimes) { EXPECT_GE(CheckRandomHistories(1000, 1000, 20, 8, 0, kTiny), 4u); }
TEST(TimelineTest, RandomHistoriesWithSomeUncertainTimes) {
  EXPECT_GE(CheckRandomHistories(2000, 1000, 20, 12, 30, kTiny), 4u);
}
TEST(TimelineTest, RandomHistoriesWithUncertainTimesAndManyTies) {
  EXPECT_GE(CheckRandomHistories(3000, 1000, 24, 4, 90, kSmall), 3u);
}
TEST(TimelineTest, RandomLongHistories) { EXPECT_GE(CheckRandomHistories(4000, 20, 150, 60, 25, kSmall), 4u); }
TEST(TimelineTest, RandomLongHistoriesInTheShapeOfTheLedger) {
  EXPECT_EQ(CheckRandomHistories(5000, 10, 300, 60, 25, kTimelineShape), 2u);
}

// Mostly ascending, as a ledger's are, with late records, corrections and uncertain times; asked at some sizes and
// times, since comparing is quadratic.
void CheckGrowingHistory(uint64_t seed, size_t events, TimelineShape shape, size_t levels) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  const std::string id = TimelineId("u", "s");
  std::mt19937_64 random(seed);
  std::vector<Change> changes;
  std::vector<TimelineEntry> now;
  for (uint64_t index = 0; index < events; ++index) {
    Change change;
    const uint64_t what = random() % 40;
    if (what < 2 && !now.empty()) {
      change = RandomChange(random, now, index, static_cast<int64_t>(index) + 1, 40);
    } else {
      const int64_t late = what < 6 ? static_cast<int64_t>(random() % (index + 1)) : 0;
      const int64_t earliest = static_cast<int64_t>(index) - late;
      const int64_t uncertain = what % 8 == 0 ? static_cast<int64_t>(random() % 40) : 0;
      change.insert.push_back(Entry(earliest, index, earliest + uncertain));
    }
    RowOverlay overlay(*store);
    for (const TimelineEntry& entry : change.erase) {
      ASSERT_TRUE(TimelineWriter(overlay, id, LeafIndex(index), shape).Erase(entry).ok());
      now.erase(std::find(now.begin(), now.end(), entry));
    }
    for (const TimelineEntry& entry : change.insert) {
      ASSERT_TRUE(TimelineWriter(overlay, id, LeafIndex(index), shape).Insert(entry).ok());
      now.push_back(entry);
    }
    ASSERT_TRUE(store->Write(overlay.Take(), true).ok());
    changes.push_back(std::move(change));
  }
  EXPECT_GE(TimelineNodes(*store, id, events).Root()->level + 1u, levels);
  now.clear();
  uint64_t size = 0;
  for (const uint64_t asked_size : {events / 9, events / 3, events - events / 5, events}) {
    for (; size < asked_size; ++size) {
      for (const TimelineEntry& entry : changes[size].erase) now.erase(std::find(now.begin(), now.end(), entry));
      now.insert(now.end(), changes[size].insert.begin(), changes[size].insert.end());
    }
    for (int i = 0; i < 12; ++i) {
      const Timestamp at(static_cast<int64_t>(random() % (asked_size + asked_size / 8)) - 1);
      const StatusOr<TimelineAnswer> answer = AskTimeline(*store, id, at, TreeSize(asked_size));
      ASSERT_TRUE(answer.ok()) << answer.status();
      const TimelineAnswer expected = BruteForce(now, at);
      ASSERT_TRUE(Same(*answer, expected)) << "size " << asked_size << " time " << at.us << "\n  answer   "
                                           << Show(*answer) << "\n  expected " << Show(expected);
    }
  }
}

TEST(TimelineTest, GrowingHistories) {
  for (uint64_t seed = 1; seed <= 6; ++seed) CheckGrowingHistory(seed, 700, kSmall, 5);
}
TEST(TimelineTest, AGrowingHistoryInTheShapeOfTheLedger) { CheckGrowingHistory(7, 6000, kTimelineShape, 3); }

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
    // 625 leaves, all full but the last, are below five nodes and a root.
    EXPECT_LE(finder.reads, 3u) << "at " << at << " size " << size;
  }
}

// Inserted and erased by one event each; then asked, and used again.
TEST(TimelineTest, LeavesThatCorrectionsEmptiedAreNotRead) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  const std::string id = TimelineId("u", "s");
  constexpr uint64_t kEntries = 500;
  uint64_t version = 0;
  const auto change = [&](uint64_t time, bool erase) {
    RowOverlay overlay(*store);
    TimelineWriter writer(overlay, id, LeafIndex(version++), kSmall);
    const TimelineEntry entry = Entry(static_cast<int64_t>(time), time, static_cast<int64_t>(time) + 3);
    ASSERT_TRUE((erase ? writer.Erase(entry) : writer.Insert(entry)).ok());
    ASSERT_TRUE(store->Write(overlay.Take(), true).ok());
  };
  for (uint64_t time = 0; time < kEntries; ++time) change(time, false);
  const uint64_t levels = TimelineNodes(*store, id, version).Root()->level + 1u;
  for (uint64_t time = 1; time < kEntries - 1; ++time) change(time, true);
  const CountingFinder finder(*store);
  const Timestamp at(static_cast<int64_t>(kEntries) - 2);
  const StatusOr<TimelineAnswer> answer = AskTimeline(finder, id, at, TreeSize(version));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->certain, Entry(0, 0, 3));
  EXPECT_EQ(answer->candidates.size(), 1u);
  EXPECT_EQ(NextInTimeline(finder, id, Timestamp(0), TreeSize(version)).value()->source.value, kEntries - 1);
  EXPECT_LE(finder.reads, 4 * levels);
  for (uint64_t time = 1; time < kEntries - 1; ++time) change(time, false);
  EXPECT_EQ(TimelineNodes(*store, id, version).Root()->level + 1u, levels);
  EXPECT_EQ(AskTimeline(*store, id, at, TreeSize(version))->certain->source.value, kEntries - 5);
}

TEST(TimelineTest, RowsStaySmallWhateverTheNumbers) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  const std::string id = TimelineId("u", "s");
  RowOverlay overlay(*store);
  std::mt19937_64 random(13);
  for (uint64_t i = 0; i < 6000; ++i) {
    TimelineEntry entry{Timestamp(static_cast<int64_t>(random())), LeafIndex(random() >> 1), Timestamp(INT64_MAX),
                        Effect::kSet, LeafIndex(UINT64_MAX)};
    ASSERT_TRUE(TimelineWriter(overlay, id, LeafIndex(i)).Insert(entry).ok());
  }
  for (const Row& row : overlay.rows()) ASSERT_LE(row.value.size(), 4096u);
}

// Whatever one row is replaced by, a question ends: with DATA_LOSS, or with an answer when nothing can show that the
// row is wrong. No row is read twice in a walk.
class DamagedTimelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RowOverlay overlay(*store_);
    for (int64_t i = 0; i < kTimes; ++i) {
      // No two at one time, so that every leaf has a time at which it is read.
      const int64_t time = i * 23 % kTimes;
      const int64_t latest = time + (i % 3 == 0 ? 9 : 0);
      ASSERT_TRUE(
          TimelineWriter(overlay, id_, LeafIndex(0), kTiny).Insert(Entry(time, static_cast<uint64_t>(i), latest)).ok());
    }
    rows_ = overlay.Take();
    ASSERT_TRUE(store_->Write(rows_, true).ok());
    ASSERT_GE(TimelineNodes(*store_, id_, 0).Root()->level, 3);
  }

  // Asks all questions, and adds and removes; true when any failed.
  bool Ask() {
    bool failed = false;
    const auto see = [&](const Status& status) {
      if (status.ok()) return;
      failed = true;
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    };
    for (int64_t at = -1; at < kTimes + 10; ++at) {
      const CountingFinder finder(*store_);
      see(AskTimeline(finder, id_, Timestamp(at), TreeSize(1)).status());
      EXPECT_LE(finder.reads, rows_.size());
      see(NextInTimeline(finder, id_, Timestamp(at), TreeSize(1)).status());
      EXPECT_LE(finder.reads, 2 * rows_.size());
      RowOverlay overlay(finder);
      see(TimelineWriter(overlay, id_, LeafIndex(1), kTiny).Insert(Entry(at, 1000, at)));
    }
    return failed;
  }
  bool AskWith(const Row& row, std::string value) {
    EXPECT_TRUE(store_->Write({{row.family, row.key, std::move(value)}}, true).ok());
    const bool failed = Ask();
    EXPECT_TRUE(store_->Write({row}, true).ok());
    return failed;
  }

  bool IsRoot(const Row& row) const { return row.key[1 + id_.size()] == 'r'; }

  static constexpr int64_t kTimes = 24;
  const std::unique_ptr<Store> store_ = MakeMemoryStore();
  const std::string id_ = TimelineId("u", "s");
  Rows rows_;
};

TEST_F(DamagedTimelineTest, EveryFlippedBit) {
  EXPECT_FALSE(Ask());
  for (const Row& row : rows_) {
    // In steps that come to each place within a byte.
    for (size_t bit = 0; bit < 8 * row.value.size(); bit += kSanitized ? 11 : 1) {
      std::string value = row.value;
      value[bit / 8] = static_cast<char>(static_cast<uint8_t>(value[bit / 8]) ^ (1u << (bit % 8)));
      const bool failed = AskWith(row, value);
      // The level shows; that of the root does when there are no such nodes below it.
      EXPECT_TRUE(failed || bit >= 8 || IsRoot(row)) << bit;
      if (HasFailure()) return;
    }
  }
}

TEST_F(DamagedTimelineTest, EveryRowInThePlaceOfEveryOther) {
  for (const Row& row : rows_) {
    for (const Row& other : rows_) {
      (void)AskWith(row, other.value);
      if (HasFailure()) return;
    }
    for (size_t size = 0; size < row.value.size(); size += kSanitized ? 7 : 1) {
      (void)AskWith(row, row.value.substr(0, size));
    }
    EXPECT_TRUE(AskWith(row, ""));
  }
}

TEST_F(DamagedTimelineTest, AMissingRow) {
  for (const Row& missing : rows_) {
    // Without its root a timeline is as if it had never been; fsck counts the rows.
    if (IsRoot(missing)) continue;
    const std::unique_ptr<Store> store = MakeMemoryStore();
    for (const Row& row : rows_) {
      if (row.key == missing.key) continue;
      ASSERT_TRUE(store->Write({row}, true).ok());
    }
    bool lost = false;
    for (int64_t at = 0; at < kTimes; ++at) {
      lost = lost || absl::IsDataLoss(AskTimeline(*store, id_, Timestamp(at), TreeSize(1)).status());
    }
    EXPECT_TRUE(lost);
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
