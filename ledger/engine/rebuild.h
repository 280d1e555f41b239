#ifndef ANAMNESIS_LEDGER_ENGINE_REBUILD_H_
#define ANAMNESIS_LEDGER_ENGINE_REBUILD_H_

// Derives all projections from the log again. They are disposable: nothing is in them that the log doesn't say.

#include <functional>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Whether a rebuild was begun and not finished, so that projections can't be read.
StatusOr<bool> RebuildIsDue(const RowFinder& rows);

// Drops the projections and folds the leaves [0, size) again. Nobody may use the store meanwhile. Interrupted, it
// starts over at the next open. DATA_LOSS: a leaf doesn't parse. `progress` is called now and then with the events
// done.
Status RebuildProjections(Store& store, TreeSize size, const std::function<void(uint64_t)>& progress);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_REBUILD_H_
