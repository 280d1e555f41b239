// What a tree begins with, as audit paths and prefix proofs show it.

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"

namespace anamnesis {
namespace {

constexpr uint64_t kSizeMax = 70;

std::vector<Digest> Leaves() {
  std::vector<Digest> leaves;
  for (uint64_t i = 0; i < kSizeMax; ++i) leaves.push_back(LeafHash(Text("leaf ", i)));
  return leaves;
}

TEST(PrefixTest, EveryAuditPathHoldsTheRootOfTheLeavesUpToItsOwn) {
  const std::vector<Digest> leaves = Leaves();
  const MemoryNodeReader reader(leaves);
  for (uint64_t size = 1; size <= kSizeMax; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      const std::vector<Digest> path = *InclusionProof(reader, LeafIndex(index), TreeSize(size));
      EXPECT_EQ(PrefixRootFromInclusionProof(leaves[index], LeafIndex(index), TreeSize(size), path).value(),
                RootOfLeafHashes(std::span(leaves).first(index + 1)))
          << index << " of " << size;
    }
  }
}

TEST(PrefixTest, APrefixProofGivesBothRoots) {
  const std::vector<Digest> leaves = Leaves();
  const MemoryNodeReader reader(leaves);
  for (uint64_t to = 2; to <= kSizeMax; ++to) {
    for (uint64_t from = 1; from < to; ++from) {
      const std::vector<Digest> path = *InclusionProof(reader, LeafIndex(from - 1), TreeSize(to));
      const std::vector<Digest> proof =
          PrefixProofFromInclusionProof(leaves[from - 1], LeafIndex(from - 1), TreeSize(to), path).value();
      // RFC 6962's proof with the first node in front where that leaves it out.
      std::vector<Digest> known = *ConsistencyProof(reader, TreeSize(from), TreeSize(to));
      if (std::has_single_bit(from)) known.insert(known.begin(), RootOfLeafHashes(std::span(leaves).first(from)));
      EXPECT_EQ(proof, known) << from << " of " << to;
      const PrefixRoots roots = RootsFromPrefixProof(TreeSize(from), TreeSize(to), proof).value();
      EXPECT_EQ(roots.prefix, RootOfLeafHashes(std::span(leaves).first(from)));
      EXPECT_EQ(roots.whole, RootOfLeafHashes(std::span(leaves).first(to)));
    }
  }
}

TEST(PrefixTest, WrongNumbersAndLengthsAreRefused) {
  const std::vector<Digest> leaves = Leaves();
  const MemoryNodeReader reader(leaves);
  const std::vector<Digest> path = *InclusionProof(reader, LeafIndex(6), TreeSize(20));
  std::vector<Digest> proof = PrefixProofFromInclusionProof(leaves[6], LeafIndex(6), TreeSize(20), path).value();
  const auto refused = [](const Status& status) { return absl::IsInvalidArgument(status); };
  EXPECT_TRUE(refused(RootsFromPrefixProof(TreeSize(0), TreeSize(20), proof).status()));
  EXPECT_TRUE(refused(RootsFromPrefixProof(TreeSize(20), TreeSize(20), proof).status()));
  EXPECT_TRUE(refused(RootsFromPrefixProof(TreeSize(21), TreeSize(20), proof).status()));
  EXPECT_TRUE(refused(RootsFromPrefixProof(TreeSize(7), TreeSize(20), {}).status()));
  EXPECT_TRUE(refused(RootsFromPrefixProof(TreeSize(UINT64_MAX - 1), TreeSize(UINT64_MAX), proof).status()));
  EXPECT_TRUE(refused(RootsFromPrefixProof(TreeSize(8), TreeSize(20), proof).status()));
  proof.push_back(leaves[0]);
  EXPECT_TRUE(refused(RootsFromPrefixProof(TreeSize(7), TreeSize(20), proof).status()));
  EXPECT_TRUE(refused(PrefixRootFromInclusionProof(leaves[6], LeafIndex(20), TreeSize(20), path).status()));
  EXPECT_TRUE(refused(PrefixRootFromInclusionProof(leaves[6], LeafIndex(6), TreeSize(40), path).status()));
  const std::vector<Digest> last = *InclusionProof(reader, LeafIndex(19), TreeSize(20));
  EXPECT_TRUE(refused(PrefixProofFromInclusionProof(leaves[19], LeafIndex(19), TreeSize(20), last).status()));
}

}  // namespace
}  // namespace anamnesis
