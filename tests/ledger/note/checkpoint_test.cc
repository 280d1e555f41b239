#include "ledger/note/checkpoint.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger/merkle/tree_hash.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/signed_note.h"
#include "tests/ledger/note/note_fixture.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

TEST(CheckpointTest, GoldenText) {
  const Checkpoint checkpoint{"example.com/golden", TreeSize(0), EmptyRoot()};
  EXPECT_EQ(FormatCheckpointText(checkpoint), kGoldenText);
  EXPECT_EQ(ParseCheckpointText(kGoldenText).value(), checkpoint);
}

TEST(CheckpointTest, TheSpecificationsExample) {
  const Checkpoint checkpoint =
      ParseCheckpointText("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")
          .value();
  EXPECT_EQ(checkpoint.origin, "example.com/behind-the-sofa");
  EXPECT_EQ(checkpoint.size, TreeSize(20852163));
  EXPECT_EQ(checkpoint.root.hex(), "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
}

TEST(CheckpointTest, SizesRoundTrip) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{10}, uint64_t{1} << 63, UINT64_MAX}) {
    const Checkpoint checkpoint{"a blank is allowed", TreeSize(size), LeafHash("x")};
    EXPECT_EQ(ParseCheckpointText(FormatCheckpointText(checkpoint)).value(), checkpoint);
  }
}

TEST(CheckpointTest, ExtensionLinesOfOthersAreIgnored) {
  const Checkpoint plain = ParseCheckpointText(kGoldenText).value();
  EXPECT_EQ(ParseCheckpointText(std::string(kGoldenText) + "extension\nanother one\n").value(), plain);
  EXPECT_FALSE(ParseCheckpointText(std::string(kGoldenText) + "\n").ok());
  EXPECT_FALSE(ParseCheckpointText(std::string(kGoldenText) + "extension\n\n").ok());
  EXPECT_FALSE(ParseCheckpointText(std::string(kGoldenText) + "extension").ok());
}

TEST(CheckpointTest, Malformed) {
  const std::string root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  for (const std::string& text : std::vector<std::string>{"",
                                                          "\n",
                                                          "o\n",
                                                          "o\n1\n",
                                                          "o\n1\n" + root,
                                                          "\n1\n" + root + "\n",
                                                          "o\n\n" + root + "\n",
                                                          "o\n1\n\n",
                                                          "o\n01\n" + root + "\n",
                                                          "o\n+1\n" + root + "\n",
                                                          "o\n-1\n" + root + "\n",
                                                          "o\n 1\n" + root + "\n",
                                                          "o\n1 \n" + root + "\n",
                                                          "o\n0x1\n" + root + "\n",
                                                          "o\n18446744073709551616\n" + root + "\n",
                                                          "o\n99999999999999999999999\n" + root + "\n",
                                                          "o\n1\n" + root + "=\n",
                                                          "o\n1\nAAAA\n",
                                                          "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
                                                          "o\n1\n " + root + "\n",
                                                          "o\r\n1\n" + root + "\n",
                                                          "o\n1\n" + root + "\r\n",
                                                          "\xFF\n1\n" + root + "\n",
                                                          std::string(256, 'o') + "\n1\n" + root + "\n"}) {
    EXPECT_EQ(ParseCheckpointText(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

class OpenCheckpointTest : public testing::Test {
 protected:
  const Checkpoint checkpoint_{"example.com/log", TreeSize(3), LeafHash("x")};
  const std::string text_ = FormatCheckpointText(checkpoint_);
  const PrivateKey log_ = TestKey('l');
  const PrivateKey witness_ = TestKey('w');
  const VerifierKey log_key_ = LogKey("example.com/log", log_);
  const VerifierKey witness_key_ = WitnessKey("witness", witness_);
};

TEST_F(OpenCheckpointTest, SignedByItsLog) {
  const std::string note = FormatSignedNote({text_, {SignNote(text_, "example.com/log", log_)}});
  EXPECT_EQ(OpenCheckpoint(note, {{log_key_}}).value(), checkpoint_);
  EXPECT_EQ(OpenCheckpoint(note, {}).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(OpenCheckpoint("junk", {{log_key_}}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenCheckpoint(GoldenNote(), {{VerifierKey::Parse(kGoldenLogKey).value()}}).value().size, TreeSize(0));
}

TEST_F(OpenCheckpointTest, ACosignatureIsNotTheLogsSignature) {
  const std::string cosigned = FormatSignedNote({text_, {Cosign(text_, "witness", witness_, 1)}});
  EXPECT_EQ(OpenCheckpoint(cosigned, {{log_key_, witness_key_}}).status().code(), StatusCode::kUnauthenticated);
  // Not even under the log's name.
  const std::string own = FormatSignedNote({text_, {Cosign(text_, "example.com/log", log_, 1)}});
  EXPECT_EQ(OpenCheckpoint(own, {{WitnessKey("example.com/log", log_)}}).status().code(), StatusCode::kUnauthenticated);
}

// A key of one log, though trusted, says nothing about another log.
TEST_F(OpenCheckpointTest, AnotherLogsKeyIsNotEnough) {
  const std::string note = FormatSignedNote({text_, {SignNote(text_, "example.com/other", witness_)}});
  EXPECT_EQ(OpenCheckpoint(note, {{LogKey("example.com/other", witness_), log_key_}}).status().code(),
            StatusCode::kUnauthenticated);
}

TEST_F(OpenCheckpointTest, SignedTextThatIsNoCheckpoint) {
  const std::string note = FormatSignedNote({"hello\n", {SignNote("hello\n", "example.com/log", log_)}});
  EXPECT_EQ(OpenCheckpoint(note, {{log_key_}}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace anamnesis
