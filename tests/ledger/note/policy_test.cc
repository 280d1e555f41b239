#include "ledger/note/policy.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "ledger/merkle/tree_hash.h"
#include "ledger/note/cosignature.h"
#include "tests/ledger/note/note_fixture.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

constexpr std::string_view kOrigin = "example.com/log";

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() {
    log_line_ = Text("log ", LogKey(kOrigin, log_).Format(), '\n');
    text_ = FormatCheckpointText({std::string(kOrigin), TreeSize(1), LeafHash("x")});
  }

  // The witness called by one letter; its key is made from the letter.
  static std::string WitnessLine(char name) {
    return Text("witness ", name, ' ', WitnessKey(KeyName(name), TestKey(name)).Format(), '\n');
  }
  static std::string KeyName(char name) { return Text("witness.example/", name); }

  // A checkpoint signed by the log and cosigned by the witnesses whose letters are given.
  SignedNote Note(std::string_view cosigners) const {
    SignedNote note{text_, {SignNote(text_, kOrigin, log_)}};
    for (char name : cosigners) note.signatures.push_back(Cosign(text_, KeyName(name), TestKey(name), 1700000000));
    return note;
  }

  const PrivateKey log_ = TestKey('\1');
  std::string log_line_;
  std::string text_;
};

TEST_F(PolicyTest, TheSpecificationsExample) {
  const std::string text = log_line_ + "\n" + WitnessLine('a') + WitnessLine('b') + WitnessLine('c') +
                           "group X-witnesses 2 a b c\n\n" + WitnessLine('d') + WitnessLine('e') + WitnessLine('f') +
                           "group Y-witnesses any d e f\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";
  const Policy policy = Policy::Parse(text).value();
  EXPECT_EQ(policy.logs().size(), 1u);
  EXPECT_TRUE(policy.IsQuorum({"a", "b", "f"}));
  EXPECT_FALSE(policy.IsQuorum({"a", "b", "c"}));
  EXPECT_FALSE(policy.IsQuorum({"a", "d", "e", "f", "nobody"}));
  EXPECT_EQ(policy.witnesses().size(), 6u);
  EXPECT_EQ(policy.groups()[0].threshold, 2u);
  EXPECT_EQ(policy.groups()[1].threshold, 1u);
  EXPECT_EQ(policy.groups()[2].threshold, 2u);
  EXPECT_EQ(policy.quorum(), "X-and-Y");
  const std::map<std::string, bool> expected = {
      {"", false},   {"a", false},  {"ab", false}, {"abc", false},   {"d", false},    {"def", false}, {"ad", false},
      {"abd", true}, {"acf", true}, {"bce", true}, {"abcdef", true}, {"bdef", false}, {"aad", false}, {"aaaddd", false},
  };
  for (const auto& [cosigners, enough] : expected) {
    const Status status = policy.Check(Note(cosigners));
    EXPECT_EQ(status.code(), enough ? StatusCode::kOk : StatusCode::kFailedPrecondition) << cosigners << status;
  }
}

// Every subset of six witnesses against the rule counted by hand, for each threshold.
TEST_F(PolicyTest, ThresholdsAreExact) {
  std::string witnesses;
  for (char name = 'a'; name < 'e'; ++name) witnesses += WitnessLine(name);
  for (unsigned k = 1; k <= 4; ++k) {
    const Policy policy = Policy::Parse(Text(log_line_, witnesses, "group g ", k, " a b c d\nquorum g\n")).value();
    for (unsigned subset = 0; subset < 16; ++subset) {
      std::string cosigners;
      for (unsigned i = 0; i < 4; ++i) {
        if ((subset >> i) & 1) cosigners.push_back(static_cast<char>('a' + i));
      }
      EXPECT_EQ(policy.Check(Note(cosigners)).ok(), cosigners.size() >= k) << k << " " << cosigners;
    }
  }
}

TEST_F(PolicyTest, QuorumOfOneWitnessAndOfNone) {
  const Policy one = Policy::Parse(log_line_ + WitnessLine('a') + WitnessLine('b') + "quorum a\n").value();
  EXPECT_TRUE(one.Check(Note("a")).ok());
  EXPECT_EQ(one.Check(Note("b")).code(), StatusCode::kFailedPrecondition);
  const Policy none = Policy::Parse(log_line_ + WitnessLine('a') + "quorum none\n").value();
  EXPECT_TRUE(none.Check(Note("")).ok());
  EXPECT_EQ(none.quorum(), std::nullopt);
  EXPECT_EQ(none.Open(FormatSignedNote(Note("a"))).value().size, TreeSize(1));
}

TEST_F(PolicyTest, TheLogsSignatureIsAlwaysNeeded) {
  const Policy policy = Policy::Parse(log_line_ + WitnessLine('a') + "quorum a\n").value();
  SignedNote note = Note("a");
  note.signatures.erase(note.signatures.begin());
  EXPECT_EQ(policy.Check(note).code(), StatusCode::kUnauthenticated);
  // A policy without logs cannot tell whose checkpoint it is.
  EXPECT_EQ(Policy::Parse("quorum none\n").value().Check(Note("")).code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(Policy::Parse(WitnessLine('a') + "quorum a\n").value().Check(Note("a")).code(),
            StatusCode::kUnauthenticated);
  // A trusted log speaks for its own origin only.
  const Policy other =
      Policy::Parse(Text("log ", LogKey("example.com/other", log_).Format(), "\nquorum none\n")).value();
  EXPECT_EQ(other.Check({text_, {SignNote(text_, "example.com/other", log_)}}).code(), StatusCode::kUnauthenticated);
}

// As when the log signs by another key than the file names.
TEST_F(PolicyTest, KeysOfTheLogCanBeAdded) {
  const std::vector<VerifierKey> now = {LogKey(kOrigin, log_)};
  const Policy before =
      Policy::Parse(Text("log ", LogKey(kOrigin, TestKey('\2')).Format(), '\n', WitnessLine('a'), "quorum a\n"))
          .value();
  EXPECT_EQ(before.Check(Note("a")).code(), StatusCode::kUnauthenticated);
  EXPECT_TRUE(before.Check(Note("a"), now).ok());
  EXPECT_EQ(before.Check(Note(""), now).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(before.Open(FormatSignedNote(Note("a")), now).value().size, TreeSize(1));
  const Policy already = Policy::Parse(log_line_ + WitnessLine('a') + "quorum a\n").value();
  EXPECT_TRUE(already.Check(Note("a"), now).ok());
}

TEST_F(PolicyTest, AWrongSignatureByAListedWitnessRejects) {
  const Policy policy = Policy::Parse(log_line_ + WitnessLine('a') + WitnessLine('b') + "quorum a\n").value();
  SignedNote note = Note("a");
  NoteSignature wrong = Cosign("other text\n", KeyName('b'), TestKey('b'), 1);
  note.signatures.push_back(wrong);
  EXPECT_EQ(policy.Check(note).code(), StatusCode::kUnauthenticated);
  note.signatures.back() = Cosign("other text\n", KeyName('c'), TestKey('c'), 1);
  EXPECT_TRUE(policy.Check(note).ok());
}

TEST_F(PolicyTest, NotACheckpoint) {
  const Policy policy = Policy::Parse(log_line_ + "quorum none\n").value();
  EXPECT_EQ(policy.Check({"hi\n", {SignNote("hi\n", kOrigin, log_)}}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(policy.Open("hi").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(PolicyTest, BlanksCommentsAndUrls) {
  std::string log = log_line_;
  log.pop_back();
  std::string witness = WitnessLine('a');
  witness.pop_back();
  const Policy policy =
      Policy::Parse("# comment \xC2\xA9 \xFF\n \t \n\n  " + log + "\thttps://log.example/ \n\t" + witness +
                    " https://w.example/\n \t# another\ngroup\tg   all\ta \nquorum \t g\t\n")
          .value();
  EXPECT_EQ(policy.logs()[0].url, "https://log.example/");
  EXPECT_EQ(policy.witnesses()[0].url, "https://w.example/");
  EXPECT_EQ(policy.witnesses()[0].name, "a");
  EXPECT_EQ(policy.groups()[0].members, std::vector<std::string>{"a"});
  EXPECT_EQ(Policy::Parse(policy.Format()).value(), policy);
  EXPECT_EQ(policy.Format(),
            log + " https://log.example/\n" + witness + " https://w.example/\ngroup g 1 a\nquorum g\n");
}

TEST_F(PolicyTest, Malformed) {
  const std::string a = WitnessLine('a');
  const std::string b = WitnessLine('b');
  const std::string a_key = WitnessKey(KeyName('a'), TestKey('a')).Format();
  const std::string log_key = LogKey(kOrigin, log_).Format();
  ASSERT_TRUE(Policy::Parse(a + b + "group g any a b\nquorum g\n").ok());
  const std::vector<std::string> bad = {
      "",
      "\n",
      "# quorum none\n",
      log_line_,
      "quorum\n",
      "quorum none none\n",
      "quorum none\nquorum none\n",
      "quorum none",
      a + "quorum a",
      "Quorum none\n",
      "quorum none # comment\n",
      "other x\nquorum none\n",
      "quorum a\n" + a,
      "quorum b\n" + a,
      a + "quorum A\n",
      "quorum all\n",
      "log\nquorum none\n",
      "log x\nquorum none\n",
      "log " + log_key + " url more\nquorum none\n",
      "log " + a_key + "\nquorum none\n",
      log_line_ + log_line_ + "quorum none\n",
      "log " + LogKey("renamed", log_).Format() + "\n" + log_line_ + "quorum none\n",
      "witness a\nquorum none\n",
      "witness " + a_key + "\nquorum none\n",
      "witness a " + a_key + " url more\nquorum none\n",
      "witness a " + log_key + "\nquorum none\n",
      "witness none " + a_key + "\nquorum none\n",
      a + "witness b " + a_key + "\nquorum none\n",
      a + "witness a " + WitnessKey("b", TestKey('b')).Format() + "\nquorum a\n",
      a + "group g\nquorum g\n",
      a + "group g any\nquorum g\n",
      a + "group g 0 a\nquorum g\n",
      a + "group g 2 a\nquorum g\n",
      a + "group g 01 a\nquorum g\n",
      a + "group g -1 a\nquorum g\n",
      a + "group g some a\nquorum g\n",
      a + "group g 99999999999999999999 a\nquorum g\n",
      a + "group g any a a\nquorum g\n",
      a + "group g any a c\nquorum g\n",
      a + "group g any g\nquorum g\n",
      a + "group a any a\nquorum a\n",
      a + "group none any a\nquorum none\n",
      a + "group g any none\nquorum g\n",
      a + "group g any h\ngroup h any a\nquorum g\n",
      a + "group g any a\ngroup h any a\nquorum g\n",
      a + b + "group g any a\ngroup h any g b\ngroup i any g\nquorum i\n",
      a + "group g any a\ngroup g any a\nquorum g\n",
      "quorum\rnone\n",
      "quorum none\r\n",
      std::string("quorum none\0\n", 13),
      "# \x7F\nquorum none\n",
      "# \x01\nquorum none\n",
  };
  for (const std::string& text : bad) {
    EXPECT_EQ(Policy::Parse(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST_F(PolicyTest, ErrorsNameTheLine) {
  const Status status = Policy::Parse("# one\n\nquorum nobody\n").status();
  EXPECT_NE(MessageOf(status).find("line 3"), std::string_view::npos) << status;
  EXPECT_NE(MessageOf(status).find("nobody"), std::string_view::npos) << status;
}

TEST_F(PolicyTest, AtLeast32OfEachKindAndNotWithoutLimit) {
  auto with = [&](int count) {
    std::string text;
    std::string members;
    auto key = [](char kind, int i) {
      std::string seed(32, kind);
      seed[0] = static_cast<char>(i);
      seed[1] = static_cast<char>(i >> 8);
      return PrivateKey::FromSeed(seed).value();
    };
    for (int i = 0; i < count; ++i) {
      text += Text("log ", LogKey(Text("log", i), key('l', i)).Format(), '\n');
      text += Text("witness w", i, ' ', WitnessKey(Text("w", i), key('w', i)).Format(), '\n');
      text += Text("group g", i, " all w", i, '\n');
      if (i > 0) members += Text(" g", i);
    }
    return Policy::Parse(text + "quorum g0\n");
  };
  EXPECT_TRUE(with(32).ok());
  EXPECT_TRUE(with(256).ok());
  EXPECT_FALSE(with(257).ok());
  EXPECT_FALSE(Policy::Parse(std::string(2 * 1024 * 1024, '\n') + "quorum none\n").ok());
}

}  // namespace
}  // namespace anamnesis
