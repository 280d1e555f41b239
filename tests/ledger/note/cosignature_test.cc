#include "ledger/note/cosignature.h"

#include <gtest/gtest.h>

#include <string>

#include "ledger/base/bytes.h"
#include "tests/ledger/note/note_fixture.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

TEST(CosignatureTest, GoldenLine) {
  const NoteSignature signature = Cosign(kGoldenText, "witness.example.com/w1", GoldenKey(32), kGoldenTime);
  EXPECT_EQ(FormatSignatureLine(signature), kGoldenWitnessLine);
  EXPECT_EQ(VerifyCosignature(kGoldenText, signature, VerifierKey::Parse(kGoldenWitnessKey).value()).value(),
            kGoldenTime);
}

TEST(CosignatureTest, TheSpecificationsMessage) {
  EXPECT_EQ(CosignedMessage("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                            1679315147),
            "cosignature/v1\ntime 1679315147\n"
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
}

class VerifyCosignatureTest : public testing::Test {
 protected:
  StatusCode Verify(std::string_view text, const NoteSignature& signature) {
    return VerifyCosignature(text, signature, known_).status().code();
  }

  const std::string text_ = "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
  const PrivateKey key_ = TestKey('w');
  const VerifierKey known_ = WitnessKey("w", key_);
  const NoteSignature good_ = Cosign(text_, "w", key_, 1234567890);
};

TEST_F(VerifyCosignatureTest, TimesRoundTrip) {
  for (uint64_t time : {uint64_t{0}, uint64_t{1}, kCosignatureTimeMax}) {
    EXPECT_EQ(VerifyCosignature(text_, Cosign(text_, "w", key_, time), known_).value(), time);
  }
}

TEST_F(VerifyCosignatureTest, EveryFlippedBitIsRefused) {
  ASSERT_EQ(good_.signature_bytes.size(), 72u);
  for (size_t bit = 0; bit < 72 * 8; ++bit) {
    NoteSignature bad = good_;
    bad.signature_bytes[bit / 8] = static_cast<char>(bad.signature_bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(Verify(text_, bad), StatusCode::kUnauthenticated) << bit;
  }
  EXPECT_EQ(Verify(text_ + "extension\n", good_), StatusCode::kUnauthenticated);
}

TEST_F(VerifyCosignatureTest, WrongLengthsNamesAndTypes) {
  for (size_t size : {size_t{0}, size_t{7}, size_t{8}, size_t{64}, size_t{71}, size_t{73}, size_t{2428}}) {
    NoteSignature bad = good_;
    bad.signature_bytes.resize(size);
    EXPECT_EQ(Verify(text_, bad), StatusCode::kUnauthenticated) << size;
  }
  EXPECT_EQ(Verify(text_, {"x", good_.key_id, good_.signature_bytes}), StatusCode::kUnauthenticated);
  EXPECT_EQ(Verify(text_, {"w", good_.key_id ^ 1, good_.signature_bytes}), StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyCosignature(text_, SignNote(text_, "w", key_), LogKey("w", key_)).status().code(),
            StatusCode::kUnauthenticated);
}

TEST_F(VerifyCosignatureTest, ATimeBeyondTheFormatIsRefusedThoughSigned) {
  const uint64_t time = kCosignatureTimeMax + 1;
  NoteSignature bad{"w", known_.key_id(), ""};
  AppendBigEndian64(bad.signature_bytes, time);
  bad.signature_bytes += key_.Sign(CosignedMessage(text_, time)).view();
  EXPECT_EQ(Verify(text_, bad), StatusCode::kUnauthenticated);
}

}  // namespace
}  // namespace anamnesis
