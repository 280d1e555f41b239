#include "ledger/engine/tiles_out.h"

#include "ledger/base/limits.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

StatusOr<std::string> ReadBundle(const RowReader& rows, uint64_t first, uint32_t width) {
  std::string bundle;
  uint64_t next = first;
  const auto add = [&](std::string_view key, std::string_view leaf) {
    if (key != LeafKey(LeafIndex(next)) || leaf.size() > limits::kLeafBytesMax) return false;
    AppendBundleEntry(bundle, leaf);
    return ++next < first + width;
  };
  RETURN_IF_ERROR(rows.Scan(Family::kLeaves, "", LeafKey(LeafIndex(first)), add));
  if (next != first + width) return absl::DataLossError(Text("leaf ", next, " is missing or damaged; run fsck"));
  return bundle;
}

}  // namespace

StatusOr<std::string> ReadTile(const RowReader& rows, const TilePathParts& tile, TreeSize size) {
  if (tile.id.level >= kTileLevels || tile.width > TileWidthAt(tile.id, size)) {
    return absl::NotFoundError(Text("no such tile in the tree of ", size.value, " leaves"));
  }
  // Bundles lie beside the tiles of level 0, so they are as wide.
  if (tile.entries) return ReadBundle(rows, tile.id.index * kTileWidth, tile.width);
  const StoredTiles tiles(rows);
  StatusOr<std::string> bytes = tiles.Tile(tile.id);
  if (absl::IsNotFound(bytes.status())) {
    return absl::DataLossError(Text("tile ", tile.id.level, "/", tile.id.index, " is missing; run fsck"));
  }
  RETURN_IF_ERROR(bytes.status());
  RETURN_IF_ERROR(ParseTile(tile.id, *bytes, tile.width).status());
  bytes->resize(tile.width * Digest::kSize);
  return bytes;
}

}  // namespace anamnesis
