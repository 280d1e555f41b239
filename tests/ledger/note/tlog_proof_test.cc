#include "ledger/note/tlog_proof.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/policy.h"
#include "ledger/note/signed_note.h"
#include "tests/ledger/note/note_fixture.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

constexpr std::string_view kOrigin = "example.com/log";

class TlogProofTest : public testing::Test {
 protected:
  TlogProofTest() {
    for (int i = 0; i < 13; ++i) hashes_.push_back(LeafHash(Leaf(i)));
    const MemoryNodeReader reader(hashes_);
    const TreeSize size(hashes_.size());
    const std::string text = FormatCheckpointText({std::string(kOrigin), size, RootAt(reader, size).value()});
    note_ = FormatSignedNote({text, {SignNote(text, kOrigin, log_), Cosign(text, "w", witness_, 1)}});
    for (uint64_t i = 0; i < hashes_.size(); ++i) {
      receipts_.push_back({LeafIndex(i), InclusionProof(reader, LeafIndex(i), size).value(), note_, ""});
    }
  }

  static std::string Leaf(int i) { return Text("leaf ", i); }
  // That leaf 5's receipt is of this leaf, by a policy.
  StatusOr<Checkpoint> ByPolicy(int leaf, const std::string& policy) const {
    return VerifyTlogProofUnder(receipts_[5], Leaf(leaf), Policy::Parse(policy).value().Open(note_));
  }

  const PrivateKey log_ = TestKey('l');
  const PrivateKey witness_ = TestKey('w');
  const std::vector<VerifierKey> keys_ = {LogKey(kOrigin, log_)};
  std::vector<Digest> hashes_;
  std::string note_;
  std::vector<TlogProof> receipts_;
};

TEST_F(TlogProofTest, Layout) {
  TlogProof proof = receipts_[12];
  ASSERT_EQ(proof.hashes.size(), 2u);
  const std::string rest = Text("index 12\n", Base64Encode(proof.hashes[0].view()), '\n',
                                Base64Encode(proof.hashes[1].view()), "\n\n", note_);
  EXPECT_EQ(FormatTlogProof(proof), Text("c2sp.org/tlog-proof@v1\n", rest));
  proof.extra = "opaque";
  EXPECT_EQ(FormatTlogProof(proof), Text("c2sp.org/tlog-proof@v1\nextra b3BhcXVl\n", rest));
}

TEST_F(TlogProofTest, EveryReceiptRoundTripsAndVerifies) {
  for (const TlogProof& receipt : receipts_) {
    for (std::string extra : {std::string(), std::string("\0\n", 2)}) {
      TlogProof with_extra = receipt;
      with_extra.extra = extra;
      const StatusOr<TlogProof> parsed = ParseTlogProof(FormatTlogProof(with_extra));
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      EXPECT_EQ(*parsed, with_extra);
      const StatusOr<Checkpoint> checkpoint =
          VerifyTlogProof(*parsed, Leaf(static_cast<int>(receipt.index.value)), keys_);
      ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
      EXPECT_EQ(checkpoint->size, TreeSize(13));
    }
  }
}

TEST_F(TlogProofTest, ATreeOfOneLeafHasNoHashes) {
  const std::string text = FormatCheckpointText({std::string(kOrigin), TreeSize(1), LeafHash("only")});
  const std::string note = FormatSignedNote({text, {SignNote(text, kOrigin, log_)}});
  const TlogProof proof = ParseTlogProof(Text("c2sp.org/tlog-proof@v1\nindex 0\n\n", note)).value();
  EXPECT_TRUE(VerifyTlogProof(proof, "only", keys_).ok());
}

TEST_F(TlogProofTest, OtherLeavesIndexesPathsAndKeysAreRefused) {
  TlogProof proof = receipts_[5];
  EXPECT_EQ(VerifyTlogProof(proof, Leaf(4), keys_).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyTlogProof(proof, "", keys_).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyTlogProof(proof, Leaf(5), std::span<const VerifierKey>()).status().code(),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyTlogProof(proof, Leaf(5), {{LogKey(kOrigin, witness_)}}).status().code(),
            StatusCode::kUnauthenticated);
  proof.index = LeafIndex(4);
  EXPECT_EQ(VerifyTlogProof(proof, Leaf(5), keys_).status().code(), StatusCode::kUnauthenticated);
  proof.index = LeafIndex(13);
  EXPECT_EQ(VerifyTlogProof(proof, Leaf(5), keys_).status().code(), StatusCode::kInvalidArgument);
  proof = receipts_[5];
  proof.hashes.pop_back();
  EXPECT_EQ(VerifyTlogProof(proof, Leaf(5), keys_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(TlogProofTest, APolicyAsksForItsQuorum) {
  const std::string log = Text("log ", keys_[0].Format(), '\n');
  const std::string w = Text("witness w ", WitnessKey("w", witness_).Format(), '\n');
  const std::string v = Text("witness v ", WitnessKey("v", TestKey('v')).Format(), '\n');
  EXPECT_TRUE(ByPolicy(5, log + "quorum none\n").ok());
  EXPECT_TRUE(ByPolicy(5, log + w + "quorum w\n").ok());
  EXPECT_EQ(ByPolicy(5, log + w + v + "quorum v\n").status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(ByPolicy(4, log + w + "quorum w\n").status().code(), StatusCode::kUnauthenticated);
}

TEST_F(TlogProofTest, Malformed) {
  const std::string first = "c2sp.org/tlog-proof@v1\n";
  const std::string hash = Text(Base64Encode(hashes_[0].view()), '\n');
  ASSERT_TRUE(ParseTlogProof(first + "index 0\n" + hash + "\n" + note_).ok());
  std::string many;
  for (int i = 0; i < 64; ++i) many += hash;
  ASSERT_TRUE(ParseTlogProof(first + "index 0\n" + many + "\n" + note_).ok());
  const std::vector<std::string> bad = {
      "",
      first,
      "c2sp.org/tlog-proof@v2\nindex 0\n\n" + note_,
      "c2sp.org/tlog-proof@v1\r\nindex 0\n\n" + note_,
      " " + first + "index 0\n\n" + note_,
      first + "\n" + note_,
      first + "index 0\n" + note_,
      first + "index\n\n" + note_,
      first + "index \n\n" + note_,
      first + "index 00\n\n" + note_,
      first + "index 01\n\n" + note_,
      first + "index -1\n\n" + note_,
      first + "index 1 \n\n" + note_,
      first + "index  1\n\n" + note_,
      first + "index 18446744073709551616\n\n" + note_,
      first + "Index 1\n\n" + note_,
      first + "index 0\n" + hash + note_,
      first + "index 0\n" + hash + "\n",
      first + "index 0\n" + hash + "\n\n" + note_,
      first + "index 0\nAAAA\n\n" + note_,
      first + "index 0\n=\n\n" + note_,
      first + "index 0\n " + hash + "\n" + note_,
      first + "index 0\n" + many + hash + "\n" + note_,
      first + "extra \nindex 0\n\n" + note_,
      first + "extra\nindex 0\n\n" + note_,
      first + "extra AA\nindex 0\n\n" + note_,
      first + "extra AAAA\nextra AAAA\nindex 0\n\n" + note_,
      first + "index 0\nextra AAAA\n\n" + note_,
      first + "extra AAAA\n" + hash + "\n" + note_,
      first + "index 0\n\nnot a checkpoint\n\n— w AAAAAAA=\n",
      first + "index 0\n\n" + note_ + "x",
      first + "index 0\n\n" + std::string(2 * 1024 * 1024, 'x'),
  };
  for (const std::string& bytes : bad) {
    EXPECT_EQ(ParseTlogProof(bytes).status().code(), StatusCode::kInvalidArgument) << bytes.substr(0, 200);
  }
}

}  // namespace
}  // namespace anamnesis
