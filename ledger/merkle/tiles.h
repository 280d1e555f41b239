#ifndef ANAMNESIS_LEDGER_MERKLE_TILES_H_
#define ANAMNESIS_LEDGER_MERKLE_TILES_H_

// The layout of a stored tree: C2SP tlog-tiles (https://c2sp.org/tlog-tiles). A tile of level L holds up to 256
// consecutive hashes of tree level 8 L; one hash of level L + 1 is the root of a full tile of level L. A partial tile
// is never hashed upwards. These numbers are on disk and on the wire and do not change.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/merkle/node_reader.h"

namespace anamnesis {

inline constexpr uint32_t kTileHeight = 8;
inline constexpr uint32_t kTileWidth = 256;
inline constexpr size_t kTileBytesMax = kTileWidth * Digest::kSize;
// Tile levels that a tree of up to 2^64 - 1 leaves has.
inline constexpr uint32_t kTileLevels = 8;

struct TileId {
  uint32_t level = 0;
  uint64_t index = 0;
  friend constexpr auto operator<=>(const TileId&, const TileId&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const TileId& id) {
    return H::combine(std::move(state), id.level, id.index);
  }
};

// A tile's new content: 32 bytes for each hash.
struct TileUpdate {
  TileId id;
  std::string bytes;
};

// How many hashes tile `id` has in a tree of `size` leaves: [0, 256].
uint32_t TileWidthAt(TileId id, TreeSize size);

// "tile/<level>/<index>", with ".p/<width>" when `width` is below 256, for example "tile/0/x001/234.p/5".
// `width` is in [1, 256].
std::string TilePath(uint32_t level, uint64_t index, uint32_t width = kTileWidth);
// "tile/entries/<index>" in the same way.
std::string EntriesPath(uint64_t index, uint32_t width = kTileWidth);

// What a path asks for. `entries` is true for an entry bundle; `id.level` is then 0.
struct TilePathParts {
  bool entries = false;
  TileId id;
  uint32_t width = kTileWidth;
};

// Reads what TilePath and EntriesPath write, and only that: one spelling for each tile. Levels 0 to 63 are read, as the
// specification has them. INVALID_ARGUMENT otherwise. Any input is safe.
StatusOr<TilePathParts> ParseTilePath(std::string_view path);

// Appends one leaf to an entry bundle: a big-endian 16-bit length and the bytes. `leaf` is at most
// limits::kLeafBytesMax bytes long (checked).
void AppendBundleEntry(std::string& bundle, std::string_view leaf);
// The leaves of a bundle, borrowed from it. INVALID_ARGUMENT when it is cut off or holds more than 256. Any input is
// safe.
StatusOr<std::vector<std::string_view>> ParseEntryBundle(std::string_view bundle);

// Stored tiles. The bytes may be those of a partial tile, and may be more than a tree of some earlier size had.
class TileReader {
 public:
  virtual ~TileReader() = default;
  // NOT_FOUND when there is no such tile; otherwise whatever the storage fails with.
  virtual StatusOr<std::string> Tile(TileId id) const = 0;
};

// Nodes from stored tiles. Borrows `tiles`, which must outlive it. Keeps the last two tiles of each level with the
// nodes computed from them (a proof needs two: one on the leaf's path and one at the tree's right edge), so that many
// proofs about neighbouring leaves from one reader cost little; hence one thread at a time, and a reader is best made
// for one piece of work.
class TileNodeReader : public NodeReader {
 public:
  explicit TileNodeReader(const TileReader& tiles) : tiles_(tiles) {}
  // OUT_OF_RANGE when no tree can have such a node; DATA_LOSS when the tile is missing, shorter than needed, longer
  // than a full tile or not a whole number of hashes; whatever else `tiles` fails with.
  StatusOr<Digest> Node(uint32_t level, uint64_t index) const override;

 private:
  // A tile and the complete subtrees above it: rows[h] holds those of 2^h hashes, as far up as was asked for.
  struct Expanded {
    uint64_t index;
    std::vector<std::vector<Digest>> rows;
  };

  StatusOr<Expanded*> Load(TileId id, size_t width_needed) const;

  const TileReader& tiles_;
  // The tile used last comes first.
  mutable std::array<std::array<std::optional<Expanded>, 2>, kTileLevels> cache_;
};

// The hashes of a stored tile. DATA_LOSS, naming the tile, unless `bytes` is a whole number of hashes, at least
// `width_needed` and at most 256.
StatusOr<std::vector<Digest>> ParseTile(TileId id, std::string_view bytes, size_t width_needed);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_MERKLE_TILES_H_
