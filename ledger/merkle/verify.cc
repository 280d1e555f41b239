#include "ledger/merkle/verify.h"

#include <bit>
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

}  // namespace

StatusOr<Digest> RootFromInclusionProof(const Digest& leaf_hash, LeafIndex index, TreeSize size,
                                        std::span<const Digest> proof) {
  if (index.value >= size.value) {
    return absl::InvalidArgumentError(Text("leaf ", index.value, " is not in a tree of size ", size.value));
  }
  // Up to `inner` levels the path has a sibling at every level; above, it runs along the tree's right edge, where there
  // is a sibling (always to the left) for each one-bit of the index.
  const auto inner = static_cast<int>(std::bit_width(index.value ^ (size.value - 1)));
  const int border = inner == 64 ? 0 : std::popcount(index.value >> inner);
  RETURN_IF_ERROR(CheckLength(proof, inner + border));
  Digest hash = leaf_hash;
  for (size_t level = 0; level < proof.size(); ++level) {
    const bool right = level >= static_cast<size_t>(inner) || ((index.value >> level) & 1) == 1;
    hash = right ? NodeHash(proof[level], hash) : NodeHash(hash, proof[level]);
  }
  return hash;
}

Status VerifyInclusion(const Digest& leaf_hash, LeafIndex index, TreeSize size, std::span<const Digest> proof,
                       const Digest& root) {
  ASSIGN_OR_RETURN(Digest computed, RootFromInclusionProof(leaf_hash, index, size, proof));
  return CheckRoot("root", computed, root);
}

Status VerifyConsistency(TreeSize from, TreeSize to, std::span<const Digest> proof, const Digest& root_from,
                         const Digest& root_to) {
  if (from.value == 0 || from > to) {
    return absl::InvalidArgumentError(
        Text("no consistency from size ", from.value, " to size ", to.value, ": 0 < from <= to is needed"));
  }
  if (from == to) {
    RETURN_IF_ERROR(CheckLength(proof, 0));
    return CheckRoot("root", root_from, root_to);
  }
  // Both roots are rebuilt from one start: the largest complete subtree that ends where the old tree ends, whose level
  // is the number of zero-bits below the lowest one-bit of `from`. If it is the whole old tree, it is not in the proof.
  const int level = std::countr_zero(from.value);
  const uint64_t index = (from.value - 1) >> level;
  const uint64_t last = (to.value - 1) >> level;
  const bool whole = std::has_single_bit(from.value);
  // As in an inclusion proof of node `index` in a row that ends with node `last`.
  const auto inner = static_cast<int>(std::bit_width(index ^ last));
  const int border = inner == 64 ? 0 : std::popcount(index >> inner);
  RETURN_IF_ERROR(CheckLength(proof, inner + border + (whole ? 0 : 1)));
  Digest old_hash = whole ? root_from : proof[0];
  Digest new_hash = old_hash;
  const std::span<const Digest> path = proof.subspan(whole ? 0 : 1);
  for (size_t i = 0; i < path.size(); ++i) {
    if (i >= static_cast<size_t>(inner) || ((index >> i) & 1) == 1) {
      old_hash = NodeHash(path[i], old_hash);
      new_hash = NodeHash(path[i], new_hash);
    } else {
      // What lies to the right of the old tree's edge is new.
      new_hash = NodeHash(new_hash, path[i]);
    }
  }
  RETURN_IF_ERROR(CheckRoot("old root", old_hash, root_from));
  return CheckRoot("new root", new_hash, root_to);
}

}  // namespace anamnesis
