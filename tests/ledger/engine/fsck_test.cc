#include "ledger/engine/fsck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <set>

#include "anamnesis/internal/state.pb.h"
#include "ledger/commit/apply.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/recorded_event.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/sanitized.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

FsckOptions Quick() {
  FsckOptions options;
  options.threads = 2;
  options.cache_bytes = 8u << 20;
  return options;
}

std::string ToText(const FsckReport& report) {
  std::string text;
  for (const FsckProblem& problem : report.problems) text += problem.what + "\n";
  return text;
}

const StoredLedger& SmallLedger() {
  static const StoredLedger ledger = [] {
    const ScratchDirectory dir;
    LedgerMaker maker(dir.path());
    maker.GrowTo(60);
    maker.Close();
    return StoredLedger::Read(dir.path());
  }();
  return ledger;
}

const StoredLedger& LargeLedger() {
  static const StoredLedger ledger = [] {
    const ScratchDirectory dir;
    LedgerMaker maker(dir.path());
    maker.GrowTo(600);
    maker.Close();
    return StoredLedger::Read(dir.path());
  }();
  return ledger;
}

FsckReport Check(const StoredLedger& ledger) {
  const ScratchDirectory dir;
  ledger.Write(dir.path());
  const StatusOr<FsckReport> report = Fsck(dir.path(), Quick());
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : FsckReport();
}

StoredLedger::Key LeafRow(uint64_t index) { return {Family::kLeaves, LeafKey(LeafIndex(index))}; }
StoredLedger::Key BodyRow(uint64_t index) { return {Family::kBodies, LeafKey(LeafIndex(index))}; }
uint64_t IndexOf(const StoredLedger::Key& key) { return ByteReader(key.second).BigEndian64().value(); }

void Flip(std::string& bytes, std::mt19937_64& random) {
  bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
}

// The report names leaf `index` and no other.
void ExpectOnlyLeaf(const FsckReport& report, uint64_t index) {
  EXPECT_EQ(report.first_wrong_leaf, LeafIndex(index)) << ToText(report);
  for (const FsckProblem& problem : report.problems) {
    if (problem.leaf.has_value()) {
      EXPECT_EQ(problem.leaf, LeafIndex(index)) << ToText(report);
    }
  }
}

TEST(FsckTest, WholeLedgersAreWhole) {
  for (const StoredLedger* ledger : {&SmallLedger(), &LargeLedger()}) {
    const FsckReport report = Check(*ledger);
    EXPECT_TRUE(report.ok()) << ToText(report);
    EXPECT_EQ(report.origin, kTestOrigin);
    EXPECT_EQ(report.events, ledger->KeysOf(Family::kLeaves).size());
    EXPECT_EQ(report.size.value, report.events);
    EXPECT_EQ(report.bodies, report.events);
    EXPECT_GT(report.seals, 10u);
    uint64_t rows = 0;
    for (Family family : kProjectionFamilies) rows += ledger->KeysOf(family).size();
    EXPECT_EQ(report.index_rows, rows);
  }
  EXPECT_GT(LargeLedger().KeysOf(Family::kLeaves).size(), 512u);
}

TEST(FsckTest, FlippedLeavesAndBodiesAreNamed) {
  std::mt19937_64 random(1);
  for (const StoredLedger* ledger : {&SmallLedger(), &LargeLedger()}) {
    for (Family family : {Family::kLeaves, Family::kBodies}) {
      const auto keys = ledger->KeysOf(family);
      for (int i = 0; i < Repeated(40); ++i) {
        StoredLedger damaged = *ledger;
        const auto& key = keys[random() % keys.size()];
        Flip(damaged.rows[key], random);
        ExpectOnlyLeaf(Check(damaged), IndexOf(key));
      }
    }
  }
}

TEST(FsckTest, SeveralFlippedLeavesAreNamedAndNoOthers) {
  std::mt19937_64 random(2);
  const auto keys = LargeLedger().KeysOf(Family::kLeaves);
  for (int i = 0; i < Repeated(20); ++i) {
    StoredLedger damaged = LargeLedger();
    std::set<uint64_t> expected;
    while (expected.size() < 5) {
      const auto& key = keys[random() % keys.size()];
      if (expected.insert(IndexOf(key)).second) Flip(damaged.rows[key], random);
    }
    std::set<uint64_t> named;
    const FsckReport report = Check(damaged);
    for (const FsckProblem& problem : report.problems) {
      if (problem.leaf.has_value()) named.insert(problem.leaf->value);
    }
    EXPECT_EQ(named, expected) << ToText(report);
  }
}

TEST(FsckTest, FlippedTilesAreNamed) {
  std::mt19937_64 random(3);
  for (const StoredLedger* ledger : {&SmallLedger(), &LargeLedger()}) {
    for (const auto& key : ledger->KeysOf(Family::kTiles)) {
      ByteReader reader(key.second);
      const uint32_t level = reader.BigEndian32().value();
      const uint64_t index = reader.BigEndian64().value();
      for (int i = 0; i < Repeated(10); ++i) {
        StoredLedger damaged = *ledger;
        Flip(damaged.rows[key], random);
        const FsckReport report = Check(damaged);
        EXPECT_THAT(ToText(report), HasSubstr(Text("tile ", level, "/", index, " entry")));
        EXPECT_FALSE(report.first_wrong_leaf.has_value()) << ToText(report);
      }
      StoredLedger damaged = *ledger;
      damaged.rows.erase(key);
      EXPECT_THAT(ToText(Check(damaged)), HasSubstr(Text("tile ", level, "/", index)));
      damaged = *ledger;
      damaged.rows[key].pop_back();
      EXPECT_THAT(ToText(Check(damaged)), HasSubstr(Text("tile ", level, "/", index)));
    }
  }
}

TEST(FsckTest, FlippedProjectionsAskForARebuild) {
  std::mt19937_64 random(4);
  int kind = 0;
  for (Family family : kProjectionFamilies) {
    const auto keys = LargeLedger().KeysOf(family);
    ASSERT_FALSE(keys.empty()) << FamilyName(family);
    for (int i = 0; i < Repeated(24); ++i, kind = (kind + 1) % 4) {
      StoredLedger damaged = LargeLedger();
      const auto& key = keys[random() % keys.size()];
      std::string value = damaged.rows[key];
      if (kind == 0 || (value.empty() && kind == 2)) {
        damaged.rows.erase(key);
      } else if (kind == 1 || value.empty()) {
        auto changed = key;
        Flip(changed.second, random);
        damaged.rows.erase(key);
        damaged.rows[changed] = value;
      } else {
        Flip(damaged.rows[key], random);
      }
      const FsckReport report = Check(damaged);
      EXPECT_THAT(ToText(report), HasSubstr("projection "));
      EXPECT_THAT(ToText(report), HasSubstr("run `anamnesis rebuild`"));
      EXPECT_FALSE(report.first_wrong_leaf.has_value()) << ToText(report);
    }
    StoredLedger damaged = LargeLedger();
    damaged.rows[{family, "t" + std::string(40, 'x')}] = "";
    EXPECT_THAT(ToText(Check(damaged)), HasSubstr(Text("projection ", FamilyName(family)))) << FamilyName(family);
  }
}

TEST(FsckTest, FlippedStateAndCheckpoint) {
  std::mt19937_64 random(5);
  const StoredLedger::Key applied{Family::kMeta, std::string(kAppliedKey)};
  internal::AppliedState before;
  ASSERT_TRUE(before.ParseFromString(SmallLedger().rows.at(applied)));
  for (int i = 0; i < Repeated(60); ++i) {
    StoredLedger damaged = SmallLedger();
    Flip(damaged.rows[applied], random);
    internal::AppliedState after;
    // Which batches there were is not in the log, so nothing can contradict their number and their digest.
    if (after.ParseFromString(damaged.rows[applied])) {
      after.set_revision(before.revision());
      after.set_digest_revision(before.digest_revision());
      after.set_state_digest(before.state_digest());
      if (after.SerializeAsString() == before.SerializeAsString()) continue;
    }
    EXPECT_FALSE(Check(damaged).ok());
  }
  for (int i = 0; i < Repeated(40); ++i) {
    StoredLedger damaged = SmallLedger();
    Flip(damaged.files["checkpoint"], random);
    const FsckReport report = Check(damaged);
    EXPECT_THAT(ToText(report), HasSubstr("checkpoint"));
    EXPECT_FALSE(report.first_wrong_leaf.has_value()) << ToText(report);
  }
  StoredLedger damaged = SmallLedger();
  damaged.rows.erase(applied);
  EXPECT_THAT(ToText(Check(damaged)), HasSubstr("applied state is missing"));
  damaged = SmallLedger();
  Flip(damaged.rows[{Family::kMeta, std::string(kIdentityKey)}], random);
  EXPECT_FALSE(Check(damaged).ok());
}

TEST(FsckTest, MissingLeavesAndBodies) {
  const uint64_t size = SmallLedger().KeysOf(Family::kLeaves).size();
  for (uint64_t index : {uint64_t{0}, uint64_t{7}, uint64_t{31}, size - 1}) {
    StoredLedger damaged = SmallLedger();
    damaged.rows.erase(LeafRow(index));
    FsckReport report = Check(damaged);
    ExpectOnlyLeaf(report, index);
    EXPECT_THAT(ToText(report), HasSubstr(Text("leaf ", index, ": is missing")));
    damaged = SmallLedger();
    damaged.rows.erase(BodyRow(index));
    report = Check(damaged);
    // A person's enrolment can be erased.
    if (!report.ok()) {
      ExpectOnlyLeaf(report, index);
    }
    if (index == 0) {
      EXPECT_EQ(report.erased_bodies, 1u);
    }
    if (index != 0) {
      EXPECT_FALSE(report.ok());
    }
  }
}

TEST(FsckTest, TailCutOffConsistently) {
  const ScratchDirectory dir;
  LedgerMaker maker(dir.path());
  maker.GrowTo(60);
  const uint64_t size = maker.ledger().tree_size();
  maker.Close();
  StoredLedger shorter = StoredLedger::Read(dir.path());
  maker.Open();
  maker.Append(maker.admin().Write({ReferToDocument("last")}));
  ASSERT_TRUE(maker.ledger().GetCheckpoint().ok());
  maker.Close();
  shorter.files = StoredLedger::Read(dir.path()).files;
  const FsckReport report = Check(shorter);
  ExpectOnlyLeaf(report, size);
  EXPECT_THAT(ToText(report), HasSubstr("the checkpoint was signed over"));
}

TEST(FsckTest, RowsBeyondTheTree) {
  StoredLedger damaged = SmallLedger();
  const uint64_t size = damaged.KeysOf(Family::kLeaves).size();
  damaged.rows[LeafRow(size)] = damaged.rows[LeafRow(size - 1)];
  EXPECT_THAT(ToText(Check(damaged)), HasSubstr("belongs to no leaf"));
  damaged = SmallLedger();
  damaged.rows[BodyRow(size + 3)] = "x";
  EXPECT_THAT(ToText(Check(damaged)), HasSubstr("belongs to no leaf"));
  damaged = SmallLedger();
  damaged.rows[{Family::kTiles, TileKey({0, 1})}] = std::string(32, 'x');
  EXPECT_THAT(ToText(Check(damaged)), HasSubstr("belongs to no tile"));
}

TEST(FsckTest, SwappedLeaves) {
  StoredLedger damaged = SmallLedger();
  std::swap(damaged.rows[LeafRow(20)], damaged.rows[LeafRow(33)]);
  const FsckReport report = Check(damaged);
  EXPECT_EQ(report.first_wrong_leaf, LeafIndex(20));
  EXPECT_THAT(ToText(report), HasSubstr("leaf 33:"));
  for (const FsckProblem& problem : report.problems) {
    if (problem.leaf.has_value()) {
      EXPECT_THAT(problem.leaf->value, testing::AnyOf(20u, 33u)) << ToText(report);
    }
  }
}

// Rebuilds tiles and applied root over the leaves as they now are, as a forger would who has the database.
void Recommit(StoredLedger& ledger) {
  Frontier frontier;
  int64_t last = 0;
  for (const auto& key : ledger.KeysOf(Family::kLeaves)) {
    frontier.Append(LeafHash(ledger.rows[key]));
    last = ParseLeaf(ledger.rows[key])->recorded.us;
  }
  for (TileUpdate& tile : frontier.TakeChangedTiles()) {
    ledger.rows[{Family::kTiles, TileKey(tile.id)}] = std::move(tile.bytes);
  }
  internal::AppliedState applied;
  std::string& row = ledger.rows[{Family::kMeta, std::string(kAppliedKey)}];
  CHECK(applied.ParseFromString(row));
  applied.set_root(frontier.Root().bytes());
  applied.set_last_recorded_us(last);
  row = applied.SerializeAsString();
}

TEST(FsckTest, ASealOfAnotherRunIsNamedEvenWhenTheTreeIsForged) {
  for (bool recommit : {false, true}) {
    StoredLedger damaged = SmallLedger();
    std::vector<uint64_t> sealed;
    for (const auto& key : damaged.KeysOf(Family::kLeaves)) {
      if (ParseLeaf(damaged.rows[key])->seal.has_value()) sealed.push_back(IndexOf(key));
    }
    const uint64_t index = sealed[5];
    const std::string other = damaged.rows[LeafRow(sealed[8])];
    const std::string own = damaged.rows[LeafRow(index)];
    const LeafView view = *ParseLeaf(own);
    damaged.rows[LeafRow(index)] = EncodeLeaf(view.recorded, view.header, ParseLeaf(other)->seal);
    if (recommit) Recommit(damaged);
    const FsckReport report = Check(damaged);
    ExpectOnlyLeaf(report, index);
    if (recommit) {
      EXPECT_THAT(ToText(report), HasSubstr("checkpoint was signed over"));
    }
  }
}

TEST(FsckTest, ForgedRecordedTimes) {
  for (bool recommit : {false, true}) {
    StoredLedger damaged = SmallLedger();
    const std::string own = damaged.rows[LeafRow(25)];
    const LeafView view = *ParseLeaf(own);
    damaged.rows[LeafRow(25)] = EncodeLeaf(Timestamp(view.recorded.us + (recommit ? 0 : 1)), view.header, view.seal);
    if (recommit) {
      damaged.rows[LeafRow(25)] = EncodeLeaf(Timestamp(view.recorded.us - 60000000), view.header, view.seal);
      Recommit(damaged);
    }
    ExpectOnlyLeaf(Check(damaged), 25);
  }
}

// A chain that agrees with itself but not with the tree (immudb's "linear-fake" advisory): the writer itself makes its
// stream anew from some event on, chained and sealed well, and puts it where the old events were.
TEST(FsckTest, LinearFake) {
  StoredLedger damaged = SmallLedger();
  const uint64_t size = damaged.KeysOf(Family::kLeaves).size();
  const PrivateKey key = KeyOfSeed(10);
  std::map<std::string, std::string> previous;
  std::vector<uint64_t> run;
  std::vector<uint64_t> changed;
  for (uint64_t index = 0; index < size; ++index) {
    const LeafView view = *ParseLeaf(damaged.rows[LeafRow(index)]);
    v1::EventHeader header;
    ASSERT_TRUE(header.ParseFromString(std::string(view.header)));
    if (header.stream() != "device_unit/ICU-0") continue;
    if (header.stream_position() < 3 && run.empty()) {
      previous["d"] = Sha256(view.header).bytes();
      if (header.stream_position() < 2) continue;
    }
    if (changed.empty() && header.stream_position() == 2 && !view.seal.has_value()) {
      // Starts within a run: the whole run is made anew.
      header.set_rationale("was never so");
    } else {
      header.set_previous_header_digest(previous["d"]);
      header.set_rationale("was never so");
    }
    const std::string bytes = header.SerializeAsString();
    previous["d"] = Sha256(bytes).bytes();
    run.push_back(index);
    changed.push_back(index);
    const bool last = view.seal.has_value();
    damaged.rows[LeafRow(index)] = EncodeLeaf(view.recorded, bytes, std::nullopt);
    if (!last) continue;
    std::vector<std::string_view> headers;
    for (uint64_t member : run) headers.push_back(ParseLeaf(damaged.rows[LeafRow(member)])->header);
    v1::EventHeader first;
    ASSERT_TRUE(first.ParseFromString(std::string(headers.front())));
    const v1::Seal seal = MakeSeal(key, kTestOrigin, first.stream(), first.stream_position(), headers, kTestStart);
    const std::string sealed = EncodeLeaf(view.recorded, bytes, SealView{seal.statement(), seal.signature()});
    damaged.rows[LeafRow(index)] = sealed;
    run.clear();
  }
  ASSERT_GT(changed.size(), 5u);
  FsckReport report = Check(damaged);
  EXPECT_EQ(report.first_wrong_leaf, LeafIndex(changed.front())) << ToText(report);
  std::vector<uint64_t> named;
  for (const FsckProblem& problem : report.problems) {
    if (problem.leaf.has_value()) named.push_back(problem.leaf->value);
  }
  EXPECT_EQ(named, changed) << ToText(report);
  // With the tree made anew as well, only the signed checkpoint contradicts.
  Recommit(damaged);
  report = Check(damaged);
  EXPECT_THAT(ToText(report), HasSubstr("was signed over"));
}

TEST(FsckTest, FlippedBytesInFiles) {
  const ScratchDirectory original;
  {
    const ScratchDirectory writing;
    LedgerMaker maker(writing.path());
    maker.GrowTo(60);
    maker.Close();
    maker.Open();
    maker.GrowTo(80);
    // As a process that ends without warning leaves it: the newest events are in the storage's log only.
    std::filesystem::copy(writing.path(), original.path(), std::filesystem::copy_options::recursive);
  }
  {
    const StatusOr<FsckReport> whole = Fsck(original.path(), Quick());
    ASSERT_TRUE(whole.ok() && whole->ok());
  }
  int unused = 0;
  int flips = 0;
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(Repeated(200)); ++seed) {
    std::mt19937_64 random(seed);
    const ScratchDirectory dir;
    std::filesystem::copy(original.path(), dir.path(), std::filesystem::copy_options::recursive);
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(DatabasePath(dir.path()))) {
      const auto extension = entry.path().extension();
      if ((extension == ".sst" || extension == ".log") && entry.file_size() > 0) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    ASSERT_FALSE(files.empty());
    // Every other flip is in the storage's log.
    if (seed % 2 == 0) std::erase_if(files, [](const auto& file) { return file.extension() != ".log"; });
    ASSERT_FALSE(files.empty());
    const auto& path = files[random() % files.size()];
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(random() % std::filesystem::file_size(path));
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ static_cast<char>(1u << random() % 8)));
    file.close();
    ++flips;
    const StatusOr<FsckReport> report = Fsck(dir.path(), Quick());
    if (!report.ok() || !report->ok()) continue;
    // A table's footer, its last 53 bytes, has a type, two block handles, zeros up to 41 bytes, a version and a magic
    // number. Nobody reads the zeros and no checksum covers them.
    const auto from_end = static_cast<std::streamoff>(std::filesystem::file_size(path)) - at;
    const bool padding = path.extension() == ".sst" && from_end > 12 && from_end < 53 && byte == 0;
    EXPECT_TRUE(padding) << path << " of " << std::filesystem::file_size(path) << " bytes at " << at;
    ++unused;
  }
  EXPECT_LE(unused, flips / 10);
}

TEST(FsckTest, NoLedger) {
  const ScratchDirectory dir;
  EXPECT_FALSE(Fsck(dir.path(), Quick()).ok());
}

}  // namespace
}  // namespace anamnesis
