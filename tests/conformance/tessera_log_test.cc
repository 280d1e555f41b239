// A real log of another implementation (transparency-dev/tessera): our tree over its entries has its roots and its
// tiles, and its checkpoints open with its key.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ledger/merkle/frontier.h"
#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/note/verifier_key.h"
#include "tests/conformance/vectors.h"

namespace anamnesis {
namespace {

constexpr std::string_view kLog = "tessera/testdata/log";
constexpr uint64_t kSize = 15;

std::string LogFile(std::string_view name) { return ReadVector(VectorsPath(kLog) / name); }

VerifierKey TesseraKey() {
  return VerifierKey::Parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx").value();
}

std::string CheckpointNote(uint64_t size) { return LogFile(Text("checkpoint.", size)); }

Checkpoint CheckpointAt(uint64_t size) {
  const StatusOr<Checkpoint> checkpoint = OpenCheckpoint(CheckpointNote(size), {{TesseraKey()}});
  EXPECT_TRUE(checkpoint.ok()) << size << ": " << checkpoint.status();
  return checkpoint.value_or(Checkpoint());
}

std::vector<std::string> Entries() {
  const std::string bundle = LogFile(EntriesPath(0, kSize));
  const StatusOr<std::vector<std::string_view>> entries = ParseEntryBundle(bundle);
  EXPECT_TRUE(entries.ok()) << entries.status();
  return {entries->begin(), entries->end()};
}

class TheirTiles : public TileReader {
 public:
  StatusOr<std::string> Tile(TileId id) const override {
    if (id != TileId{0, 0}) return absl::NotFoundError("the log has one tile");
    return LogFile(TilePath(0, 0, kSize));
  }
};

TEST(TesseraLogTest, EveryCheckpointIsTheRootOfItsEntriesAndOurTilesAreTheirs) {
  REQUIRE_VECTORS(kLog);
  const std::vector<std::string> entries = Entries();
  ASSERT_EQ(entries.size(), kSize);
  Frontier frontier;
  std::string bundle;
  EXPECT_EQ(CheckpointAt(0).root, EmptyRoot());
  for (uint64_t size = 1; size <= kSize; ++size) {
    frontier.Append(LeafHash(entries[size - 1]));
    const Checkpoint checkpoint = CheckpointAt(size);
    EXPECT_EQ(checkpoint.origin, "example.com/log/testdata");
    EXPECT_EQ(checkpoint.size, TreeSize(size));
    EXPECT_EQ(checkpoint.root, frontier.Root()) << size;
    const std::vector<TileUpdate> tiles = frontier.TakeChangedTiles();
    ASSERT_EQ(tiles.size(), 1u);
    EXPECT_EQ(tiles[0].bytes, LogFile(TilePath(tiles[0].id.level, tiles[0].id.index, static_cast<uint32_t>(size))));
    AppendBundleEntry(bundle, entries[size - 1]);
    EXPECT_EQ(bundle, LogFile(EntriesPath(0, static_cast<uint32_t>(size))));
    // What they wrote, we write.
    const SignedNote note = ParseSignedNote(CheckpointNote(size)).value();
    EXPECT_EQ(FormatSignedNote(note), CheckpointNote(size));
    EXPECT_EQ(FormatCheckpointText(checkpoint), note.text);
  }
  EXPECT_EQ(LogFile("checkpoint"), CheckpointNote(kSize));
}

TEST(TesseraLogTest, ProofsFromTheirTilesVerifyAgainstTheirCheckpoints) {
  REQUIRE_VECTORS(kLog);
  const std::vector<std::string> entries = Entries();
  const TheirTiles tiles;
  const TileNodeReader reader(tiles);
  for (uint64_t to = 1; to <= kSize; ++to) {
    const Checkpoint newer = CheckpointAt(to);
    EXPECT_EQ(Frontier::Load(tiles, TreeSize(to)).value().Root(), newer.root);
    for (uint64_t from = 1; from <= to; ++from) {
      const Checkpoint older = CheckpointAt(from);
      const std::vector<Digest> proof = ConsistencyProof(reader, older.size, newer.size).value();
      EXPECT_TRUE(VerifyConsistency(older.size, newer.size, proof, older.root, newer.root).ok());
      TlogProof receipt;
      receipt.index = LeafIndex(from - 1);
      receipt.hashes = InclusionProof(reader, receipt.index, newer.size).value();
      receipt.checkpoint_note = CheckpointNote(to);
      const TlogProof sent = ParseTlogProof(FormatTlogProof(receipt)).value();
      EXPECT_TRUE(VerifyTlogProof(sent, entries[from - 1], {{TesseraKey()}}).ok());
      EXPECT_FALSE(VerifyTlogProof(sent, entries[from % kSize], {{TesseraKey()}}).ok());
    }
  }
}

TEST(TesseraLogTest, AChangedCheckpointDoesNotOpen) {
  REQUIRE_VECTORS(kLog);
  const std::string note = CheckpointNote(kSize);
  for (size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(OpenCheckpoint(changed, {{TesseraKey()}}).ok()) << i;
  }
}

}  // namespace
}  // namespace anamnesis
