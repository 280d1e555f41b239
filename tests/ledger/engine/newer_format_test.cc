// A ledger that a newer program wrote is refused with a line that says so, wherever one is opened.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "anamnesis/internal/backup.pb.h"
#include "anamnesis/internal/state.pb.h"
#include "ledger/engine/backup.h"
#include "ledger/engine/copy_in.h"
#include "ledger/engine/fsck.h"
#include "rocksdb/db.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

class NewerFormatTest : public testing::Test {
 protected:
  NewerFormatTest() {
    LedgerMaker maker(ledger());
    maker.GrowTo(20);
  }

  std::string ledger() const { return dir_.path() + "/ledger"; }
  std::string backups() const { return dir_.path() + "/backups"; }
  std::string restored() const { return dir_.path() + "/restored"; }

  static std::unique_ptr<Store> OpenStore(const std::string& dir) {
    auto store = OpenRocksStore(DatabasePath(dir), {});
    CHECK(store.ok());
    return *std::move(store);
  }
  static void SetFormat(const std::string& dir, uint32_t version) {
    const std::unique_ptr<Store> store = OpenStore(dir);
    internal::LedgerIdentity identity;
    CHECK(identity.ParseFromString(store->Get(Family::kMeta, kIdentityKey).value().value()));
    identity.set_format_version(version);
    CHECK(store->Write({{Family::kMeta, std::string(kIdentityKey), identity.SerializeAsString()}}, true).ok());
  }

  static void ExpectRefused(const Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(MessageOf(status)),
                HasSubstr(Text(" has format ", kFormatVersion + 1, "; this program reads up to ", kFormatVersion,
                               ": upgrade it")));
  }

  const ScratchDirectory dir_;
};

TEST_F(NewerFormatTest, ThisOneOpens) {
  SetFormat(ledger(), kFormatVersion);
  EXPECT_TRUE(Ledger::Open(ledger(), {}).ok());
}

TEST_F(NewerFormatTest, Opened) {
  SetFormat(ledger(), kFormatVersion + 1);
  ExpectRefused(Ledger::Open(ledger(), {}).status());
}

TEST_F(NewerFormatTest, Checked) {
  SetFormat(ledger(), kFormatVersion + 1);
  ExpectRefused(Fsck(ledger(), {}).status());
}

// As a newer program makes a backup.
TEST_F(NewerFormatTest, Restored) {
  {
    const std::unique_ptr<Store> store = OpenStore(ledger());
    ASSERT_TRUE(CreateBackup({ledger(), *store, TreeSize(0)}, backups(), 0, [] { return true; }).ok());
  }
  SetFormat(ledger(), kFormatVersion + 1);
  internal::BackupNote note;
  note.set_origin(std::string(kTestOrigin));
  const auto made =
      OpenStore(ledger())->BackUp(backups() + "/generations", note.SerializeAsString(), [] { return true; });
  ASSERT_TRUE(made.ok()) << made.status();
  ExpectRefused(RestoreBackup(backups(), *made, restored(), {}).status());
  ExpectRefused(CheckBackup(backups(), *made, {}).status());
  EXPECT_FALSE(std::filesystem::exists(restored()));
}

TEST_F(NewerFormatTest, Joined) {
  SetFormat(ledger(), kFormatVersion + 1);
  ExpectRefused(JoinLedger(ledger(), kTestOrigin));
  ExpectRefused(CopyIn::Open(ledger(), {}).status());
}

// What a newer program keeps beside the rows that this one knows.
TEST_F(NewerFormatTest, AFamilyMore) {
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), DatabasePath(ledger()), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  {
    rocksdb::DB* opened = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), DatabasePath(ledger()), families, &handles, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    handles.push_back(nullptr);
    ASSERT_TRUE(db->CreateColumnFamily(rocksdb::ColumnFamilyOptions(), "telepathy", &handles.back()).ok());
    for (rocksdb::ColumnFamilyHandle* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  }
  const Status refused = Ledger::Open(ledger(), {}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(std::string(MessageOf(refused)), HasSubstr("telepathy): upgrade it"));
}

}  // namespace
}  // namespace anamnesis
