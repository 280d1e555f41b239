#include "ledger/engine/tiles_out.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "ledger/base/bytes.h"
#include "ledger/merkle/frontier.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"
#include "tests/support/places.h"

namespace anamnesis {
namespace {

std::unique_ptr<Store> StoreOf(const std::vector<std::string>& leaves) {
  std::unique_ptr<Store> store = MakeMemoryStore();
  Rows rows;
  Frontier frontier;
  for (uint64_t i = 0; i < leaves.size(); ++i) {
    rows.push_back({Family::kLeaves, LeafKey(LeafIndex(i)), leaves[i]});
    frontier.Append(LeafHash(leaves[i]));
  }
  for (const TileUpdate& tile : frontier.TakeChangedTiles()) {
    std::string key;
    AppendBigEndian32(key, tile.id.level);
    AppendBigEndian64(key, tile.id.index);
    rows.push_back({Family::kTiles, key, tile.bytes});
  }
  EXPECT_TRUE(store->Write(rows, true).ok());
  return store;
}

std::vector<std::string> Numbered(size_t count) {
  std::vector<std::string> leaves;
  for (size_t i = 0; i < count; ++i) leaves.push_back(Text("leaf ", i));
  return leaves;
}

StatusOr<std::string> Read(const Store& store, const std::string& path, uint64_t size) {
  const StatusOr<TilePathParts> parts = ParseTilePath(path);
  EXPECT_TRUE(parts.ok()) << path;
  return ReadTile(store, *parts, TreeSize(size));
}

TEST(TilesOutTest, NothingBeyondTheSizeIsGivenThoughItIsStored) {
  const std::unique_ptr<Store> store = StoreOf(Numbered(70'000));
  for (const uint64_t size : {0u, 1u, 255u, 256u, 257u, 600u, 65'535u, 65'536u, 65'793u, 70'000u}) {
    for (const uint32_t level : {0u, 1u, 2u}) {
      const uint64_t hashes = size >> (8 * level);
      for (const uint64_t index : {hashes / 256, hashes / 256 + 1, uint64_t{0}}) {
        const uint64_t begin = index * 256;
        const uint64_t there = hashes > begin ? std::min<uint64_t>(hashes - begin, 256) : 0;
        for (const uint32_t width : {1u, 2u, 88u, 254u, 255u, 256u}) {
          const StatusOr<std::string> tile = Read(*store, TilePath(level, index, width), size);
          EXPECT_EQ(tile.ok(), width <= there) << level << " " << index << " " << width << " of " << size;
          if (!tile.ok()) {
            EXPECT_TRUE(absl::IsNotFound(tile.status()));
            continue;
          }
          EXPECT_EQ(tile->size(), width * 32);
        }
      }
    }
  }
  EXPECT_TRUE(absl::IsNotFound(Read(*store, "tile/9/000.p/1", 70'000).status()));
  EXPECT_TRUE(absl::IsNotFound(Read(*store, "tile/63/000", 70'000).status()));
  EXPECT_TRUE(absl::IsNotFound(Read(*store, TilePath(0, UINT64_MAX / 256, 1), 70'000).status()));
}

TEST(TilesOutTest, BundlesHoldTheLeavesOfTheirTile) {
  const std::vector<std::string> leaves = Numbered(600);
  const std::unique_ptr<Store> store = StoreOf(leaves);
  for (const auto& [index, width] : std::vector<std::pair<uint64_t, uint32_t>>{{0, 256}, {1, 256}, {2, 88}, {2, 3}}) {
    const StatusOr<std::string> bundle = Read(*store, EntriesPath(index, width), 600);
    ASSERT_TRUE(bundle.ok()) << bundle.status();
    const auto entries = ParseEntryBundle(*bundle);
    ASSERT_TRUE(entries.ok());
    ASSERT_EQ(entries->size(), width);
    for (uint32_t i = 0; i < width; ++i) EXPECT_EQ((*entries)[i], leaves[index * 256 + i]);
  }
  EXPECT_TRUE(absl::IsNotFound(Read(*store, EntriesPath(2, 89), 600).status()));
  ASSERT_TRUE(store->Remove(Family::kLeaves, {LeafKey(LeafIndex(300))}).ok());
  EXPECT_TRUE(absl::IsDataLoss(Read(*store, EntriesPath(1), 600).status()));
}

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A log written by another program: from its leaves we make, byte for byte, its tiles and bundles of every size, and
// the roots that it has signed.
TEST(TilesOutTest, TheSameFilesAsTesseraWrites) {
  const std::filesystem::path log = SharedPath("vectors/tessera/testdata/log");
  if (!std::filesystem::exists(log)) GTEST_SKIP() << log << " is absent";
  std::vector<std::string> leaves;
  const std::string all = FileText(log / "tile/entries/000.p/15");
  const auto entries = ParseEntryBundle(all);
  ASSERT_TRUE(entries.ok()) << entries.status();
  for (const std::string_view entry : *entries) leaves.emplace_back(entry);
  const std::unique_ptr<Store> store = StoreOf(leaves);
  int files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(log / "tile")) {
    if (!file.is_regular_file()) continue;
    const std::string path = std::filesystem::relative(file.path(), log).string();
    const StatusOr<std::string> ours = Read(*store, path, leaves.size());
    ASSERT_TRUE(ours.ok()) << path << ours.status();
    EXPECT_EQ(*ours, FileText(file.path())) << path;
    ++files;
  }
  EXPECT_EQ(files, 30);
  const VerifierKey key =
      *VerifierKey::Parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx");
  for (uint64_t size = 0; size <= 15; ++size) {
    const StatusOr<Checkpoint> checkpoint = OpenCheckpoint(FileText(log / Text("checkpoint.", size)), {&key, 1});
    ASSERT_TRUE(checkpoint.ok()) << size << checkpoint.status();
    Frontier frontier;
    for (uint64_t i = 0; i < checkpoint->size.value; ++i) frontier.Append(LeafHash(leaves[i]));
    EXPECT_EQ(frontier.Root(), checkpoint->root) << size;
  }
}

}  // namespace
}  // namespace anamnesis
