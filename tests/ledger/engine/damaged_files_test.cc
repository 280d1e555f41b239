// Bytes of the storage's own table files are damaged, below any row: what is derived from the log is rebuilt from it,
// and damage of the log itself never passes for that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger/engine/fsck.h"
#include "ledger/engine/rebuild.h"
#include "ledger/engine/scrubber.h"
#include "ledger/query/events.h"
#include "ledger/state/projection_damage.h"
#include "rocksdb/db.h"
#include "rocksdb/table_properties.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

struct TableFile {
  std::string path;
  uint64_t data_bytes = 0;
};

// By the name of the family whose rows they hold.
std::map<std::string, std::vector<TableFile>> TableFiles(const std::string& dir) {
  const std::string path = DatabasePath(dir);
  std::vector<std::string> names;
  CHECK(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  CHECK(rocksdb::DB::OpenForReadOnly(rocksdb::DBOptions(), path, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  std::map<std::string, std::vector<TableFile>> files;
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    rocksdb::TablePropertiesCollection tables;
    CHECK(db->GetPropertiesOfAllTables(handle, &tables).ok());
    for (const auto& [file, properties] : tables) files[handle->GetName()].push_back({file, properties->data_size});
    CHECK(db->DestroyColumnFamilyHandle(handle).ok());
  }
  return files;
}

// Changes a byte of every block of rows, and nothing of what the storage reads to open the file.
void DamageRows(const TableFile& table) {
  std::fstream file(table.path, std::ios::in | std::ios::out | std::ios::binary);
  for (uint64_t at = 3; at < table.data_bytes; at += 100) {
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }
  CHECK(file.good());
}

void CutInHalf(const TableFile& table) {
  std::filesystem::resize_file(table.path, std::filesystem::file_size(table.path) / 2);
}

// One ledger for all tests, which copy it.
class DamagedFilesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    whole_ = std::make_unique<ScratchDirectory>();
    LedgerMaker maker(whole_->path());
    maker.GrowTo(300);
    maker.Append(maker.admin().Write({EnrolByName("subject", kName)}));
    maker.Append(maker.admin().Write({EraseBodies({maker.ledger().tree_size() - 1})}));
    maker.Close();
    TestWriter& admin = maker.admin();
    known_ = {admin.stream(), admin.LastId(), admin.key().public_key().bytes(), admin.Write({EnrolPerson("late")})};
  }
  static void TearDownTestSuite() { whole_.reset(); }

  DamagedFilesTest() {
    std::filesystem::remove_all(dir_.path());
    std::filesystem::copy(whole_->path(), dir_.path(), std::filesystem::copy_options::recursive);
    files_ = TableFiles(dir_.path());
    options_.log = [this](std::string_view line) { lines_.emplace_back(line); };
  }

  bool Marked() const { return std::filesystem::exists(DamagedProjectionsPath(dir_.path())); }
  void Damage(Family family, void (*damage)(const TableFile&)) {
    const std::vector<TableFile>& tables = files_[std::string(FamilyName(family))];
    ASSERT_FALSE(tables.empty()) << FamilyName(family);
    for (const TableFile& table : tables) damage(table);
  }

  static StatusOr<v1::AppendResponse> AppendLate(Ledger& ledger) {
    v1::AppendRequest append;
    *append.add_runs() = known_.late;
    return ledger.Append(std::move(append));
  }
  // Every kind of row is read by something here.
  static void Use(Ledger& ledger) {
    (void)AppendLate(ledger);
    v1::GetStreamHeadRequest head;
    head.set_stream(known_.stream);
    (void)ledger.GetStreamHead(head);
    v1::GetEventRequest event;
    event.set_event_id(known_.event.bytes());
    (void)ledger.GetEvent(event);
    v1::GetCredentialRequest credential;
    credential.set_public_key(known_.public_key);
    (void)ledger.GetCredential(credential);
    const auto read = [&](const std::string& stream, const std::string& type) {
      v1::ReadRequest request;
      request.set_stream(stream);
      request.set_type(type);
      (void)ledger.Read(request, [](const v1::ReadResponse&) { return true; });
    };
    read(known_.stream, "");
    read("", "artifact.activated");
    v1::GetConfigurationRequest configuration;
    configuration.set_unit("ICU-1");
    *configuration.mutable_at() = ToProtoTime(kTestStart);
    (void)ledger.GetConfiguration(configuration);
    v1::Question lineage;
    lineage.mutable_lineage()->mutable_entity()->set_kind("document");
    lineage.mutable_lineage()->mutable_entity()->set_id("d1");
    (void)ledger.Ask(lineage);
    v1::Question findings;
    findings.mutable_findings();
    (void)ledger.Ask(findings);
  }

  void ExpectWhole() {
    EXPECT_FALSE(Marked());
    const auto report = Fsck(dir_.path(), {});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << report->problems.front().what;
  }

  static std::unique_ptr<ScratchDirectory> whole_;
  // What can be asked of it, and a run that can be appended.
  struct Known {
    std::string stream;
    EventId event;
    std::string public_key;
    v1::Run late;
  };
  static Known known_;
  const ScratchDirectory dir_;
  std::map<std::string, std::vector<TableFile>> files_;
  std::vector<std::string> lines_;
  LedgerOptions options_;
};

std::unique_ptr<ScratchDirectory> DamagedFilesTest::whole_;
DamagedFilesTest::Known DamagedFilesTest::known_;

class DamagedProjectionFile : public DamagedFilesTest, public testing::WithParamInterface<Family> {};

TEST_P(DamagedProjectionFile, IsRebuilt) {
  Damage(GetParam(), DamageRows);
  {
    const auto ledger = Ledger::Open(dir_.path(), options_);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    Use(**ledger);
    // Rows that few questions need: as audits read them.
    if (lines_.empty()) {
      (void)(*ledger)->View()->Scan(GetParam(), "", "", [](std::string_view, std::string_view) { return true; });
    }
  }
  // Met while it was opened, or after.
  EXPECT_THAT(lines_, Contains(HasSubstr("rebuil")));
  {
    const auto ledger = Ledger::Open(dir_.path(), options_);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    const auto appended = AppendLate(**ledger);
    ASSERT_TRUE(appended.ok());
    EXPECT_FALSE(appended->results(0).has_refused()) << appended->results(0).refused().message();
  }
  EXPECT_THAT(lines_, Contains(HasSubstr("projections are damaged; rebuilding")));
  ExpectWhole();
}

// The storage doesn't open such a database at all.
TEST_P(DamagedProjectionFile, CutShortIsRebuilt) {
  Damage(GetParam(), CutInHalf);
  EXPECT_TRUE(Ledger::Open(dir_.path(), options_).ok());
  EXPECT_THAT(lines_, Contains(HasSubstr("their files are dropped")));
  EXPECT_THAT(lines_, Contains(HasSubstr("projections are damaged; rebuilding")));
  ExpectWhole();
}

TEST_P(DamagedProjectionFile, GoneIsRebuilt) {
  Damage(GetParam(), [](const TableFile& table) { std::filesystem::remove(table.path); });
  EXPECT_TRUE(Ledger::Open(dir_.path(), options_).ok());
  ExpectWhole();
}

INSTANTIATE_TEST_SUITE_P(Families, DamagedProjectionFile, testing::ValuesIn(kProjectionFamilies),
                         [](const auto& info) { return std::string(FamilyName(info.param)); });

class DamagedLogFile : public DamagedFilesTest, public testing::WithParamInterface<Family> {};

TEST_P(DamagedLogFile, IsNotRebuiltAway) {
  Damage(GetParam(), DamageRows);
  {
    const auto ledger = Ledger::Open(dir_.path(), options_);
    if (ledger.ok()) Use(**ledger);
  }
  EXPECT_FALSE(Marked());
  EXPECT_THAT(lines_, Not(Contains(HasSubstr("rebuil"))));
}

TEST_P(DamagedLogFile, CutShortIsDataLoss) {
  Damage(GetParam(), CutInHalf);
  // Damage of what could be rebuilt besides doesn't hide it.
  Damage(Family::kStreams, CutInHalf);
  EXPECT_EQ(Ledger::Open(dir_.path(), options_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(Marked());
  EXPECT_TRUE(lines_.empty());
}

INSTANTIATE_TEST_SUITE_P(Families, DamagedLogFile, testing::ValuesIn(kLogFamilies),
                         [](const auto& info) { return std::string(FamilyName(info.param)); });

// After a compaction that failed every write fails, and says nothing of whose rows were damaged.
TEST_F(DamagedFilesTest, FoundByACompaction) {
  for (const Family family : {Family::kStreams, Family::kLeaves}) {
    SCOPED_TRACE(FamilyName(family));
    Damage(family, DamageRows);
    const auto store = OpenRocksStore(DatabasePath(dir_.path()), {});
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_FALSE((*store)->Purge(family, {}).ok());
    const Status written = (*store)->Write({{Family::kMeta, "name", "value"}}, true);
    EXPECT_EQ(written.code(), absl::StatusCode::kDataLoss) << written;
    EXPECT_EQ(IsProjectionDamage(written), family == Family::kStreams) << written;
  }
}

// What is erased is a projection, which the scrubber asks where a body is missing.
TEST_F(DamagedFilesTest, FoundByTheScrubber) {
  options_.store_memory_bytes = 2;
  const auto ledger = Ledger::Open(dir_.path(), options_);
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  // Now, since opening reads such rows too.
  Damage(Family::kEntities, DamageRows);
  ScrubberOptions scrubbing;
  scrubbing.bytes_per_second = 64u << 20;
  scrubbing.file = dir_.path() + "/scrub";
  scrubbing.round_min = std::chrono::milliseconds(5);
  const auto scrubber = Scrubber::Start(**ledger, scrubbing);
  for (int i = 0; i < 1000 && !Marked(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(Marked());
}

}  // namespace
}  // namespace anamnesis
