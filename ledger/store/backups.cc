#include "ledger/store/backups.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "ledger/store/create_backup.h"
#include "ledger/store/rocks_status.h"
#include "rocksdb/utilities/backup_engine.h"

namespace anamnesis {
namespace {

constexpr uint64_t kAskBytes = 1u << 20;

rocksdb::BackupEngineOptions EngineOptions(const std::string& dir) {
  rocksdb::BackupEngineOptions options(dir);
  // How often it is asked whether to go on.
  options.callback_trigger_interval_size = kAskBytes;
  return options;
}

Status MissingGeneration(const std::string& dir, uint32_t generation) {
  return absl::NotFoundError(Text(dir, " has no generation ", generation, " that can be read"));
}

class RocksBackups : public Backups {
 public:
  explicit RocksBackups(std::string dir) : dir_(std::move(dir)) {}

  Status Open() {
    // Asked first, because RocksDB would make the directory.
    std::error_code ignored;
    if (!std::filesystem::exists(dir_ + "/meta", ignored)) return absl::NotFoundError(Text("no backups in ", dir_));
    rocksdb::BackupEngineReadOnly* engine = nullptr;
    RETURN_IF_ERROR(
        FromRocks(rocksdb::BackupEngineReadOnly::Open(EngineOptions(dir_), rocksdb::Env::Default(), &engine)));
    engine_.reset(engine);
    return OkStatus();
  }

  std::vector<StoreBackup> List() const override {
    std::vector<rocksdb::BackupInfo> found;
    engine_->GetBackupInfo(&found);
    std::vector<StoreBackup> backups;
    for (const rocksdb::BackupInfo& info : found) {
      backups.push_back({info.backup_id, Timestamp(info.timestamp * 1'000'000), info.size, info.app_metadata, ""});
    }
    std::vector<rocksdb::BackupID> damaged;
    engine_->GetCorruptedBackups(&damaged);
    for (const rocksdb::BackupID id : damaged) {
      StoreBackup backup;
      backup.generation = id;
      backup.problem = "a file of it is missing or has another size";
      backups.push_back(std::move(backup));
    }
    std::sort(backups.begin(), backups.end(),
              [](const StoreBackup& a, const StoreBackup& b) { return a.generation < b.generation; });
    return backups;
  }

  StatusOr<std::unique_ptr<Store>> OpenStore(uint32_t generation, size_t cache_bytes) const override {
    rocksdb::BackupInfo info;
    if (!engine_->GetBackupInfo(generation, &info, true).ok()) return MissingGeneration(dir_, generation);
    StoreOptions options;
    options.read_only = true;
    options.cache_bytes = cache_bytes;
    options.environment = info.env_for_open;
    return OpenRocksStore(info.name_for_open, options);
  }

  Status CheckFiles(uint32_t generation) const override {
    rocksdb::BackupInfo info;
    if (!engine_->GetBackupInfo(generation, &info).ok()) return MissingGeneration(dir_, generation);
    return FromRocks(engine_->VerifyBackup(generation, true));
  }

  Status Restore(uint32_t generation, const std::string& dir) const override {
    rocksdb::BackupInfo info;
    if (!engine_->GetBackupInfo(generation, &info).ok()) return MissingGeneration(dir_, generation);
    return FromRocks(engine_->RestoreDBFromBackup(generation, dir, dir));
  }

 private:
  const std::string dir_;
  std::unique_ptr<rocksdb::BackupEngineReadOnly> engine_;
};

StatusOr<std::unique_ptr<rocksdb::BackupEngine>> OpenForWriting(const std::string& dir) {
  rocksdb::BackupEngine* engine = nullptr;
  RETURN_IF_ERROR(FromRocks(rocksdb::BackupEngine::Open(EngineOptions(dir), rocksdb::Env::Default(), &engine)));
  return std::unique_ptr<rocksdb::BackupEngine>(engine);
}

}  // namespace

StatusOr<std::unique_ptr<Backups>> Backups::Open(const std::string& dir) {
  auto backups = std::make_unique<RocksBackups>(dir);
  RETURN_IF_ERROR(backups->Open());
  return std::unique_ptr<Backups>(std::move(backups));
}

StatusOr<uint32_t> CreateBackup(rocksdb::DB& db, const std::string& dir, const std::string& note,
                                const std::function<bool()>& go_on) {
  ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::BackupEngine> engine, OpenForWriting(dir));
  rocksdb::CreateBackupOptions options;
  // What is only in memory comes with the write-ahead log: a flush could fail for lack of space (RocksStore::MayFlush).
  options.flush_before_backup = false;
  options.progress_callback = [&engine, &go_on] {
    if (!go_on()) engine->StopBackup();
  };
  options.decrease_background_thread_cpu_priority = true;
  options.background_thread_cpu_priority = rocksdb::CpuPriority::kLow;
  rocksdb::BackupID generation = 0;
  const rocksdb::Status made = engine->CreateNewBackupWithMetadata(options, &db, note, &generation);
  if (made.ok()) return generation;
  // Removes what there is of it.
  (void)engine->GarbageCollect();
  if (made.IsIncomplete()) return absl::CancelledError("the backup was given up; there is nothing of it");
  return FromRocks(made);
}

Status RemoveBackups(const std::string& dir, const std::vector<uint32_t>& generations) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Backups> backups, Backups::Open(dir));
  const std::vector<StoreBackup> there = backups->List();
  for (const uint32_t generation : generations) {
    const bool found = std::any_of(there.begin(), there.end(),
                                   [&](const StoreBackup& backup) { return backup.generation == generation; });
    if (!found) return MissingGeneration(dir, generation);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::BackupEngine> engine, OpenForWriting(dir));
  for (const uint32_t generation : generations) {
    RETURN_IF_ERROR(FromRocks(engine->DeleteBackup(generation)));
  }
  return FromRocks(engine->GarbageCollect());
}

}  // namespace anamnesis
