#ifndef ANAMNESIS_LEDGER_COMMIT_STORED_TILES_H_
#define ANAMNESIS_LEDGER_COMMIT_STORED_TILES_H_

#include <string>

#include "ledger/base/status.h"
#include "ledger/merkle/tiles.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Tiles as they are in the ledger's rows, which must outlive it. NOT_FOUND: one that isn't there.
class StoredTiles : public TileReader {
 public:
  explicit StoredTiles(const RowFinder& rows) : rows_(rows) {}
  StatusOr<std::string> Tile(TileId id) const override;

 private:
  const RowFinder& rows_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_COMMIT_STORED_TILES_H_
