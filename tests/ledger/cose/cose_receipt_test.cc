#include "ledger/cose/cose_receipt.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

constexpr std::string_view kOrigin = "example.com/log";
constexpr std::string_view kSubject = "urn:uuid:0190a6a0-0000-7000-8000-000000000000";

PrivateKey KeyOf(char fill) { return PrivateKey::FromSeed(std::string(32, fill)).value(); }

VerifierKey VerifierOf(std::string_view name, const PrivateKey& key) {
  return VerifierKey::Make(name, KeyType::kEd25519, key.public_key()).value();
}

std::string Leaf(uint64_t index) { return Text("leaf ", index); }

CoseReceipt Signed(const PrivateKey& key, std::string_view origin, std::string_view subject, TreeSize size,
                   const Digest& root, std::variant<CoseInclusion, CoseConsistency> proof) {
  CoseReceipt receipt;
  receipt.claims = {VerifierOf(origin, key).key_id(), std::string(origin), std::string(subject), size};
  receipt.proof = std::move(proof);
  receipt.signature = key.Sign(CoseSignedBytes(receipt.claims, root));
  return receipt;
}

// RFC 9162 section 2.1 as it is written, over Leaf(0), Leaf(1), ...; every hash is computed once.
class ReferenceTree {
 public:
  Digest Root(uint64_t from, uint64_t to) {
    if (const auto found = roots_.find({from, to}); found != roots_.end()) return found->second;
    const Digest root = to - from == 1
                            ? LeafHash(Leaf(from))
                            : NodeHash(Root(from, from + Split(to - from)), Root(from + Split(to - from), to));
    return roots_[{from, to}] = root;
  }
  std::vector<Digest> Path(uint64_t index, uint64_t from, uint64_t to) {
    if (to - from == 1) return {};
    const uint64_t middle = from + Split(to - from);
    std::vector<Digest> path = index < middle ? Path(index, from, middle) : Path(index, middle, to);
    path.push_back(index < middle ? Root(middle, to) : Root(from, middle));
    return path;
  }

 private:
  static uint64_t Split(uint64_t size) {
    uint64_t half = 1;
    while (2 * half < size) half *= 2;
    return half;
  }

  std::map<std::pair<uint64_t, uint64_t>, Digest> roots_;
};

class CoseReceiptTest : public testing::Test {
 protected:
  static constexpr uint64_t kSize = 13;

  Digest Root(uint64_t size) { return tree_.Root(0, size); }
  CoseReceipt Inclusion(uint64_t index) {
    return Signed(key_, kOrigin, kSubject, TreeSize(kSize), Root(kSize),
                  CoseInclusion{LeafIndex(index), tree_.Path(index, 0, kSize)});
  }
  CoseReceipt Consistency(uint64_t older) {
    std::vector<Digest> hashes;
    for (uint64_t i = 0; i < kSize; ++i) hashes.push_back(LeafHash(Leaf(i)));
    const MemoryNodeReader reader(hashes);
    return Signed(key_, kOrigin, kOrigin, TreeSize(kSize), Root(kSize),
                  CoseConsistency{TreeSize(older), ConsistencyProof(reader, TreeSize(older), TreeSize(kSize)).value()});
  }
  Checkpoint Older(uint64_t size) { return {std::string(kOrigin), TreeSize(size), Root(size)}; }

  ReferenceTree tree_;
  const PrivateKey key_ = KeyOf('l');
  const std::vector<VerifierKey> keys_ = {VerifierOf(kOrigin, key_)};
};

TEST_F(CoseReceiptTest, EveryLeafOfTreesUpTo300) {
  std::vector<Digest> hashes;
  for (uint64_t size = 1; size <= (kSanitized ? 70 : 300); ++size) {
    hashes.push_back(LeafHash(Leaf(size - 1)));
    const MemoryNodeReader reader(hashes);
    const Digest root = RootAt(reader, TreeSize(size)).value();
    ASSERT_EQ(root, Root(size));
    CoseReceipt receipt = Signed(key_, kOrigin, kSubject, TreeSize(size), root, CoseInclusion());
    for (uint64_t index = 0; index < size; ++index) {
      const std::vector<Digest> path = InclusionProof(reader, LeafIndex(index), TreeSize(size)).value();
      ASSERT_EQ(path, tree_.Path(index, 0, size)) << index << " of " << size;
      // Only the proof differs, which is not signed.
      receipt.proof = CoseInclusion{LeafIndex(index), path};
      const std::string bytes = FormatCoseReceipt(receipt);
      ASSERT_LE(bytes.size(), kCoseReceiptBytesMax);
      const StatusOr<CoseReceipt> parsed = ParseCoseReceipt(bytes);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      ASSERT_EQ(*parsed, receipt);
      const StatusOr<Checkpoint> checkpoint = VerifyCoseInclusion(*parsed, Leaf(index), kSubject, keys_);
      ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
      ASSERT_EQ(*checkpoint, Older(size));
    }
  }
}

TEST_F(CoseReceiptTest, NoChangeOfOneByteVerifies) {
  const std::string inclusion = FormatCoseReceipt(Inclusion(5));
  const std::string consistency = FormatCoseReceipt(Consistency(6));
  for (const std::string& good : {inclusion, consistency}) {
    for (size_t place = 0; place < good.size(); ++place) {
      for (int change = 1; change < 256; change += kSanitized ? 17 : 1) {
        std::string bytes = good;
        bytes[place] = static_cast<char>(bytes[place] ^ change);
        const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(bytes);
        if (!receipt.ok()) continue;
        ASSERT_FALSE(VerifyCoseInclusion(*receipt, Leaf(5), kSubject, keys_).ok()) << place << " ^ " << change;
        ASSERT_FALSE(VerifyCoseConsistency(*receipt, Older(6), keys_).ok()) << place << " ^ " << change;
      }
    }
    for (size_t size = 0; size < good.size(); ++size) ASSERT_FALSE(ParseCoseReceipt(good.substr(0, size)).ok()) << size;
    ASSERT_FALSE(ParseCoseReceipt(good + '\0').ok());
  }
}

// A path that holds in one tree can hold in a larger one: the size has to be signed.
TEST_F(CoseReceiptTest, AnotherSizeIsRefusedThoughThePathHolds) {
  CoseReceipt receipt = Inclusion(0);
  const auto& path = std::get<CoseInclusion>(receipt.proof).path;
  ASSERT_EQ(RootFromInclusionProof(LeafHash(Leaf(0)), LeafIndex(0), TreeSize(12), path).value(), Root(kSize));
  receipt.claims.size = TreeSize(12);
  EXPECT_EQ(VerifyCoseInclusion(receipt, Leaf(0), kSubject, keys_).status().code(), StatusCode::kUnauthenticated);
}

TEST_F(CoseReceiptTest, OtherLeavesSubjectsOriginsAndKeysAreRefused) {
  const CoseReceipt receipt = Inclusion(5);
  ASSERT_TRUE(VerifyCoseInclusion(receipt, Leaf(5), kSubject, keys_).ok());
  const auto code = [&](const CoseReceipt& one, const std::string& leaf, std::string_view subject,
                        const std::vector<VerifierKey>& keys) {
    return VerifyCoseInclusion(one, leaf, subject, keys).status().code();
  };
  EXPECT_EQ(code(receipt, Leaf(4), kSubject, keys_), StatusCode::kUnauthenticated);
  EXPECT_EQ(code(receipt, "", kSubject, keys_), StatusCode::kUnauthenticated);
  EXPECT_EQ(code(receipt, Leaf(5), "urn:uuid:other", keys_), StatusCode::kUnauthenticated);
  EXPECT_EQ(code(receipt, Leaf(5), kSubject, {}), StatusCode::kUnauthenticated);
  EXPECT_EQ(code(receipt, Leaf(5), kSubject, {VerifierOf(kOrigin, KeyOf('x'))}), StatusCode::kUnauthenticated);
  EXPECT_EQ(code(receipt, Leaf(5), kSubject, {VerifierOf("example.com/other", key_)}), StatusCode::kUnauthenticated);
  EXPECT_EQ(
      code(receipt, Leaf(5), kSubject, {VerifierKey::Make(kOrigin, KeyType::kCosignature, key_.public_key()).value()}),
      StatusCode::kUnauthenticated);
  // One of several keys, as after a rotation.
  EXPECT_EQ(code(receipt, Leaf(5), kSubject, {VerifierOf(kOrigin, KeyOf('x')), keys_[0]}), StatusCode::kOk);
  // The same bytes under another origin's name, signed with the same key.
  CoseReceipt other = receipt;
  other.claims.origin = "example.com/other";
  EXPECT_EQ(code(other, Leaf(5), kSubject, keys_), StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyCoseConsistency(receipt, Older(5), keys_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(CoseReceiptTest, ConsistencyFromEveryOlderTree) {
  for (uint64_t older = 1; older < kSize; ++older) {
    const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(FormatCoseReceipt(Consistency(older)));
    ASSERT_TRUE(receipt.ok()) << receipt.status();
    const StatusOr<Checkpoint> newer = VerifyCoseConsistency(*receipt, Older(older), keys_);
    ASSERT_TRUE(newer.ok()) << newer.status();
    EXPECT_EQ(*newer, Older(kSize));
    // Another tree of that size, another ledger's, another size.
    Checkpoint forked = Older(older);
    forked.root = LeafHash("forked");
    EXPECT_EQ(VerifyCoseConsistency(*receipt, forked, keys_).status().code(), StatusCode::kUnauthenticated);
    Checkpoint foreign = Older(older);
    foreign.origin = "example.com/other";
    EXPECT_EQ(VerifyCoseConsistency(*receipt, foreign, keys_).status().code(), StatusCode::kUnauthenticated);
    EXPECT_EQ(VerifyCoseConsistency(*receipt, Older(older + 1), keys_).status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(VerifyCoseInclusion(*receipt, Leaf(0), kOrigin, keys_).status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace anamnesis
