#ifndef ANAMNESIS_LEDGER_COMMIT_FIND_TILE_H_
#define ANAMNESIS_LEDGER_COMMIT_FIND_TILE_H_

#include <string>

#include "ledger/base/status.h"
#include "ledger/merkle/tiles.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// A tile as it is in the ledger's rows. NOT_FOUND when it isn't.
StatusOr<std::string> FindTile(const RowFinder& rows, TileId id);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_COMMIT_FIND_TILE_H_
