#include "ledger/state/event_list.h"

#include <map>
#include <random>
#include <set>

#include "gtest/gtest.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

// What VisitList should find, by walking a plain set.
std::vector<uint64_t> Expected(const std::set<uint64_t>& events, uint64_t from, bool backwards, uint64_t size) {
  std::vector<uint64_t> found;
  for (const uint64_t index : events) {
    if (index < size && (backwards ? index <= from : index >= from)) found.push_back(index);
  }
  if (backwards) std::reverse(found.begin(), found.end());
  return found;
}

std::vector<uint64_t> Visited(const RowReader& rows, std::string_view name, uint64_t from, bool backwards,
                              uint64_t size, size_t limit = SIZE_MAX) {
  std::vector<uint64_t> found;
  const Status visited =
      VisitList(rows, Family::kStreamEvents, name, LeafIndex(from), backwards, TreeSize(size), [&](LeafIndex index) {
        found.push_back(index.value);
        return found.size() < limit;
      });
  EXPECT_TRUE(visited.ok()) << visited;
  return found;
}

TEST(EventListTest, EqualsAPlainSetWhereverItIsWalkedFrom) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    const std::unique_ptr<Store> store = MakeMemoryStore();
    std::map<std::string, std::set<uint64_t>> lists = {{"a", {}}, {"a\x01", {}}, {"ab", {}}};
    const uint64_t size = 1 + random() % 3000;
    for (uint64_t index = 0; index < size;) {
      // A batch of rows at a time, so that rows are taken up again from the store.
      RowOverlay rows(*store);
      for (const uint64_t end = std::min(size, index + 1 + random() % 200); index < end; ++index) {
        auto list = std::next(lists.begin(), static_cast<long>(random() % lists.size()));
        if (random() % 8 == 0) continue;
        list->second.insert(index);
        ASSERT_TRUE(AddToList(rows, Family::kStreamEvents, list->first, LeafIndex(index)).ok());
      }
      ASSERT_TRUE(store->Write(rows.Take(), true).ok());
    }
    for (const auto& [name, events] : lists) {
      for (int i = 0; i < 50; ++i) {
        const uint64_t from = random() % (size + 300);
        const uint64_t bound = random() % (size + 300);
        for (const bool backwards : {false, true}) {
          EXPECT_EQ(Visited(*store, name, from, backwards, bound), Expected(events, from, backwards, bound));
        }
      }
      EXPECT_EQ(Visited(*store, name, 0, false, UINT64_MAX), std::vector<uint64_t>(events.begin(), events.end()));
      EXPECT_LE(Visited(*store, name, 0, false, size, 3).size(), 3u);
    }
    EXPECT_TRUE(Visited(*store, "", 0, false, size).empty());
  }
}

// Whoever asks about a name that no list can have does not get another's rows, and is not told of damage.
TEST(EventListTest, ANameThatContinuesAsAnothersKeyHasNoEvents) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  RowOverlay rows(*store);
  for (const uint64_t index : {5u, 700u}) {
    ASSERT_TRUE(AddToList(rows, Family::kStreamEvents, "a", LeafIndex(index)).ok());
  }
  ASSERT_TRUE(store->Write(rows.Take(), true).ok());
  std::string name("a");
  for (int zeros = 0; zeros < 10; ++zeros) {
    name += '\0';
    for (const bool backwards : {false, true}) {
      EXPECT_TRUE(Visited(*store, name, backwards ? UINT64_MAX : 0, backwards, UINT64_MAX).empty()) << zeros;
      EXPECT_TRUE(Visited(*store, name + "\x10g", backwards ? UINT64_MAX : 0, backwards, UINT64_MAX).empty()) << zeros;
    }
  }
}

TEST(EventListTest, DamagedRowsAreReported) {
  for (const std::string_view value :
       {std::string_view("\x05\x05", 2), std::string_view("\x05\x04", 2), std::string_view()}) {
    const std::unique_ptr<Store> store = MakeMemoryStore();
    RowOverlay rows(*store);
    ASSERT_TRUE(AddToList(rows, Family::kStreamEvents, "a", LeafIndex(300)).ok());
    Rows written = rows.Take();
    written.at(0).value = std::string(value);
    ASSERT_TRUE(store->Write(written, true).ok());
    const auto visit = [](LeafIndex) { return true; };
    EXPECT_EQ(VisitList(*store, Family::kStreamEvents, "a", LeafIndex(0), false, TreeSize(999), visit).code(),
              absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace anamnesis
