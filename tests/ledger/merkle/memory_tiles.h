#ifndef ANAMNESIS_TESTS_LEDGER_MERKLE_MEMORY_TILES_H_
#define ANAMNESIS_TESTS_LEDGER_MERKLE_MEMORY_TILES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/crypto/sha256.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tree_hash.h"

namespace anamnesis {

// A store of tiles as a map, counting reads.
class MemoryTiles : public TileReader {
 public:
  StatusOr<std::string> Tile(TileId id) const override {
    ++reads;
    auto found = tiles.find(id);
    if (found == tiles.end()) return absl::NotFoundError("no such tile");
    return found->second;
  }
  void Put(const std::vector<TileUpdate>& updates) {
    for (const TileUpdate& update : updates) tiles[update.id] = update.bytes;
  }

  std::map<TileId, std::string> tiles;
  mutable int reads = 0;
};

inline std::vector<Digest> NumberedLeaves(size_t count) {
  std::vector<Digest> leaves;
  for (size_t i = 0; i < count; ++i) leaves.push_back(LeafHash(Text("leaf ", i)));
  return leaves;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_MERKLE_MEMORY_TILES_H_
