#ifndef ANAMNESIS_TESTS_FUZZ_COPIED_LEDGER_H_
#define ANAMNESIS_TESTS_FUZZ_COPIED_LEDGER_H_

// The store of the ledger that all targets have, for what needs one that nobody has open.

#include <filesystem>
#include <memory>
#include <string>

#include "ledger/engine/layout.h"
#include "ledger/store/store.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {

// A copy, made below its directory under this name.
inline std::unique_ptr<Store> OpenCopyOfSharedLedger(const std::string& name) {
  const std::string dir = SharedLedger().dir() + "/" + name;
  std::filesystem::copy(SharedLedger().dir() + "/ledger", dir, std::filesystem::copy_options::recursive);
  StoreOptions options;
  options.cache_bytes = 1u << 20;
  return OpenRocksStore(DatabasePath(dir), options).value();
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FUZZ_COPIED_LEDGER_H_
