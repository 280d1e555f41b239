// What every store must do, asked of RocksDB and of the one in memory alike; a plain map is the model.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ledger/commit/stored_tiles.h"
#include "ledger/store/store.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using absl::StatusCode;
using KeysAndValues = std::vector<std::pair<std::string, std::string>>;

constexpr Family kFamily = Family::kTimelines;

class StoreTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override { Open(); }

  bool OnDisk() const { return GetParam(); }
  std::string StoreDir() const { return dir_.path() + "/store"; }
  void Open() {
    if (!OnDisk()) {
      store_ = MakeMemoryStore();
      return;
    }
    store_.reset();
    StatusOr<std::unique_ptr<Store>> store = OpenRocksStore(StoreDir(), {.create_if_missing = true});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  void Put(const std::vector<std::string>& keys, Family family = kFamily) {
    Rows rows;
    for (const std::string& key : keys) rows.push_back({family, key, "v" + key});
    ASSERT_TRUE(store_->Write(rows, false).ok());
  }
  std::optional<std::string> Get(std::string_view key, Family family = kFamily) {
    return store_->Get(family, key).value();
  }
  std::string Last(std::string_view prefix, std::string_view key) {
    const std::optional<Row> row = store_->LastAtOrBefore(kFamily, prefix, key).value();
    if (!row.has_value()) return "none";
    EXPECT_EQ(row->value, "v" + row->key);
    return row->key;
  }
  static KeysAndValues Read(const RowReader& reader, std::string_view prefix, std::string_view from, bool backwards,
                            size_t limit = SIZE_MAX, Family family = kFamily) {
    KeysAndValues rows;
    const auto visit = [&](std::string_view key, std::string_view value) {
      rows.emplace_back(key, value);
      return rows.size() < limit;
    };
    EXPECT_TRUE(
        (backwards ? reader.ScanBackwards(family, prefix, from, visit) : reader.Scan(family, prefix, from, visit))
            .ok());
    return rows;
  }
  std::string Keys(std::string_view prefix, std::string_view from, bool backwards, size_t limit = SIZE_MAX) {
    std::string keys;
    for (const auto& [key, value] : Read(*store_, prefix, from, backwards, limit)) keys += key + " ";
    return keys;
  }

  ScratchDirectory dir_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "Rocks" : "Memory"; });

// What only a store on disk has.
class RocksStoreTest : public StoreTest {};
INSTANTIATE_TEST_SUITE_P(Stores, RocksStoreTest, ::testing::Values(true), [](const auto&) { return "Rocks"; });

TEST_P(StoreTest, GetFindsWhatWasPutLast) {
  EXPECT_FALSE(Get("a").has_value());
  Put({"a"});
  EXPECT_EQ(Get("a"), "va");
  ASSERT_TRUE(store_->Write({{kFamily, "a", "1"}, {kFamily, "b", ""}, {kFamily, "a", "2"}}, true).ok());
  EXPECT_EQ(Get("a"), "2");
  EXPECT_EQ(Get("b"), "");
  EXPECT_FALSE(Get("").has_value());
  EXPECT_TRUE(store_->Write({}, true).ok());
}

TEST_P(StoreTest, FamiliesAreApart) {
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    ASSERT_TRUE(store_->Write({{family, "k", std::string(FamilyName(family))}}, false).ok());
  }
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    EXPECT_EQ(Get("k", family), FamilyName(family));
    EXPECT_EQ(Read(*store_, "", "", false, SIZE_MAX, family).size(), 1u);
  }
}

TEST_P(StoreTest, LastAtOrBeforeStaysWithinThePrefix) {
  Put({"a1", "a3", "b2", "c"});
  EXPECT_EQ(Last("a", "a2"), "a1");
  EXPECT_EQ(Last("a", "a3"), "a3");
  EXPECT_EQ(Last("a", "a9"), "a3");
  EXPECT_EQ(Last("a", "a0"), "none");
  EXPECT_EQ(Last("b", "b1"), "none");
  EXPECT_EQ(Last("b", "bz"), "b2");
  EXPECT_EQ(Last("d", "d9"), "none");
  EXPECT_EQ(Last("", "b"), "a3");
  EXPECT_EQ(Last("", "zzz"), "c");
  // Bytes are unsigned: 0xff is after everything.
  Put({"\xff\xff", std::string("\0", 1)});
  EXPECT_EQ(Last("\xff", "\xff\xff\xff"), "\xff\xff");
  EXPECT_EQ(Last("", std::string("\0\0", 2)), std::string("\0", 1));
}

TEST_P(StoreTest, ScansStartInTheRightPlaceStayInThePrefixAndStop) {
  Put({"a1", "a3", "a5", "b2", "c"});
  EXPECT_EQ(Keys("a", "a", false), "a1 a3 a5 ");
  EXPECT_EQ(Keys("a", "a2", false), "a3 a5 ");
  EXPECT_EQ(Keys("a", "a3", false, 1), "a3 ");
  EXPECT_EQ(Keys("a", "a6", false), "");
  EXPECT_EQ(Keys("", "", false), "a1 a3 a5 b2 c ");
  EXPECT_EQ(Keys("a", "a9", true), "a5 a3 a1 ");
  EXPECT_EQ(Keys("a", "a4", true), "a3 a1 ");
  EXPECT_EQ(Keys("a", "a5", true, 2), "a5 a3 ");
  EXPECT_EQ(Keys("a", "a0", true), "");
  EXPECT_EQ(Keys("b", "b1", true), "");
  EXPECT_EQ(Keys("", "zz", true), "c b2 a5 a3 a1 ");
  EXPECT_EQ(Keys("x", "x", false), "");
}

TEST_P(StoreTest, RandomRowsAgainstAMap) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    std::mt19937_64 random(seed);
    // Of the family's own keys too, for which there may be filters.
    const std::array<std::string, 4> beginnings = {"", "t0123456789abcdefr", "t0123456789abcdefn_ABCDEFGHIJKLMNO",
                                                   "sICU-"};
    std::map<std::string, std::string> model;
    for (const auto& [key, value] : Read(*store_, "", "", false)) model[key] = value;
    const auto random_key = [&] {
      std::string key = beginnings[seed <= 4 ? 0 : random() % beginnings.size()];
      for (uint64_t n = 1 + random() % 3; n > 0; --n) key.push_back(static_cast<char>(random() % 4 * 85));
      return key;
    };
    for (int i = 0; i < 300; ++i) {
      Rows rows;
      for (uint64_t n = random() % 3; n > 0; --n) {
        rows.push_back({kFamily, random_key(), std::to_string(random() % 1000)});
        model[rows.back().key] = rows.back().value;
      }
      ASSERT_TRUE(store_->Write(rows, false).ok());
      if (i % 60 == 59) {
        ASSERT_TRUE(store_->Flush().ok());
      }
      const std::unique_ptr<RowReader> view = store_->View();
      const std::string from = random_key();
      const std::string prefix = from.substr(0, random() % (from.size() + 1));
      KeysAndValues in_prefix;
      for (const auto& row : model) {
        if (row.first.starts_with(prefix)) in_prefix.push_back(row);
      }
      KeysAndValues up;
      KeysAndValues down;
      for (const auto& row : in_prefix) (row.first >= from ? up : down).push_back(row);
      if (model.contains(from)) down.emplace_back(from, model[from]);
      std::reverse(down.begin(), down.end());
      for (const RowReader* reader :
           {static_cast<const RowReader*>(store_.get()), static_cast<const RowReader*>(view.get())}) {
        ASSERT_EQ(Read(*reader, prefix, from, false), up);
        ASSERT_EQ(Read(*reader, prefix, from, true), down);
        const std::optional<Row> last = reader->LastAtOrBefore(kFamily, prefix, from).value();
        ASSERT_EQ(last.has_value(), !down.empty());
        if (last.has_value()) {
          ASSERT_EQ(std::pair(last->key, last->value), down[0]);
        }
        const std::optional<std::string> got = reader->Get(kFamily, from).value();
        ASSERT_EQ(got.has_value(), model.contains(from));
        if (got.has_value()) {
          ASSERT_EQ(*got, model[from]);
        }
      }
    }
  }
}

TEST_P(StoreTest, AViewScansWhileItScans) {
  // Groups of rows, for which there are filters, and rows of none.
  const std::array<std::string, 3> prefixes = {"t0123456789abcdefr", "t0123456789abcdefn_ABCDEFGHIJKLMNO", "sICU-"};
  for (const std::string& prefix : prefixes) Put({Text(prefix, "a"), Text(prefix, "b"), Text(prefix, "c")});
  ASSERT_TRUE(store_->Flush().ok());
  const std::unique_ptr<RowReader> view = store_->View();
  for (int again = 0; again < 3; ++again) {
    KeysAndValues outer;
    for (const std::string& prefix : prefixes) {
      ASSERT_TRUE(view->Scan(kFamily, prefix, prefix,
                             [&](std::string_view key, std::string_view value) {
                               outer.emplace_back(key, value);
                               for (const std::string& each : prefixes) {
                                 EXPECT_EQ(Read(*view, each, Text(each, "b"), false),
                                           Read(*store_, each, Text(each, "b"), false));
                                 EXPECT_EQ(Read(*view, each, Text(each, "b"), true),
                                           Read(*store_, each, Text(each, "b"), true));
                               }
                               return true;
                             })
                      .ok());
    }
    EXPECT_EQ(outer.size(), 9);
  }
}

TEST_P(StoreTest, BulkLoadedRowsAreReadInOrder) {
  Put({"0", "z"});
  Rows rows;
  for (int i = 999; i >= 100; --i) rows.push_back({kFamily, std::to_string(i), Text("v", i)});
  std::vector<const Row*> borrowed;
  for (const Row& row : rows) borrowed.push_back(&row);
  ASSERT_TRUE(store_->BulkLoad(kFamily, borrowed).ok());
  ASSERT_TRUE(store_->BulkLoad(kFamily, {}).ok());
  ASSERT_TRUE(store_->Flush().ok());
  EXPECT_EQ(Read(*store_, "", "", false).size(), 902u);
  EXPECT_EQ(Get("555"), "v555");
  EXPECT_EQ(Last("", "5"), "499");
  EXPECT_EQ(Keys("99", "998", true, 2), "998 997 ");
}

// Keys that begin with each other, that differ late, and that end with zeros.
TEST_P(StoreTest, BulkLoadedRowsOfAnyKeysAreInOrder) {
  std::mt19937_64 random(5);
  std::map<std::string, std::string> model;
  for (int i = 0; i < 3000; ++i) {
    std::string key(1 + random() % 30, 'a');
    for (uint64_t n = random() % 4; n > 0; --n) key[random() % key.size()] = static_cast<char>(random() % 3 * 127);
    model.emplace(std::move(key), std::to_string(i));
  }
  Rows rows;
  for (const auto& [key, value] : model) rows.push_back({kFamily, key, value});
  std::vector<const Row*> borrowed;
  for (const Row& row : rows) borrowed.push_back(&row);
  std::shuffle(borrowed.begin(), borrowed.end(), random);
  ASSERT_TRUE(store_->BulkLoad(kFamily, borrowed).ok());
  EXPECT_EQ(Read(*store_, "", "", false), KeysAndValues(model.begin(), model.end()));
}

TEST_P(StoreTest, OfBulkLoadedRowsThatRepeatAKeyTheLastCounts) {
  Rows rows;
  for (int i = 0; i < 1000; ++i) rows.push_back({kFamily, std::to_string(i * 7 % 300), std::to_string(i)});
  std::vector<const Row*> borrowed;
  std::map<std::string, std::string> model;
  for (const Row& row : rows) {
    borrowed.push_back(&row);
    model[row.key] = row.value;
  }
  ASSERT_TRUE(store_->BulkLoad(kFamily, borrowed).ok());
  EXPECT_EQ(Read(*store_, "", "", false), KeysAndValues(model.begin(), model.end()));
}

TEST_P(StoreTest, ClearProjectionsKeepsTheLog) {
  for (size_t i = 0; i < kFamilies; ++i) Put({"k1", "k2", std::string("\xff", 1)}, static_cast<Family>(i));
  ASSERT_TRUE(store_->Flush().ok());
  Put({"k3"});
  ASSERT_TRUE(store_->ClearProjections().ok());
  for (Family family : kLogFamilies) EXPECT_EQ(Read(*store_, "", "", false, SIZE_MAX, family).size(), 3u);
  for (Family family : kProjectionFamilies) {
    EXPECT_TRUE(Read(*store_, "", "", false, SIZE_MAX, family).empty()) << FamilyName(family);
  }
  Put({"k4"});
  EXPECT_EQ(Keys("", "", false), "k4 ");
  if (!OnDisk()) return;
  Open();
  EXPECT_EQ(Keys("", "", false), "k4 ");
}

TEST_P(StoreTest, TilesAreReadFromRows) {
  std::string key;
  AppendBigEndian32(key, 1);
  AppendBigEndian64(key, 7);
  ASSERT_TRUE(store_->Write({{Family::kTiles, key, std::string(64, 't')}}, false).ok());
  const StoredTiles tiles(*store_);
  EXPECT_EQ(tiles.Tile({1, 7}).value(), std::string(64, 't'));
  EXPECT_EQ(tiles.Tile({1, 8}).status().code(), StatusCode::kNotFound);
}

TEST_P(RocksStoreTest, ReopenKeepsRows) {
  ASSERT_TRUE(store_->Write({{Family::kLeaves, "durable", "1"}}, true).ok());
  ASSERT_TRUE(store_->Write({{Family::kLeaves, "not durable", "2"}}, false).ok());
  const Row bulk{kFamily, "bulk", "3"};
  ASSERT_TRUE(store_->BulkLoad(kFamily, {&bulk}).ok());
  ASSERT_TRUE(store_->Flush().ok());
  Open();
  EXPECT_EQ(Get("durable", Family::kLeaves), "1");
  EXPECT_EQ(Get("not durable", Family::kLeaves), "2");
  EXPECT_EQ(Get("bulk"), "3");
  EXPECT_GT(store_->FreeBytes(), 0u);
}

TEST_P(RocksStoreTest, OpeningTells) {
  EXPECT_EQ(OpenRocksStore(dir_.path() + "/nothing", {}).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/nothing"));
  EXPECT_EQ(OpenRocksStore(StoreDir(), {}).status().code(), StatusCode::kFailedPrecondition);
}

TEST_P(RocksStoreTest, AReadOnlyStoreIsReadBesideAnotherAndNotWritten) {
  Put({"a"});
  ASSERT_TRUE(store_->Flush().ok());
  const StatusOr<std::unique_ptr<Store>> reader = OpenRocksStore(StoreDir(), {.read_only = true});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Get(kFamily, "a").value(), "va");
  EXPECT_FALSE((*reader)->Write({{kFamily, "b", "x"}}, true).ok());
  EXPECT_FALSE(Get("b").has_value());
}

TEST_P(RocksStoreTest, AStoreWithoutItsTablesIsDataLoss) {
  Put({"a"});
  ASSERT_TRUE(store_->Flush().ok());
  store_.reset();
  size_t removed = 0;
  for (const auto& file : std::filesystem::directory_iterator(StoreDir())) {
    if (file.path().extension() == ".sst") removed += std::filesystem::remove(file.path());
  }
  ASSERT_GT(removed, 0u);
  EXPECT_EQ(OpenRocksStore(StoreDir(), {}).status().code(), StatusCode::kDataLoss);
}

TEST_P(RocksStoreTest, ADamagedTableIsDataLossOnReading) {
  ASSERT_TRUE(store_->Write({{kFamily, "a", std::string(10000, 'x')}}, false).ok());
  ASSERT_TRUE(store_->Flush().ok());
  store_.reset();
  size_t damaged = 0;
  for (const auto& file : std::filesystem::directory_iterator(StoreDir())) {
    if (file.path().extension() != ".sst") continue;
    std::fstream table(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    table.seekp(5000);
    table.put('y');
    ++damaged;
  }
  ASSERT_EQ(damaged, 1u);
  const StatusOr<std::unique_ptr<Store>> store = OpenRocksStore(StoreDir(), {});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->Get(kFamily, "a").status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace anamnesis
