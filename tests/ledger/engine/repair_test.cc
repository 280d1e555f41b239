// A damaged ledger is mended from a peer: damage of each kind, a peer that lies in each way, and an end at any moment.

#include "ledger/engine/repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "anamnesis/internal/state.pb.h"
#include "ledger/commit/apply.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/frontier.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/state/erasures.h"
#include "ledger/state/recorded_event.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/ledger/engine/repair_sources.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/killed_process.h"
#include "tests/support/sanitized.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using absl::StatusCode;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

RepairOptions Quick() {
  RepairOptions options;
  options.fsck.threads = 2;
  options.fsck.cache_bytes = 8u << 20;
  return options;
}

StoredLedger::Key LeafRow(uint64_t index) { return {Family::kLeaves, LeafKey(LeafIndex(index))}; }
StoredLedger::Key BodyRow(uint64_t index) { return {Family::kBodies, LeafKey(LeafIndex(index))}; }
StoredLedger::Key TileRow(TileId id) { return {Family::kTiles, TileKey(id)}; }

void Flip(std::string& bytes, std::mt19937_64& random) {
  bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
}

// Without what says that projections are being made.
std::map<StoredLedger::Key, std::string> RowsOf(const std::string& dir) {
  std::map<StoredLedger::Key, std::string> rows = StoredLedger::Read(dir).rows;
  std::erase_if(rows, [](const auto& row) {
    return row.first.first == Family::kMeta && (row.first.second == "rebuilding" || row.first.second == "copying");
  });
  return rows;
}

std::string ToText(const RepairReport& report) {
  std::string text;
  for (const Damage& damage : report.damage) text += damage.Line() + "\n";
  for (const FsckProblem& problem : report.after.problems) text += Text("after: ", problem.what, "\n");
  return text;
}

class RepairTest : public testing::Test {
 protected:
  // 600 events and more, three tiles of leaf hashes; the peer has 50 more. Leaf `subject` was erased.
  struct Made {
    ScratchDirectory dir;
    ScratchDirectory peer;
    // The same before the erasure.
    ScratchDirectory before;
    StoredLedger whole;
    uint64_t subject = 0;
    Made() {
      LedgerMaker maker(dir.path());
      subject = maker.ledger().tree_size();
      maker.Append(maker.admin().Write({EnrolByName("subject", kName)}));
      maker.GrowTo(570);
      maker.Close();
      std::filesystem::copy(dir.path(), before.path(), kInto);
      maker.Open();
      maker.Append(maker.admin().Write({EraseBodies({subject})}));
      EXPECT_TRUE(maker.ledger().FinishErasures().ok());
      maker.GrowTo(600);
      maker.Close();
      whole = StoredLedger::Read(dir.path());
      maker.Open();
      maker.GrowTo(650);
      maker.Close();
      std::filesystem::copy(dir.path(), peer.path(), kInto);
    }
    static constexpr auto kInto =
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;
  };
  static const Made& made() {
    static const Made made;
    return made;
  }

  RepairTest() : source_(made().peer.path()), damaged_(made().whole) {}

  uint64_t size() const { return made().whole.KeysOf(Family::kLeaves).size(); }
  std::string& Row(const StoredLedger::Key& key) { return damaged_.rows.at(key); }

  RepairReport RepairFrom(RepairSource& source, const RepairOptions& options = Quick()) {
    damaged_.Write(dir_.path());
    const StatusOr<RepairReport> report = Repair(dir_.path(), source, options);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(RepairReport());
  }

  // Repairs from a peer that tells the truth, and compares every row with what was there before the damage.
  RepairReport ExpectMended() {
    const RepairReport report = RepairFrom(source_);
    EXPECT_FALSE(report.before.ok());
    EXPECT_TRUE(report.after.ok()) << ToText(report);
    for (const Damage& damage : report.damage) EXPECT_TRUE(damage.mended) << damage.Line();
    ExpectWhole();
    return report;
  }

  void ExpectWhole() {
    ScratchDirectory whole;
    made().whole.Write(whole.path());
    const auto expected = RowsOf(whole.path());
    const auto rows = RowsOf(dir_.path());
    EXPECT_EQ(rows.size(), expected.size());
    for (const auto& [key, value] : expected) {
      const auto found = rows.find(key);
      ASSERT_TRUE(found != rows.end()) << FamilyName(key.first) << " " << HexEncode(key.second);
      EXPECT_EQ(found->second, value) << FamilyName(key.first) << " " << HexEncode(key.second);
    }
  }

  DirectorySource source_;
  StoredLedger damaged_;
  ScratchDirectory dir_;
  std::mt19937_64 random_{1};
};

TEST_F(RepairTest, AWholeLedgerIsLeftAlone) {
  const RepairReport report = RepairFrom(source_);
  EXPECT_TRUE(report.before.ok());
  EXPECT_TRUE(report.damage.empty());
  EXPECT_FALSE(report.rebuilt);
  EXPECT_EQ(source_.calls, 0);
}

TEST_F(RepairTest, LeavesAndBodies) {
  Flip(Row(LeafRow(20)), random_);
  damaged_.rows.erase(LeafRow(21));
  std::swap(Row(LeafRow(300)), Row(LeafRow(301)));
  Flip(Row(BodyRow(40)), random_);
  damaged_.rows.erase(BodyRow(size() - 1));
  const RepairReport report = ExpectMended();
  EXPECT_EQ(report.damage.size(), 6u) << ToText(report);
  EXPECT_THAT(ToText(report), HasSubstr("leaf 20: its bytes are not those that the tree committed to: mended: fetched "
                                        "from the peer"));
  EXPECT_THAT(ToText(report), HasSubstr("leaf 40: its body is not the one that the header commits to: mended"));
  EXPECT_FALSE(report.rebuilt);
  // Only what was wrong was asked for.
  EXPECT_LT(source_.calls, 10);
}

TEST_F(RepairTest, TilesAreComputedFromTheLeaves) {
  Flip(Row(TileRow({0, 0})), random_);
  damaged_.rows.erase(TileRow({0, 1}));
  Flip(Row(TileRow({0, 2})), random_);
  Flip(Row(TileRow({1, 0})), random_);
  const RepairReport report = ExpectMended();
  EXPECT_EQ(report.damage.size(), 4u) << ToText(report);
}

TEST_F(RepairTest, LeavesWithTheTilesAboveThem) {
  for (const uint64_t index : {uint64_t{5}, uint64_t{280}, size() - 2}) Flip(Row(LeafRow(index)), random_);
  for (const TileId& id : {TileId{0, 0}, TileId{0, 1}, TileId{0, 2}, TileId{1, 0}}) Flip(Row(TileRow(id)), random_);
  ExpectMended();
}

TEST_F(RepairTest, ATreeThatAgreesWithForgedLeavesButNotWithTheRoot) {
  Flip(Row(LeafRow(100)), random_);
  Frontier frontier;
  for (const auto& key : damaged_.KeysOf(Family::kLeaves)) frontier.Append(LeafHash(damaged_.rows[key]));
  for (TileUpdate& tile : frontier.TakeChangedTiles()) Row(TileRow(tile.id)) = tile.bytes;
  ExpectMended();
}

TEST_F(RepairTest, Projections) {
  for (const Family family : {Family::kEventIds, Family::kStreams, Family::kStreamEvents}) {
    Flip(Row(damaged_.KeysOf(family).front()), random_);
    damaged_.rows.erase(damaged_.KeysOf(family).back());
  }
  EXPECT_TRUE(ExpectMended().rebuilt);
}

TEST_F(RepairTest, TheAppliedRootIsTakenFromACheckpointOverAll) {
  const StoredLedger::Key key{Family::kMeta, std::string(kAppliedKey)};
  internal::AppliedState applied;
  ASSERT_TRUE(applied.ParseFromString(Row(key)));
  (*applied.mutable_root())[3] ^= 1;
  applied.set_last_recorded_us(7);
  Row(key) = applied.SerializeAsString();
  ExpectMended();
}

TEST_F(RepairTest, RowsOfNothing) {
  damaged_.rows[LeafRow(size() + 3)] = "x";
  damaged_.rows[BodyRow(size() + 3)] = "x";
  damaged_.rows[TileRow({0, 9})] = "x";
  EXPECT_EQ(ExpectMended().damage.size(), 3u);
}

TEST_F(RepairTest, WhatWasErasedStaysErased) {
  const auto subject = BodyRow(made().subject);
  ASSERT_FALSE(damaged_.rows.contains(subject));
  // The peer has not seen the erasure.
  DirectorySource old(made().before.path());
  Flip(Row(LeafRow(made().subject)), random_);
  Flip(Row(BodyRow(made().subject + 1)), random_);
  const RepairReport report = RepairFrom(old);
  EXPECT_TRUE(report.after.ok()) << ToText(report);
  ExpectWhole();
  EXPECT_THAT(FilesHolding(dir_.path(), kName), IsEmpty());
}

TEST_F(RepairTest, WhatIsThereThoughItWasErasedGoes) {
  const auto subject = BodyRow(made().subject);
  damaged_.rows[subject] = StoredLedger::Read(made().before.path()).rows.at(subject);
  const RepairReport report = ExpectMended();
  EXPECT_THAT(ToText(report), HasSubstr("its body was erased, and is still there: mended: removed"));
  EXPECT_THAT(FilesHolding(dir_.path(), kName), IsEmpty());
}

TEST_F(RepairTest, NothingErasableIsBroughtBackWhileErasuresCantBeRead) {
  // The body of the erasing event is lost, here and there.
  const uint64_t erasing = [&] {
    const auto keys = made().whole.KeysOf(Family::kEntities);
    const std::string prefix = Text('z', LeafKey(LeafIndex(made().subject)));
    return ByteReader(made().whole.rows.at({Family::kEntities, prefix})).BigEndian64().value();
  }();
  damaged_.rows.erase(BodyRow(erasing));
  DirectorySource old(made().before.path());
  LyingSource without(old, [&](internal::CopyChunk chunk) { return StatusOr<internal::CopyChunk>(chunk); });
  const RepairReport report = RepairFrom(without);
  EXPECT_FALSE(report.after.ok());
  EXPECT_THAT(FilesHolding(dir_.path(), kName), IsEmpty());
}

// A flipped bit in what was erased: the body still parses, and names another person's.
TEST_F(RepairTest, AnErasureIsBelievedByItsCommitmentOnly) {
  uint64_t erasing = 0;
  uint64_t other = 0;
  for (uint64_t index = 4; index < size(); ++index) {
    const auto body = damaged_.rows.find(BodyRow(index));
    const LoadedEvent event =
        ParseStoredEvent(LeafIndex(index), Row(LeafRow(index)), body == damaged_.rows.end() ? "" : body->second)
            .value();
    const std::string& type = event.header.fields.type();
    if (type == "subject_data.erased") erasing = index;
    if (type == "person.enrolled" && event.body != nullptr) other = index;
  }
  ASSERT_GT(erasing, 0u);
  ASSERT_GT(other, 0u);
  std::string& row = Row(BodyRow(erasing));
  v1::SubjectDataErased body;
  ASSERT_TRUE(body.ParseFromString(row.substr(kNonceBytes)));
  body.set_erased_indexes(0, other);
  row = row.substr(0, kNonceBytes) + body.SerializeAsString();
  const StoredLedger::Key live = BodyRow(other);
  const std::string before = Row(live);
  // The peer has not seen the erasure, so it could give the body that was erased, and not that of the erasure.
  DirectorySource old(made().before.path());
  const RepairReport report = RepairFrom(old);
  EXPECT_FALSE(report.after.ok());
  EXPECT_EQ(RowsOf(dir_.path()).at(live), before);
  EXPECT_THAT(FilesHolding(dir_.path(), kName), IsEmpty());
  // Whoever has it mends it then.
  const StatusOr<RepairReport> again = Repair(dir_.path(), source_, Quick());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->after.ok()) << ToText(*again);
  ExpectWhole();
}

TEST_F(RepairTest, ALostErasureIsDerivedAgain) {
  damaged_.rows.erase({Family::kEntities, Text('z', LeafKey(LeafIndex(made().subject)))});
  EXPECT_TRUE(ExpectMended().rebuilt);
}

TEST_F(RepairTest, ALiarChangesNothing) {
  DirectorySource other(made().before.path());
  struct Case {
    const char* how;
    LyingSource::Lie lie;
  };
  const auto changed = [](const auto& change) {
    return [change](internal::CopyChunk chunk) -> StatusOr<internal::CopyChunk> {
      for (internal::CopiedEvent& event : *chunk.mutable_events()) change(event);
      return chunk;
    };
  };
  const Case cases[] = {
      {"another leaf, another body", changed([](internal::CopiedEvent& event) {
         event.mutable_leaf()->back() = static_cast<char>(event.leaf().back() ^ 1);
         if (event.has_body()) event.mutable_body()->back() = static_cast<char>(event.body().back() ^ 1);
       })},
      {"no bytes", changed([](internal::CopiedEvent& event) {
         event.clear_leaf();
         event.set_body("");
       })},
      {"no body", changed([](internal::CopiedEvent& event) {
         event.mutable_leaf()->push_back('x');
         event.clear_body();
       })},
      {"a leaf of another place",
       [&](internal::CopyChunk chunk) -> StatusOr<internal::CopyChunk> {
         const uint64_t first = chunk.first_index();
         const uint64_t at = first == 0 ? 1 : first - 1;
         const auto count = static_cast<uint64_t>(chunk.events_size());
         ASSIGN_OR_RETURN(chunk, other.Read(LeafIndex(at), TreeSize(at + count)));
         chunk.set_first_index(first);
         return chunk;
       }},
      {"nothing",
       [](internal::CopyChunk chunk) {
         chunk.clear_events();
         return StatusOr<internal::CopyChunk>(chunk);
       }},
      {"more than was asked for",
       [](internal::CopyChunk chunk) {
         *chunk.add_events() = internal::CopiedEvent(chunk.events(0));
         while (chunk.events_size() < 300) *chunk.add_events() = internal::CopiedEvent(chunk.events(0));
         return StatusOr<internal::CopyChunk>(chunk);
       }},
      {"it can't be asked",
       [](const internal::CopyChunk&) { return StatusOr<internal::CopyChunk>(absl::UnavailableError("gone")); }},
  };
  for (const bool with_tile : {false, true}) {
    for (const Case& one : cases) {
      SCOPED_TRACE(Text(one.how, with_tile ? ", and the tile is damaged too" : ""));
      if (kSanitized && with_tile != (&one - cases) % 2) continue;
      damaged_ = made().whole;
      Flip(Row(LeafRow(30)), random_);
      Flip(Row(BodyRow(31)), random_);
      if (with_tile) Flip(Row(TileRow({0, 0})), random_);
      const ScratchDirectory dir;
      damaged_.Write(dir.path());
      const auto before = RowsOf(dir.path());
      LyingSource liar(source_, one.lie);
      const StatusOr<RepairReport> report = Repair(dir.path(), liar, Quick());
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_FALSE(report->after.ok());
      EXPECT_FALSE(report->damage.empty());
      for (const Damage& damage : report->damage) EXPECT_FALSE(damage.mended) << damage.Line();
      EXPECT_EQ(RowsOf(dir.path()), before);
      // Whoever tells the truth mends it then.
      const StatusOr<RepairReport> again = Repair(dir.path(), source_, Quick());
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_TRUE(again->after.ok()) << ToText(*again);
    }
  }
}

// What wasn't mended tells nothing: the tree is known, and the last piece of it is still damaged.
TEST_F(RepairTest, APeerThatGoesAwayMidwayLeavesTheAppliedStateAlone) {
  const StoredLedger::Key applied{Family::kMeta, std::string(kAppliedKey)};
  const TileId last_tile{0, (size() - 1) / kTileWidth};
  ASSERT_NE(size() % kTileWidth, 0u);
  for (const bool missing : {false, true}) {
    bool mended = false;
    int stayed = 0;
    for (int answers = 0; !mended; ++answers) {
      SCOPED_TRACE(Text("the tile is ", missing ? "missing" : "damaged", ", the peer gives ", answers, " answers"));
      damaged_ = made().whole;
      if (missing) {
        damaged_.rows.erase(TileRow(last_tile));
      } else {
        Flip(Row(TileRow(last_tile)), random_);
      }
      const std::string last = Row(LeafRow(size() - 1));
      const LeafView view = ParseLeaf(last).value();
      Row(LeafRow(size() - 1)) = EncodeLeaf(Timestamp(7), view.header, view.seal);
      const ScratchDirectory dir;
      damaged_.Write(dir.path());
      int left = answers;
      LyingSource gone(source_, [&](internal::CopyChunk chunk) -> StatusOr<internal::CopyChunk> {
        if (left-- <= 0) return absl::UnavailableError("gone");
        return chunk;
      });
      const StatusOr<RepairReport> report = Repair(dir.path(), gone, Quick());
      mended = report.ok() && report->after.ok();
      if (report.ok() && !mended) ++stayed;
      EXPECT_EQ(RowsOf(dir.path()).at(applied), made().whole.rows.at(applied));
    }
    EXPECT_GT(stayed, 0);
  }
}

TEST_F(RepairTest, AnotherLedgersLeavesAreNotTaken) {
  const ScratchDirectory other;
  LedgerMaker maker(other.path());
  maker.clock().StepBack(-77000000);
  maker.GrowTo(700);
  maker.Close();
  DirectorySource stranger(other.path());
  for (const uint64_t index : {2, 50, 260}) Flip(Row(LeafRow(index)), random_);
  for (const TileId& id : {TileId{0, 0}, TileId{0, 1}}) Flip(Row(TileRow(id)), random_);
  Flip(Row(TileRow({1, 0})), random_);
  damaged_.Write(dir_.path());
  const auto before = RowsOf(dir_.path());
  const StatusOr<RepairReport> report = Repair(dir_.path(), stranger, Quick());
  EXPECT_EQ(report.status().code(), StatusCode::kDataLoss) << report.status();
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("make the tree of"));
  EXPECT_EQ(RowsOf(dir_.path()), before);
}

TEST_F(RepairTest, ACheckpointThatDisagreesStopsIt) {
  Flip(Row(LeafRow(30)), random_);
  damaged_.Write(dir_.path());
  const auto before = RowsOf(dir_.path());
  for (const uint64_t over : {uint64_t{100}, uint64_t{256}, size(), size() + 1}) {
    RepairOptions options = Quick();
    options.checkpoint = Checkpoint{std::string(kTestOrigin), TreeSize(over), LeafHash("another tree")};
    const StatusOr<RepairReport> report = Repair(dir_.path(), source_, options);
    EXPECT_EQ(report.status().code(), StatusCode::kDataLoss) << report.status();
  }
  EXPECT_EQ(RowsOf(dir_.path()), before);
  Frontier frontier;
  for (uint64_t index = 0; index < 300; ++index) frontier.Append(LeafHash(made().whole.rows.at(LeafRow(index))));
  RepairOptions options = Quick();
  options.checkpoint = Checkpoint{std::string(kTestOrigin), TreeSize(300), frontier.Root()};
  const StatusOr<RepairReport> report = Repair(dir_.path(), source_, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->after.ok()) << ToText(*report);
}

// What is right by itself may be another history than the one that is trusted.
TEST_F(RepairTest, ACheckpointThatDisagreesWithAWholeLedgerIsSaid) {
  damaged_.Write(dir_.path());
  const auto before = RowsOf(dir_.path());
  const auto repair = [&](const std::string& origin, uint64_t over, const Digest& root) {
    RepairOptions options = Quick();
    options.checkpoint = Checkpoint{origin, TreeSize(over), root};
    return Repair(dir_.path(), source_, options);
  };
  const std::string origin(kTestOrigin);
  Frontier frontier;
  for (uint64_t index = 0; index < size(); ++index) {
    frontier.Append(LeafHash(made().whole.rows.at(LeafRow(index))));
    const uint64_t over = index + 1;
    if (over != 100 && over != 256 && over != size()) continue;
    EXPECT_EQ(repair(origin, over, LeafHash("another tree")).status().code(), StatusCode::kDataLoss) << over;
    EXPECT_EQ(repair("other.example", over, frontier.Root()).status().code(), StatusCode::kInvalidArgument) << over;
    const StatusOr<RepairReport> agreed = repair(origin, over, frontier.Root());
    ASSERT_TRUE(agreed.ok()) << agreed.status();
    EXPECT_TRUE(agreed->after.ok());
  }
  EXPECT_EQ(repair(origin, size() + 1, frontier.Root()).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(RowsOf(dir_.path()), before);
  EXPECT_EQ(source_.calls, 0);
}

TEST_F(RepairTest, ItsOwnCheckpointStopsItToo) {
  Flip(Row(LeafRow(30)), random_);
  const std::string& file = damaged_.files.at("checkpoint.key");
  const NamedKey key = ParsePrivateKey(file.substr(0, file.find('\n'))).value();
  const auto signed_by = [](const NamedKey& signer, const Checkpoint& checkpoint) {
    SignedNote note{FormatCheckpointText(checkpoint), {}};
    note.signatures.push_back(SignNote(note.text, signer.name, signer.key));
    return FormatSignedNote(note);
  };
  const NamedKey stranger{std::string(kTestOrigin), KeyOfSeed(99)};
  const Checkpoint another{std::string(kTestOrigin), TreeSize(256), LeafHash("another tree")};
  const std::string good = damaged_.files.at("checkpoint");
  struct Case {
    const char* what;
    std::string note;
    const NamedKey& held;
  };
  for (const Case& one :
       {Case{"of another tree", signed_by(key, another), key},
        Case{"of another tree, and the key was rotated since", signed_by(key, another), stranger},
        Case{"by nobody's key", signed_by(stranger, another), key}, Case{"damaged", "x" + good, key}}) {
    SCOPED_TRACE(one.what);
    const ScratchDirectory dir;
    damaged_.files["checkpoint"] = one.note;
    damaged_.files["checkpoint.key"] = FormatPrivateKey(one.held) + "\n";
    damaged_.Write(dir.path());
    const auto before = RowsOf(dir.path());
    const StatusOr<RepairReport> report = Repair(dir.path(), source_, Quick());
    EXPECT_EQ(report.status().code(), StatusCode::kDataLoss) << report.status();
    EXPECT_EQ(RowsOf(dir.path()), before);
  }
  // By a key that was rotated out it holds as ever.
  damaged_.files["checkpoint"] = good;
  damaged_.files["checkpoint.key"] = FormatPrivateKey(stranger) + "\n";
  EXPECT_TRUE(RepairFrom(source_).after.ok());
}

TEST_F(RepairTest, WhateverIsDamagedAtRandom) {
  for (int seed = 0; seed < Repeated(25); ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(static_cast<uint64_t>(seed));
    damaged_ = made().whole;
    std::vector<StoredLedger::Key> keys;
    for (const auto& [key, value] : damaged_.rows) {
      if (key.first != Family::kMeta && !value.empty()) keys.push_back(key);
    }
    for (uint64_t n = 1 + random_() % 30; n > 0; --n) {
      // Half of them in the log.
      StoredLedger::Key key = keys[random_() % keys.size()];
      if (random_() % 2 == 0) key = random_() % 2 == 0 ? LeafRow(random_() % size()) : BodyRow(random_() % size());
      if (!damaged_.rows.contains(key)) continue;
      if (random_() % 4 == 0) {
        damaged_.rows.erase(key);
      } else {
        Flip(Row(key), random_);
      }
    }
    const ScratchDirectory dir;
    damaged_.Write(dir.path());
    const StatusOr<RepairReport> report = Repair(dir.path(), source_, Quick());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->after.ok()) << ToText(*report);
    const ScratchDirectory whole;
    made().whole.Write(whole.path());
    EXPECT_EQ(RowsOf(dir.path()), RowsOf(whole.path()));
  }
}

// Run by the tests below in processes of its own, which are killed.
TEST(RepairProcess, DISABLED_Repair) {
  const char* const directories = std::getenv("ANAMNESIS_REPAIR");
  ASSERT_NE(directories, nullptr);
  const std::string text = directories;
  const size_t colon = text.find(':');
  DirectorySource source(text.substr(colon + 1));
  const StatusOr<RepairReport> report = Repair(text.substr(0, colon), source, Quick());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->after.ok()) << ToText(*report);
}

// Repairs of `dir` are killed until one gets to its end.
void RepairWithKills(const std::string& dir, const std::string& peer, std::mt19937_64& random) {
  const OwnTest repair = {"RepairProcess.DISABLED_Repair", "ANAMNESIS_REPAIR"};
  const ScratchDirectory undisturbed;
  std::filesystem::copy(dir, undisturbed.path(), std::filesystem::copy_options::recursive);
  const auto whole = RunWhole(repair, Text(undisturbed.path(), ":", peer));
  EXPECT_GT(KillUntilItEnds(repair, Text(dir, ":", peer), whole, random), 5);
}

TEST_F(RepairTest, EndedAtAnyMomentItGoesOn) {
  for (uint64_t seed = 0; seed < (kSanitized ? 1 : 2); ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(static_cast<uint64_t>(seed));
    damaged_ = made().whole;
    for (int i = 0; i < 40; ++i) Flip(Row(LeafRow(random_() % size())), random_);
    Flip(Row(damaged_.KeysOf(Family::kStreams).front()), random_);
    const ScratchDirectory dir;
    damaged_.Write(dir.path());
    RepairWithKills(dir.path(), made().peer.path(), random_);
    const ScratchDirectory whole;
    made().whole.Write(whole.path());
    EXPECT_EQ(RowsOf(dir.path()), RowsOf(whole.path()));
  }
}

// Bytes of table files changed, which their checksums tell.
void DamageTables(const std::string& dir, int flips, std::mt19937_64& random) {
  std::vector<std::filesystem::path> tables;
  for (const auto& entry : std::filesystem::directory_iterator(DatabasePath(dir))) {
    if (entry.path().extension() == ".sst" && entry.file_size() > 20000) tables.push_back(entry.path());
  }
  std::sort(tables.begin(), tables.end());
  ASSERT_FALSE(tables.empty());
  for (; flips > 0; --flips) {
    const auto& path = tables[random() % tables.size()];
    // The data, not the index at the end, without which nothing can be opened.
    const auto at = static_cast<std::streamoff>(random() % (std::filesystem::file_size(path) / 2));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 4));
  }
}

TEST_F(RepairTest, WhatTheStorageCantReadIsMadeAnew) {
  for (uint64_t seed = 0; seed < (kSanitized ? 1 : 4); ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    const ScratchDirectory dir;
    made().whole.Write(dir.path());
    DamageTables(dir.path(), 3, random_);
    const StatusOr<RepairReport> report = Repair(dir.path(), source_, Quick());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->after.ok()) << ToText(*report);
    EXPECT_TRUE(report->made_anew);
    EXPECT_THAT(ToText(*report), HasSubstr("the storage can't read all of its files"));
    EXPECT_FALSE(std::filesystem::exists(dir.path() + "/db.damaged"));
    EXPECT_FALSE(std::filesystem::exists(dir.path() + "/repair"));
    EXPECT_THAT(FilesHolding(dir.path(), kName), IsEmpty());
    const ScratchDirectory whole;
    made().whole.Write(whole.path());
    EXPECT_EQ(RowsOf(dir.path()), RowsOf(whole.path()));
    // And it is a ledger that goes on.
    const auto opened = Ledger::Open(dir.path(), {});
    EXPECT_TRUE(opened.ok()) << opened.status();
  }
}

TEST_F(RepairTest, MadeAnewWithBodiesThatAreWrongOrLost) {
  std::vector<uint64_t> erasable;
  for (uint64_t index = 4; index < size(); ++index) {
    const auto body = damaged_.rows.find(BodyRow(index));
    if (body == damaged_.rows.end()) continue;
    const LoadedEvent event = ParseStoredEvent(LeafIndex(index), Row(LeafRow(index)), "").value();
    if (IsErasable(*event.type)) erasable.push_back(index);
  }
  ASSERT_GT(erasable.size(), 3u);
  Flip(Row(BodyRow(erasable[0])), random_);
  Row(BodyRow(erasable[1])) = "x";
  damaged_.rows.erase(BodyRow(erasable[2]));
  damaged_.Write(dir_.path());
  DamageTables(dir_.path(), 2, random_);
  const StatusOr<RepairReport> report = Repair(dir_.path(), source_, Quick());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->made_anew);
  EXPECT_TRUE(report->after.ok()) << ToText(*report);
  ExpectWhole();
}

TEST_F(RepairTest, MadeAnewAfterAnEndAtAnyMoment) {
  for (uint64_t seed = 0; seed < 1; ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    const ScratchDirectory dir;
    made().whole.Write(dir.path());
    DamageTables(dir.path(), 2, random_);
    RepairWithKills(dir.path(), made().peer.path(), random_);
    const ScratchDirectory whole;
    made().whole.Write(whole.path());
    EXPECT_EQ(RowsOf(dir.path()), RowsOf(whole.path()));
  }
}

}  // namespace
}  // namespace anamnesis
