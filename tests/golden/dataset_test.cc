// dataset.json: members, trees, proofs and member files, byte for byte.

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include "client/dataset/build.h"
#include "client/dataset/member_file.h"
#include "client/dataset/redact.h"
#include "ledger/crypto/sha256.h"
#include "ledger/dataset/verify.h"
#include "tests/golden/golden_vectors.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using nlohmann::json;

Digest DigestOf(const json& hex) { return Digest::FromBytes(Bytes(hex)).value(); }

// The generator's randomness.
BuildOptions GoldenRandom() {
  BuildOptions options;
  options.fill_random = [next = 0](std::span<uint8_t> out) mutable {
    for (size_t at = 0; at < out.size(); at += Digest::kSize) {
      std::memcpy(out.data() + at, Sha256(Text("golden dataset random ", next++)).data(), Digest::kSize);
    }
  };
  return options;
}

class GoldenDatasetTest : public testing::Test {
 protected:
  std::string Path(std::string_view name) const { return Text(home_.path(), "/", name); }
  std::string Content(std::string_view name) const {
    std::ifstream file(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void ExpectFile(const json& golden) const {
    const std::string bytes = Content("members");
    EXPECT_EQ(golden.contains("file") ? HexEncode(bytes) : "", golden.value("file", ""));
    EXPECT_EQ(bytes.size(), golden["file_bytes"].get<size_t>());
    EXPECT_EQ(Sha256(bytes).hex(), golden["file_sha256"].get<std::string>());
  }

  json golden_ = ReadGolden("dataset.json");
  ScratchDirectory home_{ScratchDirectory::Where::kDisk};
};

TEST_F(GoldenDatasetTest, Members) {
  for (const json& item : golden_["members"]) {
    Member member{item["record_id"], item["subject_id"], std::nullopt};
    if (item["content_sha256"] != "") member.content = DigestOf(item["content_sha256"]);
    EXPECT_EQ(HexEncode(EncodeMember(member)), item["bytes"].get<std::string>());
    EXPECT_EQ(ParseMember(Bytes(item["bytes"])).value(), member);
    const MemberLeaf leaf{MemberSortKey(DigestOf(item["salt"]), member.record_id),
                          MemberCommitment(Bytes(item["nonce"]), EncodeMember(member))};
    EXPECT_EQ(leaf.sort_key, DigestOf(item["sort_key"]));
    EXPECT_EQ(leaf.commitment, DigestOf(item["commitment"]));
    EXPECT_EQ(MemberLeafHash(leaf), DigestOf(item["leaf_hash"]));
  }
}

TEST_F(GoldenDatasetTest, FilesAndProofs) {
  for (const json& tree : golden_["trees"]) {
    std::ofstream(Path("manifest")) << tree["manifest"].get<std::string>();
    const StatusOr<MemberFileHeader> built = BuildMemberFile(Path("manifest"), Path("members"), GoldenRandom());
    ASSERT_TRUE(built.ok()) << built.status();
    EXPECT_EQ(built->commitment.records, tree["records"].get<uint64_t>());
    EXPECT_EQ(built->commitment.root, DigestOf(tree["root"]));
    EXPECT_EQ(built->commitment.salt, DigestOf(tree["salt"]));
    ExpectFile(tree["files"][0]);

    const std::unique_ptr<MemberFile> file = MemberFile::Open(Path("members")).value();
    for (const json& item : tree["proofs"]) {
      const StatusOr<v1::DatasetProof> proof = ProveRecord(*file, item["record_id"].get<std::string>());
      ASSERT_TRUE(proof.ok()) << proof.status();
      EXPECT_EQ(HexEncode(FormatDatasetProof(*proof)), item["proof"].get<std::string>());
      const StatusOr<ProvenRecord> proven =
          VerifyDatasetProof(ParseDatasetProof(Bytes(item["proof"])).value(), built->commitment);
      ASSERT_TRUE(proven.ok()) << proven.status();
      EXPECT_EQ(proven->member.has_value(), item["is_member"].get<bool>());
    }
    if (tree["files"].size() > 1) {
      const json& redacted = tree["files"][1];
      Redaction redaction;
      for (const json& record : redacted["erased"]) redaction.record_ids.insert(record.get<std::string>());
      ASSERT_TRUE(RedactMemberFile(Path("members"), redaction).ok());
      ExpectFile(redacted);
    }
    std::filesystem::remove(Path("members"));
  }
}

TEST_F(GoldenDatasetTest, ForgedProofsAreRejected) {
  DatasetCommitment commitment;
  for (const json& tree : golden_["trees"]) {
    if (tree["records"] == 8) commitment = {8, DigestOf(tree["root"]), DigestOf(tree["salt"])};
  }
  ASSERT_EQ(commitment.records, 8u);
  for (const json& item : golden_["rejected_by_tree_of_8"]) {
    const StatusOr<v1::DatasetProof> proof = ParseDatasetProof(Bytes(item["proof"]));
    EXPECT_FALSE(proof.ok() && VerifyDatasetProof(*proof, commitment).ok()) << item["name"];
  }
}

}  // namespace
}  // namespace anamnesis
