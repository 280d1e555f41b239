#ifndef ANAMNESIS_LEDGER_ENGINE_SPACE_H_
#define ANAMNESIS_LEDGER_ENGINE_SPACE_H_

// Space is looked for before a write and not found out by its failure: a flush that runs out of it ends the process,
// since Debian's RocksDB asserts that a file whose writing failed isn't used again.

#include <cstdint>

#include "ledger/base/status.h"
#include "ledger/store/store.h"

namespace anamnesis {

// RESOURCE_EXHAUSTED, with both numbers, when less than `needed` bytes are free where the store is.
inline Status CheckSpace(const Store& store, uint64_t needed) {
  const uint64_t free = store.FreeBytes();
  if (free >= needed) return OkStatus();
  return absl::ResourceExhaustedError(Text("disk full: ", free >> 20, " MiB are free where the ledger is, ",
                                           (needed >> 20) + 1,
                                           " MiB are needed; nothing was written, retry when there is space"));
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_SPACE_H_
