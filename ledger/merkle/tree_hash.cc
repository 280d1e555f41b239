#include "ledger/merkle/tree_hash.h"

#include <array>
#include <cstring>
#include <vector>

#include "ledger/crypto/sha256.h"

namespace anamnesis {

Digest EmptyRoot() { return Sha256(""); }

Digest LeafHash(std::string_view leaf) { return Sha256({std::string_view("\0", 1), leaf}); }

Digest NodeHash(const Digest& left, const Digest& right) {
  std::array<char, 1 + 2 * Digest::kSize> node;
  node[0] = 1;
  std::memcpy(node.data() + 1, left.data(), Digest::kSize);
  std::memcpy(node.data() + 1 + Digest::kSize, right.data(), Digest::kSize);
  return Sha256(std::string_view(node.data(), node.size()));
}

Digest RootOfLeafHashes(std::span<const Digest> leaf_hashes) {
  if (leaf_hashes.empty()) return EmptyRoot();
  std::vector<Digest> row(leaf_hashes.begin(), leaf_hashes.end());
  while (row.size() > 1) {
    const size_t pairs = row.size() / 2;
    for (size_t i = 0; i < pairs; ++i) row[i] = NodeHash(row[2 * i], row[2 * i + 1]);
    // A node without a sibling rises unhashed: that is what splitting at the largest power of two comes to.
    if (row.size() % 2 == 1) row[pairs] = row.back();
    row.resize((row.size() + 1) / 2);
  }
  return row[0];
}

}  // namespace anamnesis
