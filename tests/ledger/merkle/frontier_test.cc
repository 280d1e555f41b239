#include "ledger/merkle/frontier.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ledger/merkle/tree_hash.h"
#include "tests/ledger/merkle/memory_tiles.h"
#include "tests/ledger/merkle/merkle_reference.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

std::span<const Digest> First(const std::vector<Digest>& leaves, size_t count) {
  return std::span<const Digest>(leaves).first(count);
}

// The stored tiles cut to what a tree of `size` leaves has.
std::map<TileId, std::string> TilesAt(const MemoryTiles& store, TreeSize size) {
  std::map<TileId, std::string> cut;
  for (const auto& [id, bytes] : store.tiles) {
    const size_t width = TileWidthAt(id, size);
    if (width > 0) cut[id] = bytes.substr(0, width * Digest::kSize);
  }
  return cut;
}

TEST(FrontierTest, EverySizeHasTheRootAndTilesOfTheDefinition) {
  const std::vector<Digest> leaves = NumberedLeaves(600);
  Frontier frontier;
  MemoryTiles store;
  EXPECT_EQ(frontier.Root(), EmptyRoot());
  EXPECT_TRUE(frontier.TakeChangedTiles().empty());
  for (size_t size = 1; size <= leaves.size(); ++size) {
    frontier.Append(leaves[size - 1]);
    ASSERT_EQ(frontier.size(), TreeSize(size));
    ASSERT_EQ(frontier.Root(), reference::Root(First(leaves, size))) << size;
    store.Put(frontier.TakeChangedTiles());
    ASSERT_EQ(store.tiles, reference::Tiles(First(leaves, size))) << size;
  }
}

TEST(FrontierTest, ReloadsAtEverySizeFromTilesOfThatSizeAndFromGrownOnes) {
  const std::vector<Digest> leaves = NumberedLeaves(600);
  Frontier whole;
  for (const Digest& leaf : leaves) whole.Append(leaf);
  MemoryTiles grown;
  grown.Put(whole.TakeChangedTiles());
  Frontier frontier;
  MemoryTiles store;
  for (size_t size = 0; size <= leaves.size(); ++size) {
    if (size > 0) frontier.Append(leaves[size - 1]);
    store.Put(frontier.TakeChangedTiles());
    for (const MemoryTiles* tiles : {&store, &grown}) {
      StatusOr<Frontier> loaded = Frontier::Load(*tiles, TreeSize(size));
      ASSERT_TRUE(loaded.ok()) << size << ": " << loaded.status();
      ASSERT_EQ(loaded->Root(), frontier.Root()) << size;
      ASSERT_TRUE(loaded->TakeChangedTiles().empty());
      // It goes on as if it had never been away.
      MemoryTiles continued;
      continued.tiles = TilesAt(*tiles, TreeSize(size));
      for (size_t i = size; i < std::min(size + 3, leaves.size()); ++i) loaded->Append(leaves[i]);
      continued.Put(loaded->TakeChangedTiles());
      ASSERT_EQ(continued.tiles, reference::Tiles(First(leaves, loaded->size().value))) << size;
    }
  }
}

TEST(FrontierTest, BatchesOverSeveralTileLevels) {
  const std::vector<Digest> leaves = NumberedLeaves(140000);
  std::mt19937_64 random(3);
  Frontier frontier;
  MemoryTiles store;
  size_t size = 0;
  while (size < leaves.size()) {
    const size_t batch = std::min<size_t>(1 + random() % 9000, leaves.size() - size);
    for (size_t i = 0; i < batch; ++i) frontier.Append(leaves[size++]);
    const std::vector<TileUpdate> updates = frontier.TakeChangedTiles();
    std::set<TileId> seen;
    for (const TileUpdate& update : updates) {
      ASSERT_TRUE(seen.insert(update.id).second) << "tile " << update.id.level << "/" << update.id.index << " twice";
    }
    store.Put(updates);
    ASSERT_TRUE(frontier.TakeChangedTiles().empty());
    ASSERT_EQ(frontier.Root(), RootOfLeafHashes(First(leaves, size)));
    frontier = Frontier::Load(store, TreeSize(size)).value();
    ASSERT_EQ(frontier.Root(), RootOfLeafHashes(First(leaves, size)));
  }
  EXPECT_EQ(store.tiles, reference::Tiles(leaves));
}

TEST(FrontierTest, ACopyIsIndependent) {
  const std::vector<Digest> leaves = NumberedLeaves(300);
  Frontier frontier;
  for (size_t i = 0; i < 200; ++i) frontier.Append(leaves[i]);
  Frontier copy = frontier;
  for (size_t i = 200; i < 300; ++i) copy.Append(leaves[i]);
  EXPECT_EQ(copy.TakeChangedTiles().size(), 3u);
  EXPECT_EQ(frontier.size(), TreeSize(200));
  EXPECT_EQ(frontier.Root(), reference::Root(First(leaves, 200)));
  EXPECT_EQ(frontier.TakeChangedTiles().size(), 1u);
  EXPECT_EQ(copy.Root(), reference::Root(leaves));
}

TEST(FrontierTest, LoadReadsOnlyThePartialTiles) {
  const std::vector<Digest> leaves = NumberedLeaves(66000);
  Frontier frontier;
  for (const Digest& leaf : leaves) frontier.Append(leaf);
  MemoryTiles store;
  store.Put(frontier.TakeChangedTiles());
  EXPECT_TRUE(Frontier::Load(store, TreeSize(66000)).ok());
  EXPECT_EQ(store.reads, 3);
}

TEST(FrontierTest, DamagedTilesAreDataLoss) {
  const std::vector<Digest> leaves = NumberedLeaves(300);
  Frontier frontier;
  for (const Digest& leaf : leaves) frontier.Append(leaf);
  MemoryTiles store;
  store.Put(frontier.TakeChangedTiles());
  auto load_with = [&](TileId id, const std::string& bytes) {
    MemoryTiles damaged = store;
    damaged.tiles[id] = bytes;
    return Frontier::Load(damaged, TreeSize(300)).status().code();
  };
  const std::string good = store.tiles[{0, 1}];
  EXPECT_EQ(load_with({0, 1}, good), StatusCode::kOk);
  EXPECT_EQ(load_with({0, 1}, good.substr(32)), StatusCode::kDataLoss);
  EXPECT_EQ(load_with({0, 1}, good + "x"), StatusCode::kDataLoss);
  EXPECT_EQ(load_with({0, 1}, std::string(32 * 257, 'x')), StatusCode::kDataLoss);
  EXPECT_EQ(load_with({1, 0}, ""), StatusCode::kDataLoss);
  MemoryTiles missing = store;
  missing.tiles.erase({1, 0});
  EXPECT_EQ(Frontier::Load(missing, TreeSize(300)).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Frontier::Load(store, TreeSize(301)).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Frontier::Load(store, TreeSize(UINT64_MAX)).status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace anamnesis
