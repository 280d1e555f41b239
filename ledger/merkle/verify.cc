#include "ledger/merkle/verify.h"

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ledger/merkle/tree_hash.h"

namespace anamnesis {
namespace {

Status CheckLength(std::span<const Digest> proof, int expected) {
  if (proof.size() != static_cast<size_t>(expected)) {
    return absl::InvalidArgumentError(Text("proof: ", proof.size(), " hashes; these sizes call for ", expected));
  }
  return OkStatus();
}

Status CheckRoot(std::string_view which, const Digest& computed, const Digest& given) {
  if (computed != given) {
    return absl::UnauthenticatedError(Text("the proof leads to ", which, " ", computed.hex(), ", not ", given.hex()));
  }
  return OkStatus();
}

// Of the path from node `index` of a row that ends with node `last`: up to `inner` levels it has a sibling at every
// level; above, it runs along the tree's right edge, where there is a sibling (always to the left) for each one-bit of
// the index.
int InnerLength(uint64_t index, uint64_t last) { return static_cast<int>(std::bit_width(index ^ last)); }
int BorderLength(uint64_t index, int inner) { return inner == 64 ? 0 : std::popcount(index >> inner); }
bool IsLeftSibling(uint64_t index, size_t place, int inner) {
  return place >= static_cast<size_t>(inner) || ((index >> place) & 1) == 1;
}

}  // namespace

StatusOr<Digest> RootFromInclusionProof(const Digest& leaf_hash, LeafIndex index, TreeSize size,
                                        std::span<const Digest> proof) {
  if (index.value >= size.value) {
    return absl::InvalidArgumentError(Text("leaf ", index.value, " is not in a tree of size ", size.value));
  }
  const int inner = InnerLength(index.value, size.value - 1);
  RETURN_IF_ERROR(CheckLength(proof, inner + BorderLength(index.value, inner)));
  Digest hash = leaf_hash;
  for (size_t level = 0; level < proof.size(); ++level) {
    hash = IsLeftSibling(index.value, level, inner) ? NodeHash(proof[level], hash) : NodeHash(hash, proof[level]);
  }
  return hash;
}

Status VerifyInclusion(const Digest& leaf_hash, LeafIndex index, TreeSize size, std::span<const Digest> proof,
                       const Digest& root) {
  ASSIGN_OR_RETURN(Digest computed, RootFromInclusionProof(leaf_hash, index, size, proof));
  return CheckRoot("root", computed, root);
}

StatusOr<Digest> PrefixRootFromInclusionProof(const Digest& leaf_hash, LeafIndex index, TreeSize size,
                                              std::span<const Digest> proof) {
  RETURN_IF_ERROR(RootFromInclusionProof(leaf_hash, index, size, proof).status());
  const int inner = InnerLength(index.value, size.value - 1);
  Digest hash = leaf_hash;
  for (size_t level = 0; level < proof.size(); ++level) {
    if (IsLeftSibling(index.value, level, inner)) hash = NodeHash(proof[level], hash);
  }
  return hash;
}

StatusOr<std::vector<Digest>> PrefixProofFromInclusionProof(const Digest& leaf_hash, LeafIndex index, TreeSize size,
                                                            std::span<const Digest> proof) {
  RETURN_IF_ERROR(RootFromInclusionProof(leaf_hash, index, size, proof).status());
  if (index.value == size.value - 1) {
    return absl::InvalidArgumentError(Text("leaf ", index.value, " is the last of ", size.value, " leaves"));
  }
  // The largest complete subtree that ends with the leaf: all siblings below its root are to the left.
  const auto level = static_cast<size_t>(std::countr_one(index.value));
  Digest node = leaf_hash;
  for (size_t i = 0; i < level; ++i) node = NodeHash(proof[i], node);
  std::vector<Digest> prefix_proof = {node};
  prefix_proof.insert(prefix_proof.end(), proof.begin() + static_cast<std::ptrdiff_t>(level), proof.end());
  return prefix_proof;
}

StatusOr<PrefixRoots> RootsFromPrefixProof(TreeSize from, TreeSize to, std::span<const Digest> proof) {
  if (from.value == 0 || from >= to) {
    return absl::InvalidArgumentError(
        Text("no prefix of size ", from.value, " in a tree of size ", to.value, ": 0 < from < to is needed"));
  }
  // Both roots are rebuilt from one start: the largest complete subtree that ends where the old tree ends, whose level
  // is the number of zero-bits below the lowest one-bit of `from`.
  const int level = std::countr_zero(from.value);
  const uint64_t index = (from.value - 1) >> level;
  const uint64_t last = (to.value - 1) >> level;
  // As in an inclusion proof of node `index` in a row that ends with node `last`.
  const int inner = InnerLength(index, last);
  RETURN_IF_ERROR(CheckLength(proof, 1 + inner + BorderLength(index, inner)));
  PrefixRoots roots{proof[0], proof[0]};
  const std::span<const Digest> path = proof.subspan(1);
  for (size_t i = 0; i < path.size(); ++i) {
    if (IsLeftSibling(index, i, inner)) {
      roots.prefix = NodeHash(path[i], roots.prefix);
      roots.whole = NodeHash(path[i], roots.whole);
    } else {
      // What lies to the right of the old tree's edge is new.
      roots.whole = NodeHash(roots.whole, path[i]);
    }
  }
  return roots;
}

StatusOr<Digest> RootFromConsistencyProof(TreeSize from, TreeSize to, std::span<const Digest> proof,
                                          const Digest& root_from) {
  if (from.value == 0 || from > to) {
    return absl::InvalidArgumentError(
        Text("no consistency from size ", from.value, " to size ", to.value, ": 0 < from <= to is needed"));
  }
  if (from == to) {
    RETURN_IF_ERROR(CheckLength(proof, 0));
    return root_from;
  }
  // If the start is the whole old tree, it is not in the proof.
  std::vector<Digest> prefix_proof;
  if (std::has_single_bit(from.value)) prefix_proof.push_back(root_from);
  prefix_proof.insert(prefix_proof.end(), proof.begin(), proof.end());
  ASSIGN_OR_RETURN(const PrefixRoots roots, RootsFromPrefixProof(from, to, prefix_proof));
  RETURN_IF_ERROR(CheckRoot("old root", roots.prefix, root_from));
  return roots.whole;
}

Status VerifyConsistency(TreeSize from, TreeSize to, std::span<const Digest> proof, const Digest& root_from,
                         const Digest& root_to) {
  ASSIGN_OR_RETURN(const Digest computed, RootFromConsistencyProof(from, to, proof, root_from));
  return CheckRoot(from == to ? "root" : "new root", computed, root_to);
}

}  // namespace anamnesis
