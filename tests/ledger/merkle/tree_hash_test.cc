#include "ledger/merkle/tree_hash.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "tests/ledger/merkle/memory_tiles.h"
#include "tests/ledger/merkle/merkle_reference.h"

namespace anamnesis {
namespace {

// Known values of RFC 6962's hashes, from the Certificate Transparency reference tests.
TEST(TreeHashTest, PublishedValues) {
  EXPECT_EQ(EmptyRoot().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(LeafHash("").hex(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(LeafHash("L123456").hex(), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
}

TEST(TreeHashTest, AgreesWithTheDefinition) {
  const std::vector<Digest> leaves = NumberedLeaves(600);
  EXPECT_EQ(LeafHash("leaf 5"), reference::Leaf("leaf 5"));
  EXPECT_EQ(NodeHash(leaves[0], leaves[1]), reference::Join(leaves[0], leaves[1]));
  for (size_t size = 0; size <= leaves.size(); ++size) {
    const std::span<const Digest> tree = std::span<const Digest>(leaves).first(size);
    ASSERT_EQ(RootOfLeafHashes(tree), reference::Root(tree)) << size;
  }
}

TEST(TreeHashTest, ALeafIsNeverANode) {
  const std::vector<Digest> leaves = NumberedLeaves(2);
  EXPECT_NE(LeafHash(leaves[0].bytes() + leaves[1].bytes()), NodeHash(leaves[0], leaves[1]));
}

}  // namespace
}  // namespace anamnesis
