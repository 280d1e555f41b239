#ifndef ANAMNESIS_TESTS_LEDGER_MERKLE_MERKLE_REFERENCE_H_
#define ANAMNESIS_TESTS_LEDGER_MERKLE_MERKLE_REFERENCE_H_

// RFC 6962 section 2.1 written down as it is defined, for the fast code to be compared with: MTH, PATH and PROOF over a
// list of leaf hashes. Slow on purpose.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/crypto/sha256.h"
#include "ledger/merkle/tiles.h"

namespace anamnesis::reference {

using Leaves = std::span<const Digest>;

inline size_t SplitPoint(size_t n) {
  size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

inline Digest Leaf(const std::string& leaf) { return Sha256(std::string(1, '\0') + leaf); }
inline Digest Join(const Digest& left, const Digest& right) { return Sha256("\x01" + left.bytes() + right.bytes()); }

inline Digest Root(Leaves leaves) {
  if (leaves.empty()) return Sha256("");
  if (leaves.size() == 1) return leaves[0];
  const size_t k = SplitPoint(leaves.size());
  return Join(Root(leaves.first(k)), Root(leaves.subspan(k)));
}

inline std::vector<Digest> Path(size_t m, Leaves leaves) {
  if (leaves.size() == 1) return {};
  const size_t k = SplitPoint(leaves.size());
  const bool left = m < k;
  std::vector<Digest> path = left ? Path(m, leaves.first(k)) : Path(m - k, leaves.subspan(k));
  path.push_back(Root(left ? leaves.subspan(k) : leaves.first(k)));
  return path;
}

inline std::vector<Digest> SubProof(size_t m, Leaves leaves, bool known) {
  if (m == leaves.size()) return known ? std::vector<Digest>{} : std::vector<Digest>{Root(leaves)};
  const size_t k = SplitPoint(leaves.size());
  const bool left = m <= k;
  std::vector<Digest> proof = left ? SubProof(m, leaves.first(k), known) : SubProof(m - k, leaves.subspan(k), false);
  proof.push_back(Root(left ? leaves.subspan(k) : leaves.first(k)));
  return proof;
}

// Every tile of a tree, straight from the formula of tlog-tiles: hash i of tile n of level l is
// MTH(D[(n * 256 + i) * 256^l : (n * 256 + i + 1) * 256^l]).
inline std::map<TileId, std::string> Tiles(Leaves leaves) {
  std::map<TileId, std::string> tiles;
  size_t span = 1;
  for (uint32_t level = 0; span <= leaves.size(); ++level, span *= 256) {
    for (size_t i = 0; (i + 1) * span <= leaves.size(); ++i) {
      tiles[{level, i / 256}] += Root(leaves.subspan(i * span, span)).bytes();
    }
  }
  return tiles;
}

}  // namespace anamnesis::reference

#endif  // ANAMNESIS_TESTS_LEDGER_MERKLE_MERKLE_REFERENCE_H_
