// Ed25519 against third parties' edge cases. The accepted set is pinned: if another version of the library accepted one
// signature more or fewer, nodes could disagree about a seal.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "ledger/base/bytes.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/crypto/sha256.h"
#include "tests/conformance/vectors.h"

namespace anamnesis {
namespace {

bool Accepts(std::string_view key, std::string_view message, std::string_view signature) {
  const StatusOr<PublicKey> public_key = PublicKey::FromBytes(key);
  return public_key.ok() && VerifyEd25519(*public_key, message, signature).ok();
}

// https://github.com/C2SP/CCTV/tree/main/ed25519: every combination of points of low order and encodings that verifies
// under some rule in use.
TEST(Ed25519VectorsTest, CctvAcceptedSet) {
  REQUIRE_VECTORS("ed25519/cctv_ed25519vectors.json");
  // The rule in words: A and R are not of low order, both are in canonical form, and the equation holds without the
  // cofactor (no residue of low order), with k hashed over the bytes as they were sent. Components of low order that
  // cancel out do no harm.
  const std::set<std::string> refused = {"low_order_A",     "low_order_R",       "non_canonical_A",
                                         "non_canonical_R", "low_order_residue", "reencoded_k"};
  const nlohmann::json vectors = nlohmann::json::parse(ReadVector(VectorsPath("ed25519/cctv_ed25519vectors.json")));
  std::string bits;
  int accepted = 0;
  for (const nlohmann::json& vector : vectors) {
    const bool accepts = Accepts(HexDecode(vector["key"].get<std::string>()).value(), vector["msg"].get<std::string>(),
                                 HexDecode(vector["sig"].get<std::string>()).value());
    bool expected = true;
    if (!vector["flags"].is_null()) {
      for (const nlohmann::json& flag : vector["flags"]) expected &= !refused.contains(flag.get<std::string>());
    }
    EXPECT_EQ(accepts, expected) << vector;
    accepted += accepts;
    bits.push_back(accepts ? '1' : '0');
  }
  EXPECT_EQ(vectors.size(), 914u);
  EXPECT_EQ(accepted, 43);
  EXPECT_EQ(Sha256(bits).hex(), "9111cd3acbe211e15031707588bc9d68cb7b0c2d8f500fad1ebfedfc4362ffab");
}

TEST(Ed25519VectorsTest, WycheproofAgrees) {
  REQUIRE_VECTORS("ed25519/wycheproof_ed25519_test.json");
  const nlohmann::json file = nlohmann::json::parse(ReadVector(VectorsPath("ed25519/wycheproof_ed25519_test.json")));
  int valid = 0;
  int invalid = 0;
  for (const nlohmann::json& group : file["testGroups"]) {
    const std::string key = HexDecode(group["publicKey"]["pk"].get<std::string>()).value();
    for (const nlohmann::json& test : group["tests"]) {
      const bool expected = test["result"].get<std::string>() == "valid";
      EXPECT_EQ(Accepts(key, HexDecode(test["msg"].get<std::string>()).value(),
                        HexDecode(test["sig"].get<std::string>()).value()),
                expected)
          << test;
      ++(expected ? valid : invalid);
    }
  }
  EXPECT_EQ(valid, 88);
  EXPECT_EQ(invalid, 63);
}

}  // namespace
}  // namespace anamnesis
