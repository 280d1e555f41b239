#ifndef ANAMNESIS_LEDGER_MERKLE_FRONTIER_H_
#define ANAMNESIS_LEDGER_MERKLE_FRONTIER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/merkle/tiles.h"

namespace anamnesis {

// The right edge of a growing tree: enough to append leaves, know the root and write the tiles that changed, without
// reading the rest. A value: copy it, work on the copy, and keep the copy once its tiles are durable. One thread at a
// time. Size in memory: at most 8 KiB for each tile level in use, and the full tiles not yet taken.
class Frontier {
 public:
  // The empty tree.
  Frontier() = default;

  // Restores the frontier of the tree of `size` leaves from its stored tiles: one partial tile for each level. Tiles
  // that have grown since are cut to what they were at `size`. DATA_LOSS when a tile is missing, too short, too long or
  // not a whole number of hashes; whatever else `tiles` fails with. Nothing here can tell a wrong hash: compare Root()
  // with a root that is trusted.
  static StatusOr<Frontier> Load(const TileReader& tiles, TreeSize size);

  // Adds one leaf at the right. Costs one node hash on average, at most 64.
  void Append(const Digest& leaf_hash);

  TreeSize size() const { return TreeSize(size_); }
  // EmptyRoot() for the empty tree. Costs at most 63 node hashes.
  Digest Root() const;

  // Every tile, full or partial, that changed since the last call (or since the frontier was made or loaded), once each
  // with its present bytes, in the order of level and index.
  std::vector<TileUpdate> TakeChangedTiles();

 private:
  struct PartialTile {
    std::string bytes;
    bool changed = false;
  };

  void AppendToTile(uint32_t tile_level, const Digest& hash);

  uint64_t size_ = 0;
  // peaks_[h] is the root of the rightmost complete subtree of 2^h leaves, where size_ has bit h set.
  std::array<Digest, 64> peaks_{};
  std::array<PartialTile, kTileLevels> partial_;
  std::vector<TileUpdate> filled_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_MERKLE_FRONTIER_H_
