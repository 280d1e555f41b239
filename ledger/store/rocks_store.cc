#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <limits>
#include <span>
#include <utility>

#include "ledger/state/projection_damage.h"
#include "ledger/state/timeline_node.h"
#include "ledger/store/create_backup.h"
#include "ledger/store/drop_projections.h"
#include "ledger/store/rocks_status.h"
#include "ledger/store/store.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/perf_level.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/sst_file_writer.h"
#include "rocksdb/table.h"
#include "rocksdb/write_batch.h"

namespace anamnesis {
namespace {

using rocksdb::ColumnFamilyDescriptor;
using rocksdb::ColumnFamilyHandle;

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

bool IsProjectionName(std::string_view name) {
  return std::any_of(kProjectionFamilies.begin(), kProjectionFamilies.end(),
                     [&](Family family) { return FamilyName(family) == name; });
}

// A row and eight bytes of its key.
// Asks for a row and, later, its key some rows before they are read: rows lie all over the memory, and waiting for each
// takes longer than what is done with it. `row_at` gives the place of the row of a number below `count`.
template <typename RowAt>
void FetchAhead(size_t i, size_t count, const RowAt& row_at) {
  constexpr size_t kRows = 8;
  if (i + 2 * kRows < count) __builtin_prefetch(row_at(i + 2 * kRows));
  if (i + kRows < count) __builtin_prefetch(row_at(i + kRows)->key.data());
}

struct SortedRow {
  uint64_t word;
  // How many of the eight the key has; the others are zero.
  uint32_t bytes;
  const Row* row;
};

bool Before(const SortedRow& a, const SortedRow& b) {
  // A key that ends here is before those that go on with zeros.
  return a.word != b.word ? a.word < b.word : a.bytes < b.bytes;
}

// Sorts rows whose keys have their first `depth` bytes in common. Keys have long prefixes in common, and comparing them
// through pointers misses the cache each time, so each byte is fetched once: eight bytes of every key are sorted as
// numbers, then the rows in which they are the same by the next eight.
void SortFrom(std::span<SortedRow> rows, size_t depth) {
  bool longer = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    SortedRow& sorted = rows[i];
    FetchAhead(i, rows.size(), [rows](size_t at) { return rows[at].row; });
    const std::string& key = sorted.row->key;
    const size_t left = key.size() - depth;
    sorted.bytes = static_cast<uint32_t>(std::min<size_t>(left, 8));
    sorted.word = 0;
    std::memcpy(&sorted.word, key.data() + depth, sorted.bytes);
    sorted.word = absl::big_endian::ToHost64(sorted.word);
    longer = longer || left > 8;
  }
  if (!std::is_sorted(rows.begin(), rows.end(), Before)) std::stable_sort(rows.begin(), rows.end(), Before);
  if (!longer) return;
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin + 1;
    while (end < rows.size() && !Before(rows[begin], rows[end])) ++end;
    // Of those that end here all keys are the same.
    if (end - begin > 1 && rows[begin].bytes == 8) SortFrom(rows.subspan(begin, end - begin), depth + 8);
    begin = end;
  }
}

// Rows that repeat a key keep their order. Pointers, since moving rows costs more than comparing them.
void SortByKey(std::vector<const Row*>& rows) {
  const auto by_key = [](const Row* a, const Row* b) { return a->key < b->key; };
  if (std::is_sorted(rows.begin(), rows.end(), by_key)) return;
  std::vector<SortedRow> sorted;
  sorted.reserve(rows.size());
  for (const Row* row : rows) sorted.push_back({0, 0, row});
  SortFrom(sorted, 0);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = sorted[i].row;
}

// One iterator, positioned once for each read.
class RangeReader {
 public:
  static StatusOr<std::optional<Row>> LastAtOrBefore(rocksdb::Iterator& it, Family family, std::string_view prefix,
                                                     std::string_view key) {
    it.SeekForPrev(ToSlice(key));
    if (!it.Valid()) {
      RETURN_IF_ERROR(FromRocks(it.status(), family));
      return std::optional<Row>();
    }
    if (!ToView(it.key()).starts_with(prefix)) return std::optional<Row>();
    return std::optional<Row>(Row{family, it.key().ToString(), it.value().ToString()});
  }

  static Status Scan(rocksdb::Iterator& it, Family family, std::string_view prefix, std::string_view from,
                     const RowReader::Visitor& visit) {
    for (it.Seek(ToSlice(from)); it.Valid() && ToView(it.key()).starts_with(prefix); it.Next()) {
      if (!visit(ToView(it.key()), ToView(it.value()))) return OkStatus();
    }
    return FromRocks(it.status(), family);
  }

  static Status ScanBackwards(rocksdb::Iterator& it, Family family, std::string_view prefix, std::string_view from,
                              const RowReader::Visitor& visit) {
    for (it.SeekForPrev(ToSlice(from)); it.Valid() && ToView(it.key()).starts_with(prefix); it.Prev()) {
      if (!visit(ToView(it.key()), ToView(it.value()))) return OkStatus();
    }
    return FromRocks(it.status(), family);
  }
};

// All of a key but its last eight bytes. Keys that end with a log position come in ascending order below such a prefix,
// which lets the memtable continue where it last inserted instead of searching.
class AllButPosition : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "anamnesis.AllButPosition"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return {key.data(), key.size() - 8}; }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() >= 8; }
};

// Whether rows are mostly looked for by key, or by node, that are in few of the files or in none.
bool IsAskedInVain(Family family) {
  switch (family) {
    case Family::kEventIds:
    case Family::kStreams:
    case Family::kAuthority:
    case Family::kCorrections:
    case Family::kTimelines:
    case Family::kEntities:
      return true;
    default:
      return false;
  }
}

// What the rows of a timeline's node have in common: a filter tells which files have any.
class TimelineGroup : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "anamnesis.TimelineGroup"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), TimelineGroupBytes(ToView(key))};
  }
  bool InDomain(const rocksdb::Slice& key) const override { return TimelineGroupBytes(ToView(key)) > 0; }
  // Whether all rows that begin with `prefix` are in the group of `key`, so that no other file need be looked at.
  static bool Covers(Family family, std::string_view prefix, std::string_view key) {
    if (family != Family::kTimelines) return true;
    const size_t bytes = TimelineGroupBytes(key);
    return bytes > 0 && prefix.starts_with(key.substr(0, bytes));
  }
};

// RocksDB counts comparisons and more, for each thread, which nobody here reads; finding at each of them where to count
// took a tenth of the time of nodes under load.
void CountNothing() { rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable); }

// Takes note when a compaction finds the files of a projection damaged: afterwards every write fails, and doesn't say
// by which family.
class DamageListener : public rocksdb::EventListener {
 public:
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) override {
    if (IsProjectionName(info.cf_name) && info.status.IsCorruption()) found_ = true;
  }
  bool found() const { return found_; }

 private:
  std::atomic<bool> found_ = false;
};

class RocksStore : public Store {
 public:
  RocksStore(std::string dir, StoreOptions options) : dir_(std::move(dir)), options_(options) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(options.cache_bytes);
    table.format_version = 5;
    table.checksum = rocksdb::kXXH3;
    // What finds blocks in files grows with the log, some 25 bytes an event: the cache bounds it with the blocks, in
    // pieces, of which a read needs one.
    table.cache_index_and_filter_blocks = true;
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.pin_top_level_index_and_filter = true;
    table_factory_.reset(rocksdb::NewBlockBasedTableFactory(table));
    // Every event asks filters: those of open files stay at hand, at 4 bytes an event, and the cache keeps less else.
    rocksdb::BlockBasedTableOptions filtered = table;
    filtered.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    filtered.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
    filtered_table_factory_.reset(rocksdb::NewBlockBasedTableFactory(filtered));
    // A block of its own for about every leaf and body: a damaged byte makes that one unreadable, and fsck can name it.
    rocksdb::BlockBasedTableOptions log = table;
    log.block_size = 512;
    log_table_factory_.reset(rocksdb::NewBlockBasedTableFactory(log));
  }

  ~RocksStore() override { (void)Close(); }

  Status Open();
  Status Close();
  // Of a store that isn't open.
  Status DropProjectionFamilies() const;

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    return GetWith(read_, family, key);
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    const auto it = NewIterator(family, TimelineGroup::Covers(family, prefix, key));
    return RangeReader::LastAtOrBefore(*it, family, prefix, key);
  }
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    const auto it = NewIterator(family, TimelineGroup::Covers(family, prefix, from), !prefix.empty());
    return RangeReader::Scan(*it, family, prefix, from, visit);
  }
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override {
    const auto it = NewIterator(family, TimelineGroup::Covers(family, prefix, from));
    return RangeReader::ScanBackwards(*it, family, prefix, from, visit);
  }

  Status Write(const Rows& rows, bool durable) override;
  Status Remove(Family family, const std::vector<std::string>& keys) override;
  std::unique_ptr<RowReader> View() const override;
  Status TryResume() override;
  Status ClearProjections() override;
  Status BulkLoad(Family family, std::vector<const Row*> rows) override;
  Status Purge(Family family, const std::vector<std::string>& keys) override;
  Status Flush() override;
  Status VerifyChecksums() override { return FromRocks(db_->VerifyChecksum()); }
  StatusOr<uint32_t> BackUp(const std::string& dir, const std::string& note,
                            const std::function<bool()>& go_on) override {
    return CreateBackup(*db_, dir, note, go_on);
  }
  uint64_t FreeBytes() const override;

 private:
  // Whether a flush surely has the space it needs. Without one, opening replays the storage's own log; a flush that
  // runs out of space may end the process, since RocksDB asserts that a file whose writing failed isn't used again.
  bool MayFlush() const;
  // Keeps its iterators for its lifetime: making one costs more than most reads.
  class CachedView : public RowReader {
   public:
    explicit CachedView(const RocksStore& store) : store_(store) {}
    StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
      return store_.Get(family, key);
    }
    StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                                std::string_view key) const override {
      if (!TimelineGroup::Covers(family, prefix, key)) return store_.LastAtOrBefore(family, prefix, key);
      return RangeReader::LastAtOrBefore(Iterator(family), family, prefix, key);
    }
    Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
      // Who reads a whole family leaves the cache of blocks to others.
      if (prefix.empty()) return store_.Scan(family, prefix, from, visit);
      return WithIterator(family, prefix, from,
                          [&](rocksdb::Iterator& it) { return RangeReader::Scan(it, family, prefix, from, visit); });
    }
    Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                         const Visitor& visit) const override {
      return WithIterator(family, prefix, from, [&](rocksdb::Iterator& it) {
        return RangeReader::ScanBackwards(it, family, prefix, from, visit);
      });
    }

   private:
    rocksdb::Iterator& Iterator(Family family) const {
      auto& it = iterators_[static_cast<size_t>(family)];
      if (it == nullptr) it = store_.NewIterator(family, true);
      return *it;
    }
    // A visitor may read the same family through this view, so a scan has its iterator to itself while it runs.
    template <typename Read>
    Status WithIterator(Family family, std::string_view prefix, std::string_view from, const Read& read) const {
      const bool in_group = TimelineGroup::Covers(family, prefix, from);
      std::vector<std::unique_ptr<rocksdb::Iterator>>& idle = idle_[in_group ? 1 : 0][static_cast<size_t>(family)];
      std::unique_ptr<rocksdb::Iterator> it;
      if (idle.empty()) {
        it = store_.NewIterator(family, in_group);
      } else {
        it = std::move(idle.back());
        idle.pop_back();
      }
      const Status status = read(*it);
      idle.push_back(std::move(it));
      return status;
    }

    const RocksStore& store_;
    mutable std::array<std::unique_ptr<rocksdb::Iterator>, kFamilies> iterators_;
    // Of scans, by whether they stay in one group.
    mutable std::array<std::array<std::vector<std::unique_ptr<rocksdb::Iterator>>, kFamilies>, 2> idle_;
  };

  rocksdb::ColumnFamilyOptions FamilyOptions(Family family) const;
  rocksdb::DBOptions DatabaseOptions() const;
  // Whether all that isn't projections can be opened, write-ahead log included.
  Status CheckLogOpens() const;
  // Of writing, which fails for ever when a compaction failed.
  Status Written(const rocksdb::Status& status) const {
    if (status.IsCorruption() && damage_->found()) return ProjectionDamage("store: " + status.ToString());
    return FromRocks(status);
  }
  // Null for a family that is not there, which only who opens for reading meets: projections are dropped and made anew
  // when they are cleared, and the process may have ended between the two.
  ColumnFamilyHandle* Handle(Family family) const { return handles_[static_cast<size_t>(family)]; }

  // `in_group`: for rows of one group, by files whose filter has it. `fill_cache`: not for those who read a whole
  // family.
  std::unique_ptr<rocksdb::Iterator> NewIterator(Family family, bool in_group, bool fill_cache = true) const {
    CountNothing();
    rocksdb::ReadOptions read = read_;
    read.fill_cache = fill_cache;
    // Of the system's page cache, too, a read of many blocks costs little more than a read of one.
    if (!fill_cache) read.readahead_size = 256u << 10;
    read.total_order_seek = !in_group;
    if (Handle(family) == nullptr) return std::unique_ptr<rocksdb::Iterator>(rocksdb::NewEmptyIterator());
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(read, Handle(family)));
  }
  StatusOr<std::optional<std::string>> GetWith(const rocksdb::ReadOptions& read, Family family,
                                               std::string_view key) const {
    if (Handle(family) == nullptr) return std::optional<std::string>();
    CountNothing();
    std::string value;
    const rocksdb::Status status = db_->Get(read, Handle(family), ToSlice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    RETURN_IF_ERROR(FromRocks(status, family));
    return std::optional<std::string>(std::move(value));
  }

  const std::string dir_;
  const StoreOptions options_;
  std::shared_ptr<rocksdb::TableFactory> table_factory_;
  std::shared_ptr<rocksdb::TableFactory> filtered_table_factory_;
  std::shared_ptr<rocksdb::TableFactory> log_table_factory_;
  rocksdb::ReadOptions read_;
  std::unique_ptr<rocksdb::DB> db_;
  // By Family; destroyed before db_.
  std::vector<ColumnFamilyHandle*> handles_;
  std::atomic<uint64_t> bulk_files_{0};
  const std::shared_ptr<DamageListener> damage_ = std::make_shared<DamageListener>();
};

rocksdb::ColumnFamilyOptions RocksStore::FamilyOptions(Family family) const {
  rocksdb::ColumnFamilyOptions options;
  // Uncompressed: most bytes are digests and signatures, and a damaged byte then damages one row, not a block of them.
  options.compression = rocksdb::kNoCompression;
  const bool large = family == Family::kLeaves || family == Family::kBodies;
  options.table_factory = large ? log_table_factory_ : IsAskedInVain(family) ? filtered_table_factory_ : table_factory_;
  options.write_buffer_size = large ? 64u << 20 : 32u << 20;
  options.max_write_buffer_number = 3;
  // Twice RocksDB's: rows of a projection are merged half as often, and a read looks at four files more at most. Not of
  // timelines, in which each configuration searches several times.
  if (family != Family::kTimelines) options.level0_file_num_compaction_trigger = 8;
  if (family == Family::kEventIds || family == Family::kEntities) {
    // Each event asks for ids and entities that are mostly not there: about 16 bits a row tell without a search.
    options.memtable_whole_key_filtering = true;
    options.memtable_prefix_bloom_size_ratio = 0.02;
  }
  if (family == Family::kTimelines) options.prefix_extractor = std::make_shared<const TimelineGroup>();
  if (large) options.memtable_insert_with_hint_prefix_extractor = std::make_shared<const AllButPosition>();
  return options;
}

rocksdb::DBOptions RocksStore::DatabaseOptions() const {
  rocksdb::DBOptions options;
  if (options_.environment != nullptr) options.env = options_.environment.get();
  options.create_if_missing = options_.create_if_missing;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.max_total_wal_size = options_.unflushed_bytes;
  options.db_write_buffer_size = options_.unflushed_bytes;
  options.max_background_jobs = 2;
  options.max_open_files = 512;
  options.keep_log_file_num = 4;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.listeners.push_back(damage_);
  // A record cut off at the very end is a write that was never acknowledged; damage anywhere else is reported, never
  // skipped.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

Status RocksStore::Open() {
  // Asked first, because RocksDB leaves a directory and a log file behind where it finds nothing.
  std::error_code ignored;
  if (!options_.create_if_missing && !std::filesystem::exists(dir_ + "/CURRENT", ignored)) {
    return absl::NotFoundError(Text("no ledger in ", dir_));
  }
  std::vector<std::string> there;
  if (options_.read_only) {
    const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(DatabaseOptions(), dir_, &there);
    // Opening fails for the same reason, and says it better.
    if (!listed.ok()) there.clear();
  }
  std::vector<ColumnFamilyDescriptor> families = {{rocksdb::kDefaultColumnFamilyName, {}}};
  std::array<bool, kFamilies> opened{};
  for (size_t i = 0; i < kFamilies; ++i) {
    const std::string name(FamilyName(static_cast<Family>(i)));
    const bool dropped = !there.empty() && std::find(there.begin(), there.end(), name) == there.end() &&
                         IsProjection(static_cast<Family>(i));
    opened[i] = !dropped;
    if (opened[i]) families.emplace_back(name, FamilyOptions(static_cast<Family>(i)));
  }
  rocksdb::DB* db = nullptr;
  std::vector<ColumnFamilyHandle*> handles;
  const rocksdb::Status status = options_.read_only
                                     ? rocksdb::DB::OpenForReadOnly(DatabaseOptions(), dir_, families, &handles, &db)
                                     : rocksdb::DB::Open(DatabaseOptions(), dir_, families, &handles, &db);
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return absl::FailedPreconditionError(
        Text("another process has the ledger in ", dir_, " open: ", status.ToString()));
  }
  if (status.IsInvalidArgument() && status.ToString().find("does not exist") != std::string::npos) {
    return absl::NotFoundError(Text("no ledger in ", dir_));
  }
  if (status.IsInvalidArgument() && status.ToString().find("families not opened") != std::string::npos) {
    return absl::FailedPreconditionError(
        Text(dir_, " holds what this program doesn't know (", status.ToString(), "): upgrade it"));
  }
  if (status.IsInvalidArgument()) return absl::FailedPreconditionError(Text(dir_, ": ", status.ToString()));
  const bool damaged = status.IsCorruption() || status.IsPathNotFound();
  if (damaged && CheckLogOpens().ok()) return ProjectionDamage("store: " + status.ToString());
  RETURN_IF_ERROR(FromRocks(status));
  db_.reset(db);
  // The default family holds nothing.
  RETURN_IF_ERROR(FromRocks(db_->DestroyColumnFamilyHandle(handles.front())));
  auto next = handles.begin() + 1;
  for (const bool open : opened) handles_.push_back(open ? *next++ : nullptr);
  return OkStatus();
}

Status RocksStore::CheckLogOpens() const {
  // Who opens for reading may leave families out, and of those nothing is looked at.
  std::vector<ColumnFamilyDescriptor> families = {{rocksdb::kDefaultColumnFamilyName, {}}};
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (!IsProjection(family)) families.emplace_back(std::string(FamilyName(family)), FamilyOptions(family));
  }
  rocksdb::DB* db = nullptr;
  std::vector<ColumnFamilyHandle*> handles;
  RETURN_IF_ERROR(FromRocks(rocksdb::DB::OpenForReadOnly(DatabaseOptions(), dir_, families, &handles, &db)));
  const std::unique_ptr<rocksdb::DB> opened(db);
  for (ColumnFamilyHandle* handle : handles) (void)opened->DestroyColumnFamilyHandle(handle);
  return FromRocks(opened->Close());
}

Status RocksStore::DropProjectionFamilies() const {
  // What follows overlooks damage of any family, so nothing but projections may have any.
  RETURN_IF_ERROR(CheckLogOpens());
  std::vector<std::string> there;
  rocksdb::DBOptions tolerant = DatabaseOptions();
  tolerant.paranoid_checks = false;
  tolerant.skip_checking_sst_file_sizes_on_db_open = true;
  tolerant.skip_stats_update_on_db_open = true;
  RETURN_IF_ERROR(FromRocks(rocksdb::DB::ListColumnFamilies(tolerant, dir_, &there)));
  std::vector<ColumnFamilyDescriptor> families = {{rocksdb::kDefaultColumnFamilyName, {}}};
  for (size_t i = 0; i < kFamilies; ++i) {
    const std::string name(FamilyName(static_cast<Family>(i)));
    if (std::find(there.begin(), there.end(), name) == there.end()) continue;
    families.emplace_back(name, FamilyOptions(static_cast<Family>(i)));
    families.back().options.disable_auto_compactions = true;
  }
  rocksdb::DB* db = nullptr;
  std::vector<ColumnFamilyHandle*> handles;
  RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(tolerant, dir_, families, &handles, &db)));
  const std::unique_ptr<rocksdb::DB> opened(db);
  std::vector<ColumnFamilyHandle*> dropped;
  for (ColumnFamilyHandle* handle : handles) {
    if (IsProjectionName(handle->GetName())) dropped.push_back(handle);
  }
  const Status done = FromRocks(opened->DropColumnFamilies(dropped));
  for (ColumnFamilyHandle* handle : handles) (void)opened->DestroyColumnFamilyHandle(handle);
  const Status closed = FromRocks(opened->Close());
  return done.ok() ? closed : done;
}

Status RocksStore::Close() {
  if (db_ == nullptr) return OkStatus();
  if (!options_.read_only) (void)Flush();
  for (ColumnFamilyHandle* handle : handles_) {
    if (handle != nullptr) (void)db_->DestroyColumnFamilyHandle(handle);
  }
  handles_.clear();
  const Status closed = FromRocks(db_->Close());
  db_.reset();
  return closed;
}

bool RocksStore::MayFlush() const {
  uint64_t unwritten = 0;
  if (!db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &unwritten)) return false;
  return FreeBytes() > 2 * unwritten;
}

Status RocksStore::TryResume() {
  // RocksDB flushes then.
  if (!MayFlush()) return absl::ResourceExhaustedError("there is no space yet for what is only in memory");
  return FromRocks(db_->Resume());
}

Status RocksStore::Write(const Rows& rows, bool durable) {
  CountNothing();
  std::array<std::vector<const Row*>, kFamilies> by_family;
  for (const Row& row : rows) by_family[static_cast<size_t>(row.family)].push_back(&row);
  rocksdb::WriteBatch batch;
  for (size_t i = 0; i < kFamilies; ++i) {
    // In order of keys, in which the memtable goes on from where it last inserted.
    SortByKey(by_family[i]);
    for (const Row* row : by_family[i]) {
      RETURN_IF_ERROR(FromRocks(Erases(*row) ? batch.Delete(handles_[i], ToSlice(row->key))
                                             : batch.Put(handles_[i], ToSlice(row->key), ToSlice(row->value))));
    }
  }
  rocksdb::WriteOptions options;
  options.sync = durable;
  return Written(db_->Write(options, &batch));
}

Status RocksStore::Remove(Family family, const std::vector<std::string>& keys) {
  rocksdb::WriteBatch batch;
  for (const std::string& key : keys) RETURN_IF_ERROR(FromRocks(batch.Delete(Handle(family), ToSlice(key))));
  return Written(db_->Write(rocksdb::WriteOptions(), &batch));
}

std::unique_ptr<RowReader> RocksStore::View() const { return std::make_unique<CachedView>(*this); }

Status RocksStore::ClearProjections() {
  // All at once: RocksDB writes its options down and reads them back after each change.
  std::vector<ColumnFamilyHandle*> dropped;
  std::vector<ColumnFamilyDescriptor> wanted;
  for (const Family family : kProjectionFamilies) {
    dropped.push_back(std::exchange(handles_[static_cast<size_t>(family)], nullptr));
    wanted.emplace_back(std::string(FamilyName(family)), FamilyOptions(family));
  }
  Status cleared = FromRocks(db_->DropColumnFamilies(dropped));
  for (ColumnFamilyHandle* handle : dropped) {
    const Status destroyed = FromRocks(db_->DestroyColumnFamilyHandle(handle));
    if (cleared.ok()) cleared = destroyed;
  }
  RETURN_IF_ERROR(cleared);
  std::vector<ColumnFamilyHandle*> made;
  const Status created = FromRocks(db_->CreateColumnFamilies(wanted, &made));
  for (size_t i = 0; i < made.size(); ++i) handles_[static_cast<size_t>(kProjectionFamilies[i])] = made[i];
  return created;
}

Status RocksStore::BulkLoad(Family family, std::vector<const Row*> rows) {
  if (rows.empty()) return OkStatus();
  CountNothing();
  SortByKey(rows);
  const std::string path = Text(dir_, "/bulk-", bulk_files_.fetch_add(1), ".sst");
  rocksdb::Options options(DatabaseOptions(), FamilyOptions(family));
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options, Handle(family));
  RETURN_IF_ERROR(FromRocks(writer.Open(path)));
  for (size_t i = 0; i < rows.size(); ++i) {
    FetchAhead(i, rows.size(), [&rows](size_t at) { return rows[at]; });
    if (i + 1 < rows.size() && rows[i]->key == rows[i + 1]->key) continue;
    RETURN_IF_ERROR(FromRocks(writer.Put(ToSlice(rows[i]->key), ToSlice(rows[i]->value))));
  }
  RETURN_IF_ERROR(FromRocks(writer.Finish()));
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  return FromRocks(db_->IngestExternalFile(Handle(family), {path}, ingest));
}

Status RocksStore::Purge(Family family, const std::vector<std::string>& keys) {
  // Ends the write-ahead logs that hold the rows.
  RETURN_IF_ERROR(Flush());
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.exclusive_manual_compaction = false;
  if (keys.empty()) return FromRocks(db_->CompactRange(options, Handle(family), nullptr, nullptr));
  // Each compaction writes whole files again, so many rows are done as one range.
  constexpr size_t kOneByOneMax = 16;
  const auto [first, last] = std::minmax_element(keys.begin(), keys.end());
  const bool one_by_one = keys.size() <= kOneByOneMax;
  for (size_t i = 0; i < (one_by_one ? keys.size() : 1); ++i) {
    const rocksdb::Slice from = ToSlice(one_by_one ? keys[i] : *first);
    const rocksdb::Slice to = ToSlice(one_by_one ? keys[i] : *last);
    RETURN_IF_ERROR(FromRocks(db_->CompactRange(options, Handle(family), &from, &to)));
  }
  return OkStatus();
}

Status RocksStore::Flush() {
  if (!MayFlush()) return absl::ResourceExhaustedError("there is no space to write what is only in memory");
  rocksdb::FlushOptions options;
  options.wait = true;
  return FromRocks(db_->Flush(options, handles_));
}

uint64_t RocksStore::FreeBytes() const {
  struct statvfs info = {};
  if (statvfs(dir_.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace

Status DropProjections(const std::string& dir) { return RocksStore(dir, StoreOptions()).DropProjectionFamilies(); }

StatusOr<std::unique_ptr<Store>> OpenRocksStore(const std::string& dir, const StoreOptions& options) {
  auto store = std::make_unique<RocksStore>(dir, options);
  RETURN_IF_ERROR(store->Open());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace anamnesis
