#ifndef ANAMNESIS_LEDGER_ENGINE_TILES_OUT_H_
#define ANAMNESIS_LEDGER_ENGINE_TILES_OUT_H_

#include <string>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/merkle/tiles.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The bytes of a tile or an entry bundle as a tree of the first `size` leaves has them, exactly as wide as `tile` asks.
// NOT_FOUND: such a tree has no such tile, or not that much of it. DATA_LOSS: what is stored is damaged; otherwise
// fails as `rows` does. A bundle is at most 256 leaves, so 16 MiB.
StatusOr<std::string> ReadTile(const RowReader& rows, const TilePathParts& tile, TreeSize size);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_TILES_OUT_H_
