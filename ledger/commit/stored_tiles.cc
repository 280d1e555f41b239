#include "ledger/commit/stored_tiles.h"

#include <optional>

#include "ledger/commit/apply.h"

namespace anamnesis {

StatusOr<std::string> StoredTiles::Tile(TileId id) const {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, rows_.Get(Family::kTiles, TileKey(id)));
  if (!bytes.has_value()) return absl::NotFoundError(Text("no tile ", id.level, "/", id.index));
  return *std::move(bytes);
}

}  // namespace anamnesis
