#include "ledger/merkle/proof.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "ledger/merkle/tree_hash.h"

namespace anamnesis {
namespace {

// RFC 6962's k: the largest power of two smaller than `count`, which is at least 2.
uint64_t SplitPoint(uint64_t count) { return std::bit_floor(count - 1); }

// The hash over the leaves [begin, end), which is not empty. `begin` is a multiple of a power of two that is no smaller
// than end - begin, so the range falls into complete subtrees, the largest first.
StatusOr<Digest> RangeHash(const NodeReader& reader, uint64_t begin, uint64_t end) {
  std::vector<Digest> subtrees;
  while (begin < end) {
    const uint64_t count = std::bit_floor(end - begin);
    const auto level = static_cast<uint32_t>(std::countr_zero(count));
    ASSIGN_OR_RETURN(Digest subtree, reader.Node(level, begin >> level));
    subtrees.push_back(subtree);
    begin += count;
  }
  Digest hash = subtrees.back();
  for (size_t i = subtrees.size() - 1; i-- > 0;) hash = NodeHash(subtrees[i], hash);
  return hash;
}

}  // namespace

StatusOr<Digest> RootAt(const NodeReader& reader, TreeSize size) {
  if (size.value == 0) return EmptyRoot();
  return RangeHash(reader, 0, size.value);
}

StatusOr<std::vector<Digest>> InclusionProof(const NodeReader& reader, LeafIndex index, TreeSize size) {
  if (index.value >= size.value) {
    return absl::OutOfRangeError(Text("leaf ", index.value, " is not in a tree of size ", size.value));
  }
  std::vector<Digest> proof;
  uint64_t begin = 0;
  uint64_t end = size.value;
  while (end - begin > 1) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    const bool left = index.value < middle;
    ASSIGN_OR_RETURN(Digest sibling, left ? RangeHash(reader, middle, end) : RangeHash(reader, begin, middle));
    proof.push_back(sibling);
    (left ? end : begin) = middle;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

StatusOr<std::vector<Digest>> ConsistencyProof(const NodeReader& reader, TreeSize from, TreeSize to) {
  if (from.value == 0 || from > to) {
    return absl::OutOfRangeError(
        Text("no consistency proof from size ", from.value, " to size ", to.value, ": 0 < from <= to is needed"));
  }
  std::vector<Digest> proof;
  uint64_t begin = 0;
  uint64_t end = to.value;
  // Descends to the subtree that ends where the old tree ended.
  while (end != from.value) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    const bool left = from.value <= middle;
    ASSIGN_OR_RETURN(Digest sibling, left ? RangeHash(reader, middle, end) : RangeHash(reader, begin, middle));
    proof.push_back(sibling);
    (left ? end : begin) = middle;
  }
  // When that subtree is the whole old tree the verifier has its hash already: it is the old root.
  if (begin != 0) {
    ASSIGN_OR_RETURN(Digest subtree, RangeHash(reader, begin, end));
    proof.push_back(subtree);
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

}  // namespace anamnesis
