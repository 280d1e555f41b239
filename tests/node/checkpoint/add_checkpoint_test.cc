#include "node/checkpoint/add_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/base/bytes.h"
#include "ledger/merkle/tree_hash.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

std::string Note() {
  const PrivateKey key = PrivateKey::FromSeed(std::string(32, 'k')).value();
  SignedNote note{FormatCheckpointText({"log.example", TreeSize(5), LeafHash("r")}), {}};
  note.signatures.push_back(SignNote(note.text, "log.example", key));
  return FormatSignedNote(note);
}

std::string Lines(size_t hashes) {
  std::string lines;
  for (size_t i = 0; i < hashes; ++i) lines += Base64Encode(LeafHash(Text(i)).view()) + "\n";
  return lines;
}

TEST(AddCheckpointTest, WhatIsWrittenIsRead) {
  for (const size_t hashes : {0u, 1u, 63u}) {
    AddCheckpointRequest request{TreeSize(3), {}, Note()};
    for (size_t i = 0; i < hashes; ++i) request.proof.push_back(LeafHash(Text(i)));
    const std::string bytes = FormatAddCheckpoint(request);
    EXPECT_EQ(bytes, Text("old 3\n", Lines(hashes), "\n", Note()));
    const StatusOr<AddCheckpointRequest> parsed = ParseAddCheckpoint(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, request);
  }
}

TEST(AddCheckpointTest, MalformedRequestsNameTheLine) {
  const std::string note = Note();
  const std::pair<std::string, std::string> cases[] = {
      {"", "old size"},
      {"old 3", "old size"},
      {"OLD 3\n\n" + note, "old size"},
      {"old 03\n\n" + note, "old size"},
      {"old -1\n\n" + note, "old size"},
      {"old 18446744073709551616\n\n" + note, "old size"},
      {"old 3\n" + note, "hash 0"},
      {"old 3\nAAAA\n\n" + note, "hash 0"},
      {"old 3\n" + Lines(1) + "?\n\n" + note, "hash 1"},
      {"old 3\n" + Lines(64) + "\n" + note, "at most 63"},
      {"old 3\n" + Lines(1), "blank line"},
      {"old 3\n\n", "note"},
      {"old 3\n\nno checkpoint\n\n— a AAAAAAA=\n", ""},
      {"old 3\n\n" + std::string(kAddCheckpointBytesMax, 'x'), "bytes"},
  };
  for (const auto& [bytes, named] : cases) {
    const StatusOr<AddCheckpointRequest> parsed = ParseAddCheckpoint(bytes);
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << bytes.substr(0, 80);
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(named));
  }
}

TEST(AddCheckpointTest, Answers) {
  const SignedNote note = *ParseSignedNote(Note());
  const std::string line = FormatSignatureLine(note.signatures[0]);
  EXPECT_EQ(ParseCosignatureLines(line + line)->size(), 2u);
  EXPECT_FALSE(ParseCosignatureLines("hello\n").ok());
  EXPECT_FALSE(ParseCosignatureLines(line.substr(0, line.size() - 1)).ok());
  EXPECT_EQ(*ParseConflictSize("20\n"), TreeSize(20));
  for (const char* wrong : {"", "20", "x\n", "20\n\n", "-1\n"}) EXPECT_FALSE(ParseConflictSize(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace anamnesis
