#include "ledger/note/verifier_key.h"

#include <gtest/gtest.h>

#include <string>

#include "ledger/base/bytes.h"
#include "tests/ledger/note/note_fixture.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

TEST(VerifierKeyTest, PublishedAndGoldenKeysRoundTrip) {
  for (std::string_view text :
       {std::string_view("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
        std::string_view("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        std::string_view("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"),
        kGoldenLogKey, kGoldenWitnessKey}) {
    StatusOr<VerifierKey> key = VerifierKey::Parse(text);
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(key->Format(), text);
  }
}

TEST(VerifierKeyTest, MadeFromAKey) {
  EXPECT_EQ(LogKey("example.com/golden", GoldenKey(0)).Format(), kGoldenLogKey);
  EXPECT_EQ(WitnessKey("witness.example.com/w1", GoldenKey(32)).Format(), kGoldenWitnessKey);
}

// The key's base64 has a plus sign of its own; a name may have anything else.
TEST(VerifierKeyTest, SplitsAtTheFirstTwoPlusSigns) {
  for (int fill = 0; fill < 100; ++fill) {
    const VerifierKey key = LogKey("w€ird/ňame,|", TestKey(static_cast<char>(fill)));
    EXPECT_EQ(VerifierKey::Parse(key.Format()).value(), key);
  }
}

TEST(VerifierKeyTest, EveryChangedCharacterIsRefused) {
  const std::string good(kGoldenLogKey);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'z' ? 'y' : 'z';
    if (bad == good) continue;
    EXPECT_EQ(VerifierKey::Parse(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(VerifierKeyTest, Malformed) {
  for (std::string text :
       {std::string(), std::string("+"), std::string("++"), std::string("name"), std::string("name+530d903a"),
        std::string("example.com/golden+EC459B04+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"),
        std::string("example.com/golden+ec459b04+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n"),
        std::string("example.com/golden+0ec459b04+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"),
        std::string("example.com/golden+ec459b04+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG"),
        std::string("example.com/golden+ec459b04+")}) {
    EXPECT_EQ(VerifierKey::Parse(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
  // Another type with an id that belongs to it.
  for (int type : {0, 2, 3, 5, 6, 255}) {
    const PublicKey key = TestKey('a').public_key();
    const uint32_t id = KeyId("n", static_cast<KeyType>(type), key);
    std::string id_bytes;
    AppendBigEndian32(id_bytes, id);
    const std::string text =
        Text("n+", HexEncode(id_bytes), '+', Base64Encode(Text(static_cast<char>(type), key.view())));
    EXPECT_EQ(VerifierKey::Parse(text).status().code(), StatusCode::kInvalidArgument) << type;
  }
}

TEST(KeyNameTest, BadNames) {
  EXPECT_TRUE(CheckKeyName("example.com/log").ok());
  EXPECT_TRUE(CheckKeyName("žluťoučký").ok());
  for (std::string name :
       {std::string(), std::string("a b"), std::string("a+b"), std::string("a\tb"), std::string("a\nb"),
        std::string("a\0b", 3), std::string("a\x7F\xFF"), std::string("\xC2\xA0"), std::string("a\xC2\x85"),
        std::string("\xE2\x80\x83x"), std::string("\xE3\x80\x80"), std::string("\xE1\x9A\x80"), std::string("\xC0\x80"),
        std::string("\xED\xA0\x80"), std::string("\xE2\x80"), std::string("\xF4\x90\x80\x80"),
        std::string("\xE0\x80\xAF"), std::string("\x80")}) {
    EXPECT_EQ(CheckKeyName(name).code(), StatusCode::kInvalidArgument) << HexEncode(name);
    EXPECT_FALSE(VerifierKey::Make(name, KeyType::kEd25519, PublicKey()).ok());
  }
}

}  // namespace
}  // namespace anamnesis
