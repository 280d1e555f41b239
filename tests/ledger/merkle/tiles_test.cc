#include "ledger/merkle/tiles.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>
#include <vector>

#include "ledger/merkle/frontier.h"
#include "ledger/merkle/proof.h"
#include "tests/ledger/merkle/memory_tiles.h"
#include "tests/ledger/merkle/merkle_reference.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

TEST(TilePathTest, SpecificationExamples) {
  EXPECT_EQ(TilePath(0, 0), "tile/0/000");
  EXPECT_EQ(TilePath(0, 1234067), "tile/0/x001/x234/067");
  EXPECT_EQ(TilePath(3, 1234, 5), "tile/3/x001/234.p/5");
  EXPECT_EQ(TilePath(7, 999, 255), "tile/7/999.p/255");
  EXPECT_EQ(EntriesPath(0, 1), "tile/entries/000.p/1");
  EXPECT_EQ(EntriesPath(UINT64_MAX), "tile/entries/x018/x446/x744/x073/x709/x551/615");
}

TEST(TilePathTest, ParsingIsTheInverse) {
  for (uint64_t index : {uint64_t{0}, uint64_t{7}, uint64_t{999}, uint64_t{1000}, uint64_t{1001}, uint64_t{999999},
                         uint64_t{1000000}, uint64_t{1234067}, UINT64_MAX}) {
    for (uint32_t width : {1u, 255u, 256u}) {
      for (uint32_t level : {0u, 1u, 63u}) {
        const TilePathParts parts = ParseTilePath(TilePath(level, index, width)).value();
        EXPECT_FALSE(parts.entries);
        EXPECT_EQ(parts.id, (TileId{level, index}));
        EXPECT_EQ(parts.width, width);
      }
      const TilePathParts parts = ParseTilePath(EntriesPath(index, width)).value();
      EXPECT_TRUE(parts.entries);
      EXPECT_EQ(parts.id, (TileId{0, index}));
      EXPECT_EQ(parts.width, width);
    }
  }
}

TEST(TilePathTest, OtherSpellingsAreRefused) {
  for (std::string_view path : {"",
                                "tile",
                                "tile/",
                                "tile/0",
                                "tile/0/",
                                "tile/0/0",
                                "tile/0/00",
                                "tile/0/0000",
                                "tile/0/x000",
                                "tile/0/x000/000",
                                "tile/0/x000/001",
                                "tile/0/001/002",
                                "tile/0/x001/x002",
                                "tile/0/x001/2",
                                "tile/0/x001//002",
                                "tile/00/000",
                                "tile/01/000",
                                "tile/64/000",
                                "tile/-1/000",
                                "tile/+1/000",
                                "tile/99999999999999999999/000",
                                "tile/0/000.p",
                                "tile/0/000.p/",
                                "tile/0/000.p/0",
                                "tile/0/000.p/256",
                                "tile/0/000.p/01",
                                "tile/0/000.p/1/",
                                "tile/0/000.p/1 ",
                                "/tile/0/000",
                                "tile/0/000/",
                                "tile/0/0a0",
                                "tile/entries",
                                "tile/entries/",
                                "tile/entries/x000",
                                "tile/data/000",
                                "tile/0/x018/x446/x744/x073/x709/x551/616",
                                "tile/0/x999/x999/x999/x999/x999/x999/x999/999"}) {
    EXPECT_EQ(ParseTilePath(path).status().code(), StatusCode::kInvalidArgument) << path;
  }
}

TEST(TileWidthTest, SpecificationExample) {
  // "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width 112, one
  // full level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width 1"
  const TreeSize size(70000);
  EXPECT_EQ(TileWidthAt({0, 272}, size), 256u);
  EXPECT_EQ(TileWidthAt({0, 273}, size), 112u);
  EXPECT_EQ(TileWidthAt({0, 274}, size), 0u);
  EXPECT_EQ(TileWidthAt({1, 0}, size), 256u);
  EXPECT_EQ(TileWidthAt({1, 1}, size), 17u);
  EXPECT_EQ(TileWidthAt({1, 2}, size), 0u);
  EXPECT_EQ(TileWidthAt({2, 0}, size), 1u);
  EXPECT_EQ(TileWidthAt({3, 0}, size), 0u);
  EXPECT_EQ(TileWidthAt({8, 0}, TreeSize(UINT64_MAX)), 0u);
  EXPECT_EQ(TileWidthAt({0, UINT64_MAX}, TreeSize(UINT64_MAX)), 0u);
  EXPECT_EQ(TileWidthAt({0, 0}, TreeSize(0)), 0u);
  EXPECT_EQ(TileWidthAt({0, 1}, TreeSize(256)), 0u);
}

TEST(EntryBundleTest, RoundTripAndTruncation) {
  std::string bundle;
  const std::vector<std::string> leaves = {"a", "", std::string(65535, 'x'), std::string("\0\1", 2)};
  for (const std::string& leaf : leaves) AppendBundleEntry(bundle, leaf);
  EXPECT_EQ(bundle.substr(0, 5), std::string("\0\1a\0\0", 5));
  const std::vector<std::string_view> parsed = ParseEntryBundle(bundle).value();
  EXPECT_EQ(std::vector<std::string>(parsed.begin(), parsed.end()), leaves);
  EXPECT_TRUE(ParseEntryBundle("").value().empty());
  for (size_t cut : {size_t{1}, size_t{2}, size_t{4}, size_t{6}, bundle.size() - 1, bundle.size() - 3}) {
    EXPECT_EQ(ParseEntryBundle(std::string_view(bundle).substr(0, cut)).status().code(), StatusCode::kInvalidArgument)
        << cut;
  }
  EXPECT_EQ(ParseEntryBundle(std::string(512, '\0')).value().size(), 256u);
  EXPECT_EQ(ParseEntryBundle(std::string(514, '\0')).status().code(), StatusCode::kInvalidArgument);
}

class TileNodeReaderTest : public testing::Test {
 protected:
  explicit TileNodeReaderTest(size_t size = 66000) : leaves_(NumberedLeaves(size)), reader_(tiles_) {
    Frontier frontier;
    for (const Digest& leaf : leaves_) frontier.Append(leaf);
    tiles_.Put(frontier.TakeChangedTiles());
  }

  std::vector<Digest> leaves_;
  MemoryTiles tiles_;
  TileNodeReader reader_;
};

TEST_F(TileNodeReaderTest, NodesAndProofsAreThoseOfTheTreeInMemory) {
  const MemoryNodeReader memory(leaves_);
  std::mt19937_64 random(1);
  for (uint32_t level = 0; level <= 16; ++level) {
    const uint64_t nodes = leaves_.size() >> level;
    for (int round = 0; round < 300; ++round) {
      const uint64_t index = round == 0 ? nodes - 1 : random() % nodes;
      ASSERT_EQ(reader_.Node(level, index).value(), memory.Node(level, index).value()) << level << " " << index;
    }
  }
  for (int round = 0; round < 200; ++round) {
    const TreeSize to(1 + random() % leaves_.size());
    const TreeSize from(1 + random() % to.value);
    const LeafIndex index(random() % to.value);
    ASSERT_EQ(RootAt(reader_, to).value(), RootAt(memory, to).value());
    ASSERT_EQ(InclusionProof(reader_, index, to).value(), InclusionProof(memory, index, to).value());
    ASSERT_EQ(ConsistencyProof(reader_, from, to).value(), ConsistencyProof(memory, from, to).value());
  }
}

TEST_F(TileNodeReaderTest, NeighbouringProofsReadFewTiles) {
  tiles_.reads = 0;
  for (uint64_t i = 65536; i < leaves_.size(); ++i) {
    ASSERT_TRUE(InclusionProof(reader_, LeafIndex(i), TreeSize(leaves_.size())).ok());
  }
  EXPECT_LE(tiles_.reads, 10);
}

TEST_F(TileNodeReaderTest, BeyondTheTreeIsDataLoss) {
  EXPECT_EQ(reader_.Node(0, leaves_.size()).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(reader_.Node(3, leaves_.size() / 8).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(reader_.Node(0, 1 << 20).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(reader_.Node(24, 0).status().code(), StatusCode::kDataLoss);
}

TEST_F(TileNodeReaderTest, ImpossibleNodesAreOutOfRange) {
  for (uint32_t level : {64u, 65u, 1000u, UINT32_MAX}) {
    EXPECT_EQ(reader_.Node(level, 0).status().code(), StatusCode::kOutOfRange) << level;
  }
  EXPECT_EQ(reader_.Node(0, UINT64_MAX).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(reader_.Node(63, 1).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(reader_.Node(7, UINT64_MAX >> 7).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(reader_.Node(7, (UINT64_MAX >> 7) - 1).status().code(), StatusCode::kDataLoss);
}

TEST_F(TileNodeReaderTest, DamagedTilesAreDataLoss) {
  const TileId id{0, 5};
  const std::string good = tiles_.tiles[id];
  for (const std::string& bad : {good.substr(0, good.size() - 1), good + "x", good + std::string(32, 'x'),
                                 std::string(), good.substr(0, 32 * 100)}) {
    tiles_.tiles[id] = bad;
    EXPECT_EQ(TileNodeReader(tiles_).Node(0, 5 * 256 + 200).status().code(), StatusCode::kDataLoss) << bad.size();
  }
  tiles_.tiles[id] = good.substr(0, 32 * 201);
  EXPECT_TRUE(TileNodeReader(tiles_).Node(0, 5 * 256 + 200).ok());
  EXPECT_EQ(TileNodeReader(tiles_).Node(7, 5 * 2 + 1).status().code(), StatusCode::kDataLoss);
  tiles_.tiles.erase(id);
  EXPECT_EQ(TileNodeReader(tiles_).Node(0, 5 * 256).status().code(), StatusCode::kDataLoss);
}

TEST_F(TileNodeReaderTest, ATileThatGrewIsReadAgain) {
  const TileId id{0, 5};
  const std::string good = tiles_.tiles[id];
  tiles_.tiles[id] = good.substr(0, 32 * 10);
  EXPECT_TRUE(reader_.Node(0, 5 * 256 + 9).ok());
  EXPECT_FALSE(reader_.Node(0, 5 * 256 + 10).ok());
  tiles_.tiles[id] = good;
  EXPECT_EQ(reader_.Node(0, 5 * 256 + 10).value(), leaves_[5 * 256 + 10]);
  EXPECT_EQ(reader_.Node(8, 5).value(), reference::Root(std::span<const Digest>(leaves_).subspan(5 * 256, 256)));
}

}  // namespace
}  // namespace anamnesis
