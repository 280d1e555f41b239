#include "ledger/merkle/frontier.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "ledger/merkle/tree_hash.h"

namespace anamnesis {

StatusOr<Frontier> Frontier::Load(const TileReader& tiles, TreeSize size) {
  Frontier frontier;
  frontier.size_ = size.value;
  for (uint32_t level = 0; level < kTileLevels; ++level) {
    const uint64_t hashes_in_level = size.value >> (kTileHeight * level);
    const size_t width = hashes_in_level % kTileWidth;
    if (width == 0) continue;
    const TileId id{level, hashes_in_level / kTileWidth};
    StatusOr<std::string> bytes = tiles.Tile(id);
    if (absl::IsNotFound(bytes.status())) {
      return absl::DataLossError(Text("stored tile ", id.index, " of level ", id.level, " is missing; a tree of size ",
                                      size.value, " needs it"));
    }
    RETURN_IF_ERROR(bytes.status());
    ASSIGN_OR_RETURN(std::vector<Digest> hashes, ParseTile(id, *bytes, width));
    bytes->resize(width * Digest::kSize);
    frontier.partial_[level].bytes = *std::move(bytes);
    // The tile's hashes fall into complete subtrees, the largest first: one for each one-bit of the width.
    std::span<const Digest> rest = std::span<const Digest>(hashes).first(width);
    while (!rest.empty()) {
      const size_t count = std::bit_floor(rest.size());
      const auto height = kTileHeight * level + static_cast<uint32_t>(std::countr_zero(count));
      frontier.peaks_[height] = RootOfLeafHashes(rest.first(count));
      rest = rest.subspan(count);
    }
  }
  return frontier;
}

void Frontier::Append(const Digest& leaf_hash) {
  AppendToTile(0, leaf_hash);
  Digest node = leaf_hash;
  uint32_t height = 0;
  while ((size_ >> height) & 1) {
    node = NodeHash(peaks_[height], node);
    ++height;
    if (height % kTileHeight == 0) AppendToTile(height / kTileHeight, node);
  }
  peaks_[height] = node;
  ++size_;
}

Digest Frontier::Root() const {
  if (size_ == 0) return EmptyRoot();
  auto height = static_cast<uint32_t>(std::countr_zero(size_));
  Digest root = peaks_[height];
  for (++height; height < peaks_.size(); ++height) {
    if ((size_ >> height) & 1) root = NodeHash(peaks_[height], root);
  }
  return root;
}

std::vector<TileUpdate> Frontier::TakeChangedTiles() {
  std::vector<TileUpdate> changed = std::exchange(filled_, {});
  for (uint32_t level = 0; level < kTileLevels; ++level) {
    PartialTile& tile = partial_[level];
    if (!std::exchange(tile.changed, false)) continue;
    changed.push_back({{level, (size_ >> (kTileHeight * level)) / kTileWidth}, tile.bytes});
  }
  std::sort(changed.begin(), changed.end(), [](const TileUpdate& a, const TileUpdate& b) { return a.id < b.id; });
  return changed;
}

void Frontier::AppendToTile(uint32_t tile_level, const Digest& hash) {
  PartialTile& tile = partial_[tile_level];
  tile.bytes.append(hash.view());
  tile.changed = tile.bytes.size() < kTileBytesMax;
  if (tile.changed) return;
  // size_ is still the size before the leaf that fills the tile, so it lies within the tile.
  filled_.push_back({{tile_level, (size_ >> (kTileHeight * tile_level)) / kTileWidth}, std::exchange(tile.bytes, {})});
}

}  // namespace anamnesis
