#ifndef ANAMNESIS_LEDGER_ENGINE_BACKUP_H_
#define ANAMNESIS_LEDGER_ENGINE_BACKUP_H_

// Backups of a ledger: generations (store/backups.h), with the key that signs its checkpoints and, of each, the newest
// checkpoint from before it. Everything that makes the ledger is there, but
//   - objects, which lie in plain files beside it;
//   - the identity of a node of a cluster: what is restored is a new node, since it may lack batches that the old one
//     had promised to keep.
// The directory holds a secret, the checkpoint key: it is made for its owner only.
//
// Erasures (purger.h): a generation made after one holds nothing of what was erased. Those from before still do, until
// they are dropped, and lists say which.
//
// One process at a time works with a directory of backups: others get FAILED_PRECONDITION. Any thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "anamnesis/v1/backup.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/fsck.h"
#include "ledger/store/store.h"

namespace anamnesis {

// A ledger that is open.
struct BackupSource {
  // Its directory.
  const std::string& dir;
  Store& store;
  TreeSize size;
};

// Adds a generation, then removes the oldest until `keep` are left (0: none is removed). `dir` is made if it isn't
// there; those that can't be read are not counted. What was erased and not purged yet may be in it, as lists say.
// FAILED_PRECONDITION: `dir` holds backups of another ledger or node, or
// something else. Otherwise fails as Store::BackUp does.
StatusOr<v1::CreateBackupResponse> CreateBackup(const BackupSource& source, const std::string& dir, uint32_t keep,
                                                const std::function<bool()>& go_on);

// Where erasures are looked up.
struct KnownErasures {
  const RowReader& rows;
  TreeSize size;
};

// All generations; by the erasures in `known`, or, without it, in the newest generation. NOT_FOUND: no backups there.
StatusOr<v1::BackupList> ListBackups(const std::string& dir, const std::optional<KnownErasures>& known);

// Removes generations and lists what is left. NOT_FOUND, nothing removed: one isn't there. INVALID_ARGUMENT: none would
// be left.
StatusOr<v1::BackupList> DropBackups(const std::string& dir, const v1::DropBackupsRequest& request,
                                     const std::optional<KnownErasures>& known);

// Checks a generation where it is (0: the newest), its files' checksums and then as Fsck does. NOT_FOUND: it isn't
// there.
struct CheckedBackup {
  uint32_t generation = 0;
  // Of a restored one: bodies in it that were erased since, by the newest generation that can be read.
  uint64_t erased_bodies = 0;
  FsckReport report;
};
StatusOr<CheckedBackup> CheckBackup(const std::string& dir, uint32_t generation, const FsckOptions& options);

// Makes a ledger of a generation (0: the newest) in `to`, which isn't there or is empty: it is there checked and whole,
// or not at all. With problems in the report it is not there. ALREADY_EXISTS: something is in `to`, or in TO.restoring,
// where it is made.
StatusOr<CheckedBackup> RestoreBackup(const std::string& dir, uint32_t generation, const std::string& to,
                                      const FsckOptions& options);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_BACKUP_H_
