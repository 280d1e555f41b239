#ifndef ANAMNESIS_LEDGER_STORE_BACKUPS_H_
#define ANAMNESIS_LEDGER_STORE_BACKUPS_H_

// Backups of a store: generations in one directory, in the form of RocksDB's BackupEngine. Each is the whole store at
// one moment; table files that did not change between two are there once. Store::BackUp adds one. Whoever calls sees to
// it that nobody else changes the directory meanwhile. Everything is synced when a call returns.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/store/store.h"

namespace anamnesis {

struct StoreBackup {
  uint32_t generation = 0;
  Timestamp created;
  // Of all its files.
  uint64_t bytes = 0;
  // As it was given to Store::BackUp.
  std::string note;
  // Why it can't be read: a file is missing or has another size. Empty when it can be.
  std::string problem;
};

// The generations that there were when it was opened. Safe for concurrent use. A generation that isn't there is
// NOT_FOUND.
class Backups {
 public:
  // NOT_FOUND: `dir` holds no backups. INTERNAL: they can't be read.
  static StatusOr<std::unique_ptr<Backups>> Open(const std::string& dir);
  virtual ~Backups() = default;

  // Ascending.
  virtual std::vector<StoreBackup> List() const = 0;
  // Opens a generation where it is, for reading; must not outlive this. Fails as OpenRocksStore does.
  virtual StatusOr<std::unique_ptr<Store>> OpenStore(uint32_t generation, size_t cache_bytes) const = 0;
  // Reads all files of a generation and compares their checksums. DATA_LOSS, with the file, when one is wrong.
  virtual Status CheckFiles(uint32_t generation) const = 0;
  // Copies a generation to `dir`, which holds nothing. DATA_LOSS: a file is damaged. RESOURCE_EXHAUSTED: no space.
  virtual Status Restore(uint32_t generation, const std::string& dir) const = 0;
};

// Removes generations with the files that no other has. NOT_FOUND, and nothing removed: one isn't there. INTERNAL: the
// rest is removed with the next call.
Status RemoveBackups(const std::string& dir, const std::vector<uint32_t>& generations);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STORE_BACKUPS_H_
