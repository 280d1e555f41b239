#ifndef ANAMNESIS_LEDGER_STORE_ROCKS_STATUS_H_
#define ANAMNESIS_LEDGER_STORE_ROCKS_STATUS_H_

// What RocksDB says, in the codes of store.h.

#include <string>

#include "ledger/base/status.h"
#include "ledger/state/projection_damage.h"
#include "rocksdb/status.h"

namespace anamnesis {

inline Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return OkStatus();
  const std::string text = "store: " + status.ToString();
  if (status.IsCorruption()) return absl::DataLossError(text + "; run fsck");
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  if (status.IsNotFound()) return absl::NotFoundError(text);
  return absl::InternalError(text);
}

// Of reading rows of `family`, whose files may be damaged or gone.
inline Status FromRocks(const rocksdb::Status& status, Family family) {
  const bool damage = status.IsCorruption() || status.IsPathNotFound();
  return damage && IsProjection(family) ? ProjectionDamage("store: " + status.ToString()) : FromRocks(status);
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STORE_ROCKS_STATUS_H_
