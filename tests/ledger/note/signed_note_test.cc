#include "ledger/note/signed_note.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/note/cosignature.h"
#include "tests/ledger/note/note_fixture.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

TEST(SignedNoteTest, TheSpecificationsExampleVerifies) {
  const std::string bytes =
      "This is an example message.\n\n"
      "— example.com/foo "
      "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
  const VerifierKey key =
      VerifierKey::Parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").value();
  const SignedNote note = ParseSignedNote(bytes).value();
  EXPECT_EQ(note.text, "This is an example message.\n");
  EXPECT_EQ(FormatSignedNote(note), bytes);
  EXPECT_EQ(VerifyNote(note, {{key}}).value(), std::vector<VerifierKey>{key});
}

TEST(SignedNoteTest, GoldenNote) {
  const std::string bytes = GoldenNote();
  const SignedNote note = ParseSignedNote(bytes).value();
  EXPECT_EQ(FormatSignedNote(note), bytes);
  EXPECT_EQ(FormatSignatureLine(SignNote(kGoldenText, "example.com/golden", GoldenKey(0))), kGoldenLogLine);
  const VerifierKey log = VerifierKey::Parse(kGoldenLogKey).value();
  const VerifierKey witness = VerifierKey::Parse(kGoldenWitnessKey).value();
  EXPECT_EQ(VerifyNote(note, {{witness, log}}).value(), (std::vector<VerifierKey>{log, witness}));
}

TEST(SignedNoteTest, SplitsAtTheLastBlankLine) {
  const PrivateKey key = TestKey('a');
  for (std::string text : {"one\n\ntwo\n", "\n", "\n\n\n", "— name AAAAAAA=\n\nx\n", "x\n\n— name AAAAAAA=\n"}) {
    const SignedNote note{text, {SignNote(text, "n", key)}};
    const StatusOr<SignedNote> parsed = ParseSignedNote(FormatSignedNote(note));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, note);
    EXPECT_TRUE(VerifyNote(*parsed, {{LogKey("n", key)}}).ok());
  }
}

TEST(SignedNoteTest, Malformed) {
  const std::string text = "text\n";
  const std::string line = "— name AAAAAAA=\n";
  ASSERT_TRUE(ParseSignedNote(text + "\n" + line).ok());
  const std::vector<std::string> bad = {
      "",
      "\n",
      "\n\n",
      "text",
      text,
      text + "\n",
      text + line,
      text + "\n" + line + "\n",
      text + "\n\n" + line + "x\n",
      text + "\n" + line.substr(0, line.size() - 1),
      text + "\n- name AAAAAAA=\n",
      text + "\n—name AAAAAAA=\n",
      text + "\n— name\n",
      text + "\n—  AAAAAAA=\n",
      text + "\n— name  AAAAAAA=\n",
      text + "\n— name AAAAAAA= \n",
      text + "\n— na+me AAAAAAA=\n",
      text + "\n— na\xC2\xA0me AAAAAAA=\n",
      text + "\n— name AAAAAAA\n",
      text + "\n— name AAAAAAB=\n",
      text + "\n— name AAAAAA==\n",
      text + "\n— name AAAA\n",
      text + "\n— name !AAAAAA=\n",
      text + "\n— name \n",
      "te\rxt\n\n" + line,
      "te\txt\n\n" + line,
      std::string("te\0xt\n\n", 7) + line,
      "te\xFFxt\n\n" + line,
      "te\xC0\xAFxt\n\n" + line,
      text + "\r\n" + line,
  };
  for (const std::string& bytes : bad) {
    EXPECT_EQ(ParseSignedNote(bytes).status().code(), StatusCode::kInvalidArgument) << bytes;
  }
}

TEST(SignedNoteTest, Limits) {
  const std::string line = "— name AAAAAAA=\n";
  std::string bytes = "text\n\n";
  for (size_t i = 0; i < limits::kNoteSignaturesMax; ++i) bytes += line;
  EXPECT_EQ(ParseSignedNote(bytes).value().signatures.size(), limits::kNoteSignaturesMax);
  EXPECT_FALSE(ParseSignedNote(bytes + line).ok());
  const size_t room = limits::kNoteBytesMax - line.size() - 2;
  EXPECT_TRUE(ParseSignedNote(std::string(room, 'x') + "\n\n" + line).ok());
  EXPECT_FALSE(ParseSignedNote(std::string(room + 1, 'x') + "\n\n" + line).ok());
}

class VerifyNoteTest : public testing::Test {
 protected:
  const std::string text_ = "something\nthat is signed\n";
  const PrivateKey a_ = TestKey('a');
  const PrivateKey b_ = TestKey('b');
  const VerifierKey known_a_ = LogKey("a", a_);
  const VerifierKey known_b_ = LogKey("b", b_);
};

TEST_F(VerifyNoteTest, UnknownSignaturesAreIgnored) {
  const SignedNote note{text_, {{"stranger", 7, "junk"}, SignNote(text_, "a", a_), SignNote(text_, "b", b_)}};
  EXPECT_EQ(VerifyNote(note, {{known_a_}}).value(), std::vector<VerifierKey>{known_a_});
  EXPECT_EQ(VerifyNote(note, {{known_b_}}).value(), std::vector<VerifierKey>{known_b_});
  EXPECT_EQ(VerifyNote(note, {{known_b_, known_a_}}).value(), (std::vector<VerifierKey>{known_a_, known_b_}));
}

TEST_F(VerifyNoteTest, NameAndIdMustBothMatch) {
  const NoteSignature good = SignNote(text_, "a", a_);
  EXPECT_EQ(VerifyNote({text_, {{"other", good.key_id, good.signature_bytes}}}, {{known_a_}}).status().code(),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyNote({text_, {{"a", good.key_id + 1, good.signature_bytes}}}, {{known_a_}}).status().code(),
            StatusCode::kUnauthenticated);
  // As the second line they do no harm.
  EXPECT_TRUE(VerifyNote({text_, {{"a", good.key_id + 1, "x"}, good, {"other", good.key_id, "x"}}}, {{known_a_}}).ok());
}

TEST_F(VerifyNoteTest, AWrongSignatureByAKnownKeyRejectsTheNote) {
  NoteSignature wrong = SignNote("another text\n", "b", b_);
  const SignedNote note{text_, {SignNote(text_, "a", a_), wrong}};
  EXPECT_TRUE(VerifyNote(note, {{known_a_}}).ok());
  EXPECT_EQ(VerifyNote(note, {{known_a_, known_b_}}).status().code(), StatusCode::kUnauthenticated);
  wrong.signature_bytes = "short";
  EXPECT_EQ(VerifyNote({text_, {SignNote(text_, "a", a_), wrong}}, {{known_a_, known_b_}}).status().code(),
            StatusCode::kUnauthenticated);
  // Also as the second of two by the same key.
  const NoteSignature good = SignNote(text_, "a", a_);
  EXPECT_FALSE(VerifyNote({text_, {good, {"a", good.key_id, std::string(64, 'x')}}}, {{known_a_}}).ok());
}

TEST_F(VerifyNoteTest, DuplicatesCountOnce) {
  const NoteSignature good = SignNote(text_, "a", a_);
  EXPECT_EQ(VerifyNote({text_, {good, good, good}}, {{known_a_, known_a_}}).value(),
            std::vector<VerifierKey>{known_a_});
}

TEST_F(VerifyNoteTest, NoneVerified) {
  EXPECT_EQ(VerifyNote({text_, {SignNote(text_, "a", a_)}}, {}).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(VerifyNote({text_, {}}, {{known_a_}}).status().code(), StatusCode::kUnauthenticated);
}

TEST_F(VerifyNoteTest, AChangedTextIsRefused) {
  const NoteSignature good = SignNote(text_, "a", a_);
  for (size_t i = 0; i < text_.size(); ++i) {
    std::string changed = text_;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(VerifyNote({changed, {good}}, {{known_a_}}).ok()) << i;
  }
}

// One public key under both types: each signature is only good for its own type.
TEST_F(VerifyNoteTest, TypesAreKeptApart) {
  const VerifierKey cosigner = WitnessKey("a", a_);
  NoteSignature plain = SignNote(text_, "a", a_);
  NoteSignature timed = Cosign(text_, "a", a_, 5);
  EXPECT_NE(plain.key_id, timed.key_id);
  EXPECT_EQ(VerifyNote({text_, {plain, timed}}, {{known_a_, cosigner}}).value().size(), 2u);
  EXPECT_FALSE(VerifyNote({text_, {timed}}, {{known_a_}}).ok());
  EXPECT_FALSE(VerifyNote({text_, {plain}}, {{cosigner}}).ok());
  std::swap(plain.key_id, timed.key_id);
  EXPECT_FALSE(VerifyNote({text_, {plain}}, {{cosigner}}).ok());
  EXPECT_FALSE(VerifyNote({text_, {timed}}, {{known_a_}}).ok());
}

TEST(SignatureLineTest, RoundTrip) {
  const NoteSignature signature{"witness.example/1", 0xFEDCBA98, std::string("\0\xFFxyz", 5)};
  const std::string line = FormatSignatureLine(signature);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(ParseSignatureLine(std::string_view(line).substr(0, line.size() - 1)).value(), signature);
  EXPECT_FALSE(ParseSignatureLine(line).ok());
  EXPECT_FALSE(ParseSignatureLine("").ok());
}

}  // namespace
}  // namespace anamnesis
