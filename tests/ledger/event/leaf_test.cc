#include "ledger/event/leaf.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

std::string Sealed() {
  const std::string signature(64, 's');
  return EncodeLeaf(Timestamp(-5), "header", SealView{"statement", signature});
}

TEST(LeafTest, RoundTrips) {
  const std::string leaf = Sealed();
  const StatusOr<LeafView> view = ParseLeaf(leaf);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->recorded, Timestamp(-5));
  EXPECT_EQ(view->header, "header");
  EXPECT_EQ(view->seal->statement, "statement");
  EXPECT_EQ(view->seal->signature, std::string(64, 's'));
  const std::string unsealed = EncodeLeaf(Timestamp(7), "", std::nullopt);
  EXPECT_EQ(unsealed.size(), 17u);
  EXPECT_FALSE(ParseLeaf(unsealed)->seal.has_value());
}

TEST(LeafTest, EveryTruncationAndAnyTailIsRefused) {
  const std::string leaf = Sealed();
  for (size_t size = 0; size < leaf.size(); ++size) {
    EXPECT_EQ(ParseLeaf(leaf.substr(0, size)).status().code(), StatusCode::kInvalidArgument) << size;
  }
  EXPECT_EQ(ParseLeaf(leaf + '\0').status().code(), StatusCode::kInvalidArgument);
}

TEST(LeafTest, UnknownVersionsAreRefused) {
  std::string leaf = Sealed();
  for (int version = 0; version < 256; ++version) {
    leaf[0] = static_cast<char>(version);
    EXPECT_EQ(ParseLeaf(leaf).ok(), version == kLeafVersion) << version;
  }
}

TEST(LeafTest, LengthsBeyondTheLimitsAreRefused) {
  const std::string signature(64, 's');
  EXPECT_TRUE(ParseLeaf(EncodeLeaf(Timestamp(), std::string(limits::kHeaderBytesMax, 'h'),
                                   SealView{std::string(limits::kSealStatementBytesMax, 'x'), signature}))
                  .ok());
  EXPECT_FALSE(ParseLeaf(EncodeLeaf(Timestamp(), std::string(limits::kHeaderBytesMax + 1, 'h'), std::nullopt)).ok());
  EXPECT_FALSE(
      ParseLeaf(EncodeLeaf(Timestamp(), "h", SealView{std::string(limits::kSealStatementBytesMax + 1, 'x'), signature}))
          .ok());
  EXPECT_FALSE(ParseLeaf(EncodeLeaf(Timestamp(), "h", SealView{"x", std::string(63, 's')})).ok());
  EXPECT_FALSE(ParseLeaf(EncodeLeaf(Timestamp(), "h", SealView{"x", std::string(65, 's')})).ok());
  EXPECT_FALSE(ParseLeaf(std::string(limits::kLeafBytesMax + 1, '\x01')).ok());
  // A length that would overflow when added to a position.
  std::string leaf = EncodeLeaf(Timestamp(), "h", std::nullopt);
  leaf.replace(9, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(ParseLeaf(leaf).ok());
}

// A leaf has one spelling: whatever parses is written back byte for byte.
TEST(LeafTest, WhateverParsesIsWrittenBack) {
  const std::string leaf = Sealed();
  const uint64_t seed = 17;
  std::mt19937_64 random(seed);
  size_t parsed = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string mutated = leaf;
    mutated[random() % mutated.size()] = static_cast<char>(random());
    if (random() % 2 == 0) mutated[9 + random() % 12] = static_cast<char>(random() % 16);
    const StatusOr<LeafView> view = ParseLeaf(mutated);
    if (!view.ok()) continue;
    ++parsed;
    ASSERT_EQ(EncodeLeaf(view->recorded, view->header, view->seal), mutated) << "seed " << seed << " " << i;
  }
  EXPECT_GT(parsed, 1000u);
}

}  // namespace
}  // namespace anamnesis
