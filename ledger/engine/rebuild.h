#ifndef ANAMNESIS_LEDGER_ENGINE_REBUILD_H_
#define ANAMNESIS_LEDGER_ENGINE_REBUILD_H_

// Derives all projections from the log again. They are disposable: nothing is in them that the log doesn't say.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/event_list.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Opens the store of the ledger in `dir` to be written. Where nothing but files of projections is so damaged that it
// can't be opened, they are dropped, and a rebuild is due from then on. Otherwise fails as OpenRocksStore.
StatusOr<std::unique_ptr<Store>> OpenStoreOf(
    const std::string& dir, const StoreOptions& options,
    const std::function<void(std::string_view)>& log = [](std::string_view) {});

// Whether a rebuild was begun and not finished, so that projections can't be read.
StatusOr<bool> RebuildIsDue(const RowFinder& rows);

// Bounds memory: rows of this many events are sorted and loaded at once, while those of as many are made. Lists of
// events end where a chunk ends, so that each is loaded once.
inline constexpr uint64_t kRebuildChunkEvents = 512 * kListRowIndexes;

// Drops the projections and folds the leaves [0, size) again. Nobody may use the store meanwhile. Interrupted, it
// starts over at the next open. DATA_LOSS: a leaf is missing, where that is the first or the last before anything is
// dropped; or doesn't parse. `progress` is called now and then with the events
// done.
Status RebuildProjections(Store& store, TreeSize size, const std::function<void(uint64_t)>& progress,
                          uint64_t chunk_events = kRebuildChunkEvents);

// Rebuilds the projections of the ledger in `dir` if a rebuild is due or they were found damaged, and says so.
Status RebuildIfDue(Store& store, const std::string& dir, TreeSize size,
                    const std::function<void(std::string_view)>& log);

// Folds the leaves [from, to) onto projections of the first `from` leaves. Nobody may use the store meanwhile.
// Afterwards, and when it is interrupted, a rebuild is due until ProjectionsComplete is written. `progress` is called
// now and then with the leaves done; when it fails, so does this. RESOURCE_EXHAUSTED: no space for the next chunk.
Status ExtendProjections(Store& store, TreeSize from, TreeSize to, const std::function<Status(uint64_t)>& progress,
                         uint64_t chunk_events = kRebuildChunkEvents);
Row ProjectionsComplete();

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_REBUILD_H_
