// cose.json: receipts that an independent program wrote (tests/golden/cose.py).

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger/cose/cose_receipt.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using nlohmann::json;

std::vector<VerifierKey> KeysOf(const json& all) {
  return {VerifierKey::Parse(all["verifier_key"].get<std::string>()).value()};
}

std::vector<Digest> PathOf(const json& item) {
  std::vector<Digest> path;
  for (const json& hash : item["path"]) path.push_back(Digest::FromBytes(Bytes(hash)).value());
  return path;
}

// Written as the vector is, from the vector's own fields.
CoseReceipt Made(const json& all, const json& item, std::string subject, const Digest& root,
                 std::variant<CoseInclusion, CoseConsistency> proof) {
  CoseReceipt receipt;
  receipt.claims = {KeysOf(all)[0].key_id(), all["origin"].get<std::string>(), std::move(subject),
                    TreeSize(item["size"])};
  receipt.proof = std::move(proof);
  receipt.signature = KeyFromGolden(all["seed"]).Sign(CoseSignedBytes(receipt.claims, root));
  return receipt;
}

TEST(GoldenCoseTest, ReceiptsOfInclusionVerifyAndAreWrittenAlike) {
  const json all = ReadGolden("cose.json");
  ASSERT_GE(all["inclusion"].size(), 14u);
  for (const json& item : all["inclusion"]) {
    SCOPED_TRACE(item["name"].get<std::string>());
    const std::string subject = item["subject"];
    const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(Bytes(item["receipt"]));
    ASSERT_TRUE(receipt.ok()) << receipt.status();
    const StatusOr<Checkpoint> tree = VerifyCoseInclusion(*receipt, Bytes(item["leaf"]), subject, KeysOf(all));
    ASSERT_TRUE(tree.ok()) << tree.status();
    EXPECT_EQ(tree->size, TreeSize(item["size"]));
    EXPECT_EQ(CoseSignedBytes(receipt->claims, tree->root), Bytes(item["signed_bytes"]));
    EXPECT_EQ(*receipt, Made(all, item, subject, tree->root, CoseInclusion{LeafIndex(item["index"]), PathOf(item)}));
    EXPECT_EQ(FormatCoseReceipt(*receipt), Bytes(item["receipt"]));
  }
}

TEST(GoldenCoseTest, ReceiptsOfConsistencyVerifyAndAreWrittenAlike) {
  const json all = ReadGolden("cose.json");
  ASSERT_GE(all["consistency"].size(), 30u);
  for (const json& item : all["consistency"]) {
    SCOPED_TRACE(item["name"].get<std::string>());
    const std::string origin = all["origin"];
    const TreeSize size(item["older_size"]);
    const Checkpoint older{origin, size, Digest::FromBytes(Bytes(item["older_root"])).value()};
    const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(Bytes(item["receipt"]));
    ASSERT_TRUE(receipt.ok()) << receipt.status();
    const StatusOr<Checkpoint> tree = VerifyCoseConsistency(*receipt, older, KeysOf(all));
    ASSERT_TRUE(tree.ok()) << tree.status();
    EXPECT_EQ(*receipt, Made(all, item, origin, tree->root, CoseConsistency{size, PathOf(item)}));
    EXPECT_EQ(FormatCoseReceipt(*receipt), Bytes(item["receipt"]));
  }
}

TEST(GoldenCoseTest, WhatIsSignedButNotAsItShouldBeIsRefused) {
  const json all = ReadGolden("cose.json");
  const json& rejected = all["rejected"];
  ASSERT_GE(rejected["receipts"].size(), 80u);
  const std::string leaf = Bytes(rejected["leaf"]);
  // The leaf's own receipt verifies, so that it is what was changed that is refused.
  ASSERT_TRUE(
      VerifyCoseInclusion(ParseCoseReceipt(Bytes(all["inclusion"][rejected["index"].get<size_t>()]["receipt"])).value(),
                          leaf, rejected["subject"].get<std::string>(), KeysOf(all))
          .ok());
  for (const json& item : rejected["receipts"]) {
    const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(Bytes(item["receipt"]));
    if (!receipt.ok()) {
      EXPECT_EQ(receipt.status().code(), absl::StatusCode::kInvalidArgument) << item["name"];
      continue;
    }
    EXPECT_FALSE(VerifyCoseInclusion(*receipt, leaf, rejected["subject"].get<std::string>(), KeysOf(all)).ok())
        << item["name"];
  }
}

}  // namespace
}  // namespace anamnesis
