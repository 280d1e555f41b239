#ifndef ANAMNESIS_LEDGER_ENGINE_MAKE_ANEW_H_
#define ANAMNESIS_LEDGER_ENGINE_MAKE_ANEW_H_

// A database with files that the storage can't read is made anew beside itself: from the rows that can be read and
// verify, and from what another replica holds. It becomes DIR/db, and the damaged one DIR/db.damaged, by two renames.

#include <functional>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/engine/repair_source.h"
#include "ledger/engine/trusted_tree.h"
#include "ledger/store/store.h"

namespace anamnesis {

struct MakeAnewOptions {
  size_t threads = 0;
  size_t cache_bytes = 256u << 20;
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

// Makes the new one of the ledger in `dir`, whose damaged database is `store`, and goes on with one that was begun.
// DATA_LOSS: what isn't of the log (the order's state, staged batches) can't be read either, or neither here nor there
// is a leaf or a body that verifies. Otherwise fails as CopyIn does.
Status MakeAnew(const std::string& dir, const Store& store, const std::string& origin, const TrustedTree& tree,
                RepairSource& source, const MakeAnewOptions& options);

// Puts the finished one in its place; `store` must be closed.
Status PutInPlace(const std::string& dir);

// Does what PutInPlace was interrupted in.
Status FinishMakingAnew(const std::string& dir);

// Removes the damaged one, if there is one.
Status RemoveDamaged(const std::string& dir);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_MAKE_ANEW_H_
