#ifndef ANAMNESIS_LEDGER_STORE_STORE_H_
#define ANAMNESIS_LEDGER_STORE_STORE_H_

// Where rows are kept: RocksDB on disk, or memory for tests and throw-away work. Safe for concurrent use; writers of
// the same rows wait for one another, and those that write at the same time share a sync. What a reader sees of rows
// that are being replaced is unspecified, so readers bound themselves by a published tree size: rows for leaves below
// it never change, except that partial tiles grow.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace rocksdb {
class Env;
}

namespace anamnesis {

class Store : public RowReader {
 public:
  // Writes all rows or none, and returns when they survive a power cut (`durable`) or a crash of the process (not
  // durable). RESOURCE_EXHAUSTED: no space; nothing was written and TryResume may help later. Other codes: the outcome
  // is unknown and the store must be reopened before it is written again.
  virtual Status Write(const Rows& rows, bool durable) = 0;

  // Removes rows, if they are there, not durably.
  virtual Status Remove(Family family, const std::vector<std::string>& keys) = 0;

  // A reader with a view of the present, cheaper for many reads in a row than the store itself; one thread at a time.
  // Must not outlive the store.
  virtual std::unique_ptr<RowReader> View() const = 0;

  // After RESOURCE_EXHAUSTED: whether the store can be written again. RESOURCE_EXHAUSTED: there is no space yet.
  virtual Status TryResume() = 0;

  // Removes every row of the projection families. Nobody may read them meanwhile.
  virtual Status ClearProjections() = 0;

  // Adds rows to one family in bulk, without the log: not atomic, durable after Flush. `rows` are of that family,
  // borrowed for the call; they need not be sorted. Of those that repeat a key the last counts.
  virtual Status BulkLoad(Family family, std::vector<const Row*> rows) = 0;

  // After rows were removed or erased: rewrites what held them, so that their bytes are in no table file and no
  // write-ahead log. Around the keys of `keys`; without any, the whole family. Readers' views from before keep their
  // files until they end. Writes go on meanwhile. RESOURCE_EXHAUSTED: no space for that; nothing was begun.
  virtual Status Purge(Family family, const std::vector<std::string>& keys) = 0;

  // Writes everything that is only in memory and the write-ahead log to table files. RESOURCE_EXHAUSTED: no space.
  virtual Status Flush() = 0;

  // Reads every table file and compares the storage's own checksums. DATA_LOSS, with the file, when one is wrong.
  virtual Status VerifyChecksums() = 0;

  // Adds a generation with what is written now to the backups in `dir` (backups.h), synced, and returns its number;
  // writes go on meanwhile. `note` is kept with it. `go_on` is called now and then, from any thread. CANCELLED: it
  // returned false. RESOURCE_EXHAUSTED: no space. What was there before stays as it was. UNIMPLEMENTED in memory.
  virtual StatusOr<uint32_t> BackUp(const std::string& dir, const std::string& note,
                                    const std::function<bool()>& go_on) = 0;

  // Free bytes where the store lives; a large number in memory.
  virtual uint64_t FreeBytes() const = 0;
};

struct StoreOptions {
  bool create_if_missing = false;
  // Opens without a lock and without writing; Write fails.
  bool read_only = false;
  // Of what was read so much is kept in memory: blocks, and what finds them in their files.
  size_t cache_bytes = 256u << 20;
  // Rows that are in memory and the write-ahead log alone are written into files when they are more than this.
  size_t unflushed_bytes = 256u << 20;
  // How files are found where they are not plainly in the store's directory; null for the file system.
  std::shared_ptr<rocksdb::Env> environment = nullptr;
};

// Opens the RocksDB store in `dir`. NOT_FOUND: no store there. FAILED_PRECONDITION: another process has it open.
// DATA_LOSS: it is damaged.
StatusOr<std::unique_ptr<Store>> OpenRocksStore(const std::string& dir, const StoreOptions& options);

std::unique_ptr<Store> MakeMemoryStore();

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STORE_STORE_H_
