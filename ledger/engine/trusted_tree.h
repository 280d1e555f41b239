#ifndef ANAMNESIS_LEDGER_ENGINE_TRUSTED_TREE_H_
#define ANAMNESIS_LEDGER_ENGINE_TRUSTED_TREE_H_

// What the pieces of a log must hash to. A piece is kTileWidth leaves, those of one tile of level 0, and fewer at the
// end; its hash is the root over them, and all of them hash to the log's root as leaves would. So one root vouches for
// every piece, and each can then be checked, fetched and mended alone.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/repair_source.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Told how many bytes were read, and waits as long as it wants. Anything but OK ends the work with it.
using Pace = std::function<Status(uint64_t bytes)>;

// A value: 32 bytes for each piece. Const methods are safe from any thread.
class TrustedTree {
 public:
  // Finds pieces that hash to `root`, over `size` leaves: in the stored tiles of level 1; where those don't, in what
  // stored tiles and stored leaves say alike; where they don't agree, in the leaves that `source` holds; and last with
  // all leaves from there. `source` may be null. DATA_LOSS: nothing here or there hashes to that root. CANCELLED as
  // `pace` does. Otherwise fails as the source does.
  static StatusOr<TrustedTree> Find(const RowReader& rows, TreeSize size, const Digest& root, RepairSource* source,
                                    const Pace& pace);

  TreeSize size() const { return size_; }
  uint64_t pieces() const { return hashes_.size(); }
  const Digest& piece(uint64_t number) const { return hashes_[number]; }
  LeafIndex First(uint64_t number) const { return LeafIndex(number * kTileWidth); }
  // How many leaves a piece has: [1, kTileWidth].
  uint32_t Width(uint64_t number) const { return TileWidthAt({0, number}, size_); }

  // The root of all leaves.
  Digest root() const { return RootOfLeafHashes(hashes_); }
  // The root of the first `size` leaves, the leaf hashes of whose last piece, when it isn't whole, are `last`: as many
  // as that has, or more.
  Digest RootAt(TreeSize size, const std::vector<Digest>& last) const;

  // The tiles above level 0 that the pieces make, one after the other.
  Status VisitTiles(const std::function<Status(TileUpdate)>& visit) const;

 private:
  TreeSize size_;
  std::vector<Digest> hashes_;
};

// The leaf hashes that are stored as tile `number` of level 0, `width` of them; empty when they can't be read or are
// fewer.
std::vector<Digest> StoredHashes(const RowFinder& rows, TileId id, uint32_t width);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_TRUSTED_TREE_H_
