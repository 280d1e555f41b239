#include "ledger/commit/find_tile.h"

#include <optional>

#include "ledger/commit/apply.h"

namespace anamnesis {

StatusOr<std::string> FindTile(const RowFinder& rows, TileId id) {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, rows.Get(Family::kTiles, TileKey(id)));
  if (!bytes.has_value()) return absl::NotFoundError(Text("no tile ", id.level, "/", id.index));
  return *std::move(bytes);
}

}  // namespace anamnesis
