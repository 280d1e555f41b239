// The verifier against the 518 cases of transparency-dev/merkle. Its subtree cases come from the Merkle Tree
// Certificates draft: an inclusion proof within the leaves [start, end) is one in a tree of their own (what a run is to
// us), and a consistency proof of a subtree that starts at 0 is an ordinary one. Other subtree consistency proofs, and
// empty subtrees, are nothing that this ledger has.

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/base/digest.h"
#include "ledger/crypto/sha256.h"
#include "ledger/merkle/verify.h"
#include "tests/conformance/vectors.h"

namespace anamnesis {
namespace {

// Where a case has something else than 32 bytes in place of a hash ("don't care", garbage), a digest of it stands in:
// so the verifier, and not the parser, has to tell good from bad. No hash at all is never good.
StatusOr<Digest> DigestOf(const nlohmann::json& field) {
  ASSIGN_OR_RETURN(std::string bytes, Base64Decode(field.get<std::string>()));
  if (bytes.empty() || bytes.size() == Digest::kSize) return Digest::FromBytes(bytes);
  return Sha256(bytes);
}

StatusOr<std::vector<Digest>> ProofOf(const nlohmann::json& field) {
  std::vector<Digest> proof;
  if (field.is_null()) return proof;
  for (const nlohmann::json& hash : field) {
    ASSIGN_OR_RETURN(Digest digest, DigestOf(hash));
    proof.push_back(digest);
  }
  return proof;
}

Status RunInclusion(const nlohmann::json& vector, uint64_t index, uint64_t size) {
  ASSIGN_OR_RETURN(Digest leaf_hash, DigestOf(vector["leafHash"]));
  ASSIGN_OR_RETURN(Digest root, DigestOf(vector["root"]));
  ASSIGN_OR_RETURN(std::vector<Digest> proof, ProofOf(vector["proof"]));
  return VerifyInclusion(leaf_hash, LeafIndex(index), TreeSize(size), proof, root);
}

Status RunConsistency(const nlohmann::json& vector, uint64_t from, uint64_t to) {
  ASSIGN_OR_RETURN(Digest root_from, DigestOf(vector["root1"]));
  ASSIGN_OR_RETURN(Digest root_to, DigestOf(vector["root2"]));
  ASSIGN_OR_RETURN(std::vector<Digest> proof, ProofOf(vector["proof"]));
  return VerifyConsistency(TreeSize(from), TreeSize(to), proof, root_from, root_to);
}

// The draft's rule for which ranges of leaves are subtrees.
bool IsSubtree(uint64_t start, uint64_t end) {
  return start < end && end - start <= uint64_t{1} << 63 && start % std::bit_ceil(end - start) == 0;
}

uint64_t NumberOf(const nlohmann::json& vector, const char* field) { return vector[field].get<uint64_t>(); }

struct Counts {
  int good = 0;
  int bad = 0;
  int not_ours = 0;
};

// Runs `verify` on every case below merkle/testdata/`kind`. It answers nothing for a case that is not ours.
template <typename Verify>
Counts RunAll(std::string_view kind, Verify verify) {
  Counts counts;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(VectorsPath("merkle/testdata") / kind)) {
    if (!entry.is_regular_file()) continue;
    const nlohmann::json vector = nlohmann::json::parse(ReadVector(entry.path()));
    const std::optional<Status> status = verify(vector);
    if (!status.has_value()) {
      ++counts.not_ours;
      continue;
    }
    const bool want_error = vector["wantErr"].get<bool>();
    EXPECT_EQ(status->ok(), !want_error) << entry.path() << ": " << *status;
    ++(want_error ? counts.bad : counts.good);
  }
  return counts;
}

TEST(MerkleVectorsTest, Inclusion) {
  REQUIRE_VECTORS("merkle/testdata/inclusion");
  const Counts counts = RunAll("inclusion", [](const nlohmann::json& vector) -> std::optional<Status> {
    return RunInclusion(vector, NumberOf(vector, "leafIdx"), NumberOf(vector, "treeSize"));
  });
  EXPECT_EQ(counts.good, 6);
  EXPECT_EQ(counts.bad, 92);
}

TEST(MerkleVectorsTest, Consistency) {
  REQUIRE_VECTORS("merkle/testdata/consistency");
  int from_zero = 0;
  const Counts counts = RunAll("consistency", [&](const nlohmann::json& vector) -> std::optional<Status> {
    from_zero += NumberOf(vector, "size1") == 0;
    return RunConsistency(vector, NumberOf(vector, "size1"), NumberOf(vector, "size2"));
  });
  EXPECT_EQ(from_zero, 9);
  EXPECT_EQ(counts.good, 6);
  EXPECT_EQ(counts.bad, 92);
}

TEST(MerkleVectorsTest, SubtreeInclusion) {
  REQUIRE_VECTORS("merkle/testdata/subtreeinclusion");
  const Counts counts = RunAll("subtreeinclusion", [](const nlohmann::json& vector) -> std::optional<Status> {
    const uint64_t start = NumberOf(vector, "start");
    const uint64_t end = NumberOf(vector, "end");
    const uint64_t index = NumberOf(vector, "leafIdx");
    if (!IsSubtree(start, end) || index < start) return absl::InvalidArgumentError("not a leaf of a subtree");
    return RunInclusion(vector, index - start, end - start);
  });
  EXPECT_EQ(counts.good, 12);
  EXPECT_EQ(counts.bad, 192);
}

TEST(MerkleVectorsTest, SubtreeConsistency) {
  REQUIRE_VECTORS("merkle/testdata/subtreeconsistency");
  const Counts counts = RunAll("subtreeconsistency", [](const nlohmann::json& vector) -> std::optional<Status> {
    const uint64_t start = NumberOf(vector, "start");
    const uint64_t end = NumberOf(vector, "end");
    if (start != 0 || end == 0) return std::nullopt;
    return RunConsistency(vector, end, NumberOf(vector, "size"));
  });
  EXPECT_EQ(counts.good, 6);
  EXPECT_EQ(counts.bad, 85);
  EXPECT_EQ(counts.not_ours, 27);
}

}  // namespace
}  // namespace anamnesis
