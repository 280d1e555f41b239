#include "ledger/custody/custody.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "ledger/custody/key_history.h"
#include "ledger/note/signed_note.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using nlohmann::json;

std::vector<VerifierKey> Keys(const json& texts) {
  std::vector<VerifierKey> keys;
  for (const json& text : texts) keys.push_back(VerifierKey::Parse(text.get<std::string>()).value());
  return keys;
}

StatusOr<KeyCustody> Judge(const std::string& bytes, const std::vector<VerifierKey>& trusted) {
  ASSIGN_OR_RETURN(const KeyHistory history, ParseKeyHistory(bytes));
  return KeyCustody::Judge(history, trusted);
}

void ExpectVerdict(const Status& status, const std::string& because) {
  if (because.empty()) {
    EXPECT_TRUE(status.ok()) << status;
    return;
  }
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(because), std::string_view::npos)
      << "not because of \"" << because << "\": " << status;
}

// What is right is taken and each forgery refused, for its own reason (tests/golden/key_history.py makes them).
TEST(KeyCustodyTest, JudgesHistories) {
  const json cases = ReadGolden("key_history.json")["judged"];
  ASSERT_GT(cases.size(), 30u);
  for (const json& one : cases) {
    SCOPED_TRACE(one["name"].get<std::string>());
    ExpectVerdict(Judge(one["history"], Keys(one["trusted"])).status(), one["because"]);
  }
}

void ExpectOpens(const json& golden) {
  const StatusOr<KeyCustody> custody = Judge(golden["history"], Keys(golden["trusted"]));
  ASSERT_TRUE(custody.ok()) << custody.status();
  for (const json& one : golden["notes"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    std::optional<Policy> policy;
    if (!one["policy"].get<std::string>().empty()) policy = Policy::Parse(one["policy"].get<std::string>()).value();
    const SignedNote note = ParseSignedNote(one["note"].get<std::string>()).value();
    const StatusOr<Checkpoint> opened = custody->Open(note, policy.has_value() ? &*policy : nullptr);
    ExpectVerdict(opened.status(), one["because"]);
    if (opened.ok()) {
      EXPECT_EQ(*opened, *ParseCheckpointText(note.text));
    }
  }
}

TEST(KeyCustodyTest, OpensNotes) {
  const json golden = ReadGolden("key_history.json")["opened"];
  ASSERT_GT(golden["notes"].size(), 20u);
  ExpectOpens(golden);
}

TEST(KeyCustodyTest, ACosignatureByAStolenKeyShowsNothing) {
  ExpectOpens(ReadGolden("key_history.json")["opened_after_theft"]);
}

TEST(KeyCustodyTest, SaysWhichKeysThereWere) {
  const json golden = ReadGolden("key_history.json")["opened"];
  const StatusOr<KeyCustody> custody = Judge(golden["history"], Keys(golden["trusted"]));
  ASSERT_TRUE(custody.ok()) << custody.status();
  ASSERT_EQ(custody->keys().size(), 5u);
  EXPECT_EQ(custody->LogKeys().size(), 4u);
  const auto& keys = custody->keys();
  EXPECT_EQ(keys[0].named_at, LeafIndex(3));
  ASSERT_TRUE(keys[0].end.has_value());
  EXPECT_EQ(keys[0].end->leaf, LeafIndex(6));
  EXPECT_EQ(keys[0].end->size, TreeSize(8)) << "leaf 7 is the last one before the overlap's end";
  EXPECT_FALSE(keys[0].end->revoked);
  ASSERT_TRUE(keys[1].end.has_value());
  EXPECT_EQ(keys[1].end->size, TreeSize(9));
  ASSERT_TRUE(keys[2].end.has_value());
  EXPECT_TRUE(keys[2].end->revoked);
  EXPECT_EQ(keys[2].end->size, TreeSize(11));
  EXPECT_FALSE(keys[3].end.has_value());
  EXPECT_EQ(keys[4].key.type(), KeyType::kCosignature);
  EXPECT_EQ(keys[4].key.name(), "acme-cardio.example/ledger/node/n1");
}

TEST(KeyHistoryTest, IsWrittenAsItWasRead) {
  const json golden = ReadGolden("key_history.json");
  const std::string bytes = golden["opened"]["history"];
  const StatusOr<KeyHistory> history = ParseKeyHistory(bytes);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(history->older.size(), 2u);
  EXPECT_EQ(FormatKeyHistory(*history), bytes);
}

TEST(KeyHistoryTest, RefusesWhatItWouldNotWrite) {
  const std::string bytes = ReadGolden("key_history.json")["opened"]["history"];
  for (size_t cut = 0; cut < bytes.size(); cut += 211) {
    EXPECT_FALSE(ParseKeyHistory(bytes.substr(0, cut)).ok()) << cut;
  }
  for (const std::string& wrong :
       {"x" + bytes, "\n" + bytes, bytes + "x", std::string("anamnesis-key-history@v1\n"),
        std::string("anamnesis-key-history@v1\nleaf 1\n"),
        std::string("anamnesis-key-history@v1\nleaf 01\nAA==\n-\n\n"),
        std::string("anamnesis-key-history@v1\nolder\nAA==\n\n"), std::string("anamnesis-key-history@v1\ncheckpoint\n"),
        std::string(kKeyHistoryBytesMax + 1, 'a')}) {
    EXPECT_EQ(ParseKeyHistory(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong.substr(0, 60);
  }
}

// Any change of a byte is refused, or changes nothing of what the history says.
TEST(KeyHistoryTest, NoChangeOfAByteSaysSomethingElse) {
  const json golden = ReadGolden("key_history.json")["opened"];
  const std::string bytes = golden["history"];
  const std::vector<VerifierKey> trusted = Keys(golden["trusted"]);
  const StatusOr<KeyCustody> right = Judge(bytes, trusted);
  ASSERT_TRUE(right.ok()) << right.status();
  size_t refused = 0;
  for (size_t at = 0; at < bytes.size(); at += 7) {
    std::string changed = bytes;
    changed[at] ^= 1;
    const StatusOr<KeyCustody> judged = Judge(changed, trusted);
    if (!judged.ok()) {
      ++refused;
      continue;
    }
    EXPECT_EQ(judged->checkpoint(), right->checkpoint()) << at;
    ASSERT_EQ(judged->keys().size(), right->keys().size()) << at;
    for (size_t i = 0; i < right->keys().size(); ++i) {
      const KeyCustody::Key& a = judged->keys()[i];
      const KeyCustody::Key& b = right->keys()[i];
      EXPECT_EQ(a.key, b.key) << at;
      EXPECT_EQ(a.named_at, b.named_at) << at;
      ASSERT_EQ(a.end.has_value(), b.end.has_value()) << at;
      if (!a.end.has_value()) continue;
      EXPECT_EQ(a.end->leaf, b.end->leaf) << at;
      EXPECT_EQ(a.end->from, b.end->from) << at;
      EXPECT_EQ(a.end->size, b.end->size) << at;
      EXPECT_EQ(a.end->revoked, b.end->revoked) << at;
    }
  }
  EXPECT_GT(refused, bytes.size() / 7 * 8 / 10);
}

}  // namespace
}  // namespace anamnesis
