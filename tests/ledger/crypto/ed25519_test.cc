#include "ledger/crypto/ed25519.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace anamnesis {
namespace {

std::string Unhex(std::string_view hex) { return HexDecode(hex).value(); }

PrivateKey KeyOf(std::string_view hex_seed) { return PrivateKey::FromSeed(Unhex(hex_seed)).value(); }

// RFC 8032 section 7.1, tests 1 to 3.
TEST(Ed25519Test, Rfc8032Examples) {
  struct Example {
    std::string_view seed, public_key, message, signature;
  };
  const Example examples[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
       "4"
       "655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
       "e"
       "b00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28"
       "d"
       "c027beceea1ec40a"},
  };
  for (const Example& example : examples) {
    const PrivateKey key = KeyOf(example.seed);
    EXPECT_EQ(key.public_key().hex(), example.public_key);
    const std::string message = Unhex(example.message);
    const Signature signature = key.Sign(message);
    EXPECT_EQ(HexEncode(signature.view()), example.signature);
    EXPECT_TRUE(VerifyEd25519(key.public_key(), message, signature.view()).ok());
  }
}

TEST(Ed25519Test, EveryFlippedBitIsRefused) {
  const PrivateKey key = KeyOf("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  const std::string message = "message";
  const std::string signature = key.Sign(message).bytes();
  for (size_t bit = 0; bit < signature.size() * 8; ++bit) {
    std::string flipped = signature;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(VerifyEd25519(key.public_key(), message, flipped).code(), absl::StatusCode::kUnauthenticated) << bit;
  }
  for (size_t bit = 0; bit < 256; ++bit) {
    std::string flipped = key.public_key().bytes();
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(VerifyEd25519(PublicKey::FromBytes(flipped).value(), message, signature).ok()) << bit;
  }
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "massage", signature).ok());
  EXPECT_FALSE(VerifyEd25519(PublicKey(), message, signature).ok());
}

TEST(Ed25519Test, WrongLengthsAreNamed) {
  const PrivateKey key = KeyOf("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  for (size_t size : {0, 1, 63, 65, 128}) {
    EXPECT_EQ(VerifyEd25519(key.public_key(), "m", std::string(size, 'x')).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(Signature::FromBytes(std::string(size, 'x')).status().code(), absl::StatusCode::kInvalidArgument);
  }
  for (size_t size : {0, 31, 33, 64}) {
    EXPECT_EQ(PrivateKey::FromSeed(std::string(size, 'x')).status().code(), absl::StatusCode::kInvalidArgument);
    const Status status = PublicKey::FromBytes(std::string(size, 'x'), "actor.key").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(MessageOf(status).find("actor.key"), std::string_view::npos);
  }
}

TEST(Ed25519Test, AMovedFromKeyHoldsNoSecret) {
  PrivateKey key = KeyOf("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  const std::string seed(key.seed());
  PrivateKey moved = std::move(key);
  EXPECT_EQ(moved.seed(), seed);
  EXPECT_EQ(key.seed(), std::string(PrivateKey::kSeedSize, '\0'));  // NOLINT(bugprone-use-after-move)
  key = std::move(moved);
  EXPECT_EQ(key.seed(), seed);
  EXPECT_EQ(moved.seed(), std::string(PrivateKey::kSeedSize, '\0'));  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(VerifyEd25519(key.public_key(), "m", key.Sign("m").view()).ok());
}

}  // namespace
}  // namespace anamnesis
