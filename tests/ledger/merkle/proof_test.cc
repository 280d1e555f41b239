// Prover and verifier against the definition and against each other; what an adversary can send to the verifier.

#include "ledger/merkle/proof.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <vector>

#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "tests/ledger/merkle/memory_tiles.h"
#include "tests/ledger/merkle/merkle_reference.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

std::span<const Digest> First(const std::vector<Digest>& leaves, size_t count) {
  return std::span<const Digest>(leaves).first(count);
}

TEST(ProofTest, InclusionOfEveryLeafOfEverySmallTree) {
  const std::vector<Digest> leaves = NumberedLeaves(70);
  const MemoryNodeReader reader(leaves);
  for (size_t size = 1; size <= leaves.size(); ++size) {
    const Digest root = reference::Root(First(leaves, size));
    ASSERT_EQ(RootAt(reader, TreeSize(size)).value(), root);
    for (size_t index = 0; index < size; ++index) {
      const std::vector<Digest> proof = InclusionProof(reader, LeafIndex(index), TreeSize(size)).value();
      ASSERT_EQ(proof, reference::Path(index, First(leaves, size))) << index << " of " << size;
      ASSERT_TRUE(VerifyInclusion(leaves[index], LeafIndex(index), TreeSize(size), proof, root).ok());
      // The proof belongs to one index only.
      for (size_t other = 0; other < size; ++other) {
        if (other == index) continue;
        ASSERT_FALSE(VerifyInclusion(leaves[index], LeafIndex(other), TreeSize(size), proof, root).ok());
      }
    }
  }
}

TEST(ProofTest, ConsistencyOfEveryPairOfSmallTrees) {
  const std::vector<Digest> leaves = NumberedLeaves(70);
  const MemoryNodeReader reader(leaves);
  std::vector<Digest> roots;
  for (size_t size = 0; size <= leaves.size(); ++size) roots.push_back(reference::Root(First(leaves, size)));
  for (size_t to = 1; to <= leaves.size(); ++to) {
    for (size_t from = 1; from <= to; ++from) {
      const std::vector<Digest> proof = ConsistencyProof(reader, TreeSize(from), TreeSize(to)).value();
      ASSERT_EQ(proof, reference::SubProof(from, First(leaves, to), true)) << from << " to " << to;
      ASSERT_TRUE(VerifyConsistency(TreeSize(from), TreeSize(to), proof, roots[from], roots[to]).ok());
      ASSERT_FALSE(VerifyConsistency(TreeSize(from), TreeSize(to), proof, roots[from - 1], roots[to]).ok());
      ASSERT_FALSE(VerifyConsistency(TreeSize(from), TreeSize(to), proof, roots[from], roots[to - 1]).ok());
    }
  }
}

TEST(ProofTest, LargeTrees) {
  const std::vector<Digest> leaves = NumberedLeaves(20000);
  const MemoryNodeReader reader(leaves);
  std::mt19937_64 random(20261121);
  for (int round = 0; round < Repeated(60); ++round) {
    const size_t to = 1 + random() % leaves.size();
    const size_t from = 1 + random() % to;
    const size_t index = random() % to;
    const Digest root = reference::Root(First(leaves, to));
    ASSERT_EQ(RootAt(reader, TreeSize(to)).value(), root);
    const std::vector<Digest> inclusion = InclusionProof(reader, LeafIndex(index), TreeSize(to)).value();
    ASSERT_EQ(inclusion, reference::Path(index, First(leaves, to)));
    ASSERT_TRUE(VerifyInclusion(leaves[index], LeafIndex(index), TreeSize(to), inclusion, root).ok());
    const std::vector<Digest> consistency = ConsistencyProof(reader, TreeSize(from), TreeSize(to)).value();
    ASSERT_EQ(consistency, reference::SubProof(from, First(leaves, to), true));
    const Digest old_root = reference::Root(First(leaves, from));
    ASSERT_TRUE(VerifyConsistency(TreeSize(from), TreeSize(to), consistency, old_root, root).ok());
  }
}

TEST(ProofTest, BadNumbersToTheProver) {
  const MemoryNodeReader reader(NumberedLeaves(10));
  EXPECT_EQ(RootAt(reader, TreeSize(0)).value(), EmptyRoot());
  EXPECT_EQ(RootAt(reader, TreeSize(11)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(RootAt(reader, TreeSize(UINT64_MAX)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(InclusionProof(reader, LeafIndex(0), TreeSize(0)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(InclusionProof(reader, LeafIndex(10), TreeSize(10)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(InclusionProof(reader, LeafIndex(3), TreeSize(11)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(InclusionProof(reader, LeafIndex(3), TreeSize(UINT64_MAX)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ConsistencyProof(reader, TreeSize(0), TreeSize(10)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ConsistencyProof(reader, TreeSize(0), TreeSize(0)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ConsistencyProof(reader, TreeSize(6), TreeSize(5)).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ConsistencyProof(reader, TreeSize(5), TreeSize(11)).status().code(), StatusCode::kOutOfRange);
}

TEST(VerifyTest, EveryFlippedBitIsRefused) {
  const std::vector<Digest> leaves = NumberedLeaves(13);
  const MemoryNodeReader reader(leaves);
  const TreeSize size(13);
  const Digest root = RootAt(reader, size).value();
  const Digest old_root = RootAt(reader, TreeSize(6)).value();
  const std::vector<Digest> inclusion = InclusionProof(reader, LeafIndex(6), size).value();
  const std::vector<Digest> consistency = ConsistencyProof(reader, TreeSize(6), size).value();
  auto flipped = [](Digest digest, size_t bit) {
    digest.data()[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    return digest;
  };
  for (size_t bit = 0; bit < 256; ++bit) {
    EXPECT_EQ(VerifyInclusion(flipped(leaves[6], bit), LeafIndex(6), size, inclusion, root).code(),
              StatusCode::kUnauthenticated);
    EXPECT_EQ(VerifyInclusion(leaves[6], LeafIndex(6), size, inclusion, flipped(root, bit)).code(),
              StatusCode::kUnauthenticated);
    for (size_t i = 0; i < inclusion.size(); ++i) {
      std::vector<Digest> bad = inclusion;
      bad[i] = flipped(bad[i], bit);
      EXPECT_EQ(VerifyInclusion(leaves[6], LeafIndex(6), size, bad, root).code(), StatusCode::kUnauthenticated);
    }
    for (size_t i = 0; i < consistency.size(); ++i) {
      std::vector<Digest> bad = consistency;
      bad[i] = flipped(bad[i], bit);
      EXPECT_EQ(VerifyConsistency(TreeSize(6), size, bad, old_root, root).code(), StatusCode::kUnauthenticated);
    }
    EXPECT_FALSE(VerifyConsistency(TreeSize(6), size, consistency, flipped(old_root, bit), root).ok());
    EXPECT_FALSE(VerifyConsistency(TreeSize(6), size, consistency, old_root, flipped(root, bit)).ok());
    EXPECT_FALSE(VerifyConsistency(size, size, {}, root, flipped(root, bit)).ok());
  }
}

TEST(VerifyTest, OnlyTheExactLengthIsAccepted) {
  const std::vector<Digest> leaves = NumberedLeaves(40);
  const MemoryNodeReader reader(leaves);
  for (size_t size = 1; size <= leaves.size(); ++size) {
    const Digest root = RootAt(reader, TreeSize(size)).value();
    for (size_t other = 1; other <= size; ++other) {
      std::vector<Digest> inclusion = InclusionProof(reader, LeafIndex(other - 1), TreeSize(size)).value();
      std::vector<Digest> consistency = ConsistencyProof(reader, TreeSize(other), TreeSize(size)).value();
      const Digest other_root = RootAt(reader, TreeSize(other)).value();
      inclusion.push_back(root);
      consistency.push_back(root);
      EXPECT_EQ(VerifyInclusion(leaves[other - 1], LeafIndex(other - 1), TreeSize(size), inclusion, root).code(),
                StatusCode::kInvalidArgument);
      EXPECT_EQ(VerifyConsistency(TreeSize(other), TreeSize(size), consistency, other_root, root).code(),
                StatusCode::kInvalidArgument);
      inclusion.pop_back();
      consistency.pop_back();
      if (!inclusion.empty()) {
        inclusion.pop_back();
        EXPECT_EQ(VerifyInclusion(leaves[other - 1], LeafIndex(other - 1), TreeSize(size), inclusion, root).code(),
                  StatusCode::kInvalidArgument);
      }
      if (!consistency.empty()) {
        consistency.pop_back();
        EXPECT_EQ(VerifyConsistency(TreeSize(other), TreeSize(size), consistency, other_root, root).code(),
                  StatusCode::kInvalidArgument);
      }
    }
  }
}

TEST(VerifyTest, SizeZeroIsRefused) {
  const Digest root = LeafHash("a");
  EXPECT_EQ(VerifyConsistency(TreeSize(0), TreeSize(1), {}, EmptyRoot(), root).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(VerifyConsistency(TreeSize(0), TreeSize(0), {}, EmptyRoot(), EmptyRoot()).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(VerifyConsistency(TreeSize(2), TreeSize(1), {}, root, root).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(VerifyInclusion(root, LeafIndex(0), TreeSize(0), {}, root).code(), StatusCode::kInvalidArgument);
}

// Every length up to beyond the longest proof, with numbers at the edges of 64 bits: nothing may crash or verify.
TEST(VerifyTest, HostileNumbersAndLengths) {
  const Digest root = LeafHash("a");
  const std::vector<Digest> hashes = NumberedLeaves(200);
  std::vector<uint64_t> numbers;
  for (int shift = 0; shift < 64; ++shift) {
    for (uint64_t around : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) numbers.push_back((uint64_t{1} << shift) + around);
  }
  for (uint64_t around = 0; around < 3; ++around) numbers.push_back(UINT64_MAX - around);
  std::mt19937_64 random(7);
  for (int i = 0; i < 20; ++i) numbers.push_back(random());
  int shaped = 0;
  for (uint64_t a : numbers) {
    for (uint64_t b : numbers) {
      for (size_t length : {0, 1, 2, 63, 64, 65, 127, 128, 200}) {
        const std::span<const Digest> proof = First(hashes, length);
        const Status inclusion = VerifyInclusion(root, LeafIndex(a), TreeSize(b), proof, EmptyRoot());
        ASSERT_FALSE(inclusion.ok());
        shaped += inclusion.code() == StatusCode::kUnauthenticated;
        ASSERT_EQ(VerifyConsistency(TreeSize(a), TreeSize(b), proof, root, root).ok(), a == b && a != 0 && length == 0);
      }
    }
  }
  EXPECT_GT(shaped, 0);
}

// A path in a tree of 2^64 - 1 leaves goes up 64 levels and shifts must not overflow.
TEST(VerifyTest, TheLargestTree) {
  const std::vector<Digest> hashes = NumberedLeaves(64);
  const StatusOr<Digest> first = RootFromInclusionProof(hashes[0], LeafIndex(0), TreeSize(UINT64_MAX), hashes);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(VerifyInclusion(hashes[0], LeafIndex(0), TreeSize(UINT64_MAX), hashes, *first).ok());
  Digest expected = hashes[0];
  for (const Digest& sibling : hashes) expected = reference::Join(expected, sibling);
  EXPECT_EQ(*first, expected);
}

// The small tree of a run is proven by the same functions.
TEST(VerifyTest, ARunOfOne) {
  const std::vector<Digest> leaves = NumberedLeaves(1);
  EXPECT_TRUE(VerifyInclusion(leaves[0], LeafIndex(0), TreeSize(1), {}, RootOfLeafHashes(leaves)).ok());
}

}  // namespace
}  // namespace anamnesis
