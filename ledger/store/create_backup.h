#ifndef ANAMNESIS_LEDGER_STORE_CREATE_BACKUP_H_
#define ANAMNESIS_LEDGER_STORE_CREATE_BACKUP_H_

// The writing half of backups.h, for the store whose database is open.

#include <cstdint>
#include <functional>
#include <string>

#include "ledger/base/status.h"
#include "rocksdb/db.h"

namespace anamnesis {

// As Store::BackUp says. Any thread; the database goes on.
StatusOr<uint32_t> CreateBackup(rocksdb::DB& db, const std::string& dir, const std::string& note,
                                const std::function<bool()>& go_on);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STORE_CREATE_BACKUP_H_
