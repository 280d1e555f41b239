#include "ledger/engine/rebuild.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "ledger/engine/fsck.h"
#include "ledger/state/projection_damage.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class RebuildTest : public testing::Test {
 protected:
  RebuildTest() {
    LedgerMaker maker(dir_.path());
    // Its two references have one row of their digest.
    EventDraft draft = ReferToDocument("of two");
    v1::ContentDigest digest;
    digest.set_algorithm(v1::SHA256);
    digest.set_value(std::string(32, 'd'));
    for (const char* item : {"one", "other"}) AddReference(draft, "about", "software_item", item, "", &digest);
    maker.Append(maker.admin().Write({draft}));
    maker.GrowTo(300);
    maker.Close();
    before_ = StoredLedger::Read(dir_.path());
  }

  // Writes rows past the ledger, as damage would.
  void Damage(const Rows& rows, bool drop_all) {
    StoreOptions options;
    const auto store = OpenRocksStore(DatabasePath(dir_.path()), options);
    ASSERT_TRUE(store.ok());
    if (drop_all) {
      ASSERT_TRUE((*store)->ClearProjections().ok());
    }
    ASSERT_TRUE((*store)->Write(rows, true).ok());
  }

  std::vector<std::string> OpenAndClose() {
    LedgerOptions options;
    std::vector<std::string> lines;
    options.log = [&](std::string_view line) { lines.emplace_back(line); };
    const auto ledger = Ledger::Open(dir_.path(), options);
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return lines;
  }

  void ExpectRestored() {
    StoredLedger after = StoredLedger::Read(dir_.path());
    for (Family family : kProjectionFamilies) {
      const auto keys = before_.KeysOf(family);
      EXPECT_EQ(after.KeysOf(family), keys) << FamilyName(family);
      for (const auto& key : keys) EXPECT_EQ(after.rows[key], before_.rows[key]) << FamilyName(family);
    }
    for (Family family : {Family::kLeaves, Family::kBodies, Family::kTiles}) {
      EXPECT_EQ(after.KeysOf(family), before_.KeysOf(family));
    }
    EXPECT_FALSE(std::filesystem::exists(DamagedProjectionsPath(dir_.path())));
    const auto report = Fsck(dir_.path(), {});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << report->problems.front().what;
  }

  const ScratchDirectory dir_;
  StoredLedger before_;
};

TEST_F(RebuildTest, NothingToDo) { EXPECT_THAT(OpenAndClose(), IsEmpty()); }

TEST_F(RebuildTest, MarkedAsDamaged) {
  std::mt19937_64 random(1);
  Rows rows;
  for (Family family : kProjectionFamilies) {
    const auto keys = before_.KeysOf(family);
    ASSERT_FALSE(keys.empty()) << FamilyName(family);
    rows.push_back({family, keys[random() % keys.size()].second, "damaged"});
    rows.push_back({family, "a row of no event", "x"});
  }
  Damage(rows, false);
  ASSERT_TRUE(WriteSmallFile(DamagedProjectionsPath(dir_.path()), "").ok());
  const auto report = Fsck(dir_.path(), {});
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->ok());
  EXPECT_FALSE(report->first_wrong_leaf.has_value());
  EXPECT_THAT(OpenAndClose(), Contains(HasSubstr("projections are damaged; rebuilding")));
  ExpectRestored();
  EXPECT_THAT(OpenAndClose(), IsEmpty());
}

// Events of one chunk find the rows of those before, whether they are loaded already or not.
TEST_F(RebuildTest, ChunksOfAnySize) {
  for (const uint64_t chunk : {1u, 7u, 64u, 256u}) {
    {
      const auto store = OpenRocksStore(DatabasePath(dir_.path()), StoreOptions());
      ASSERT_TRUE(store.ok());
      const TreeSize size(before_.KeysOf(Family::kLeaves).size());
      uint64_t last = 0;
      const Status rebuilt = RebuildProjections(
          **store, size, [&](uint64_t done) { last = done; }, chunk);
      ASSERT_TRUE(rebuilt.ok()) << rebuilt;
      EXPECT_EQ(last, size.value);
    }
    ExpectRestored();
  }
}

TEST_F(RebuildTest, AMissingLeaf) {
  const auto count = before_.KeysOf(Family::kLeaves).size();
  const auto store = MakeMemoryStore();
  for (const auto& [key, value] : before_.rows) {
    ASSERT_TRUE(store->Write({{key.first, key.second, value}}, false).ok());
  }
  const auto rebuild = [&](uint64_t size) {
    return RebuildProjections(
        *store, TreeSize(size), [](uint64_t) {}, 16);
  };
  EXPECT_TRUE(rebuild(count).ok());
  const auto rows = AllRows(*store);
  const Status longer = rebuild(count + 1);
  EXPECT_EQ(longer.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(longer.message(), HasSubstr(Text("leaf ", count, " is missing; run fsck")));
  EXPECT_FALSE(IsProjectionDamage(longer));
  EXPECT_TRUE(AllRows(*store) == rows) << "nothing was dropped";
  ASSERT_TRUE(store->Remove(Family::kLeaves, {LeafKey(LeafIndex(count / 2))}).ok());
  const Status between = rebuild(count);
  EXPECT_EQ(between.code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(IsProjectionDamage(between)) << "it would be tried again at each start";
  EXPECT_TRUE(RebuildIsDue(*store).value());
}

TEST_F(RebuildTest, RebuildCutShort) {
  Damage({{Family::kMeta, "rebuilding", "1"}}, true);
  const auto report = Fsck(dir_.path(), {});
  ASSERT_TRUE(report.ok());
  ASSERT_FALSE(report->ok());
  EXPECT_THAT(report->problems.front().what, HasSubstr("a rebuild was begun"));
  EXPECT_THAT(OpenAndClose(), Contains(HasSubstr("projections are incomplete; rebuilding")));
  ExpectRestored();
}

TEST_F(RebuildTest, AllRowsDropped) {
  Damage({}, true);
  ASSERT_TRUE(WriteSmallFile(DamagedProjectionsPath(dir_.path()), "").ok());
  EXPECT_THAT(OpenAndClose(), Contains(HasSubstr("rebuilt the projections of")));
  ExpectRestored();
}

}  // namespace
}  // namespace anamnesis
