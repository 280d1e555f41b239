#include "client/cpp/receipt_check.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ledger/custody/key_history.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using nlohmann::json;

std::vector<VerifierKey> Keys(const json& texts) {
  std::vector<VerifierKey> keys;
  for (const json& text : texts) keys.push_back(VerifierKey::Parse(text.get<std::string>()).value());
  return keys;
}

// With the keys, or the policy where there is one, and the history.
Trust TrustOf(const json& keys, const std::string& policy, const std::string& history) {
  Trust trust;
  if (policy.empty()) {
    trust.keys = Keys(keys);
  } else {
    trust.policy = Policy::Parse(policy).value();
  }
  const KeyHistory parsed = ParseKeyHistory(history).value();
  trust.custody = std::make_shared<const KeyCustody>(KeyCustody::Judge(parsed, trust.LogKeys()).value());
  return trust;
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

// Whether a key counts is the history's to say for a COSE receipt as for a note (tests/golden/key_history.py).
TEST(ReceiptCheckTest, CoseReceiptsUnderAKeyHistory) {
  const json golden = ReadGolden("key_history.json")["opened"];
  ASSERT_GT(golden["receipts"].size(), 12u);
  for (const json& one : golden["receipts"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const Trust trust = TrustOf(one["trusted"], one["policy"], golden["history"]);
    const StatusOr<CheckedReceipt> checked =
        CheckReceipt(ReceiptForm::kCose, Bytes(one["receipt"]), Bytes(one["leaf"]), std::nullopt, trust);
    ExpectVerdict(checked.status(), one["because"]);
    if (checked.ok()) {
      EXPECT_EQ(checked->index, LeafIndex(2));
    }
  }
}

TEST(ReceiptCheckTest, NotesUnderAKeyHistory) {
  const json golden = ReadGolden("key_history.json")["opened"];
  for (const json& one : golden["notes"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const Trust trust = TrustOf(golden["trusted"], one["policy"], golden["history"]);
    EXPECT_EQ(trust.Open(one["note"].get<std::string>()).ok(), one["because"].get<std::string>().empty());
  }
}

}  // namespace
}  // namespace anamnesis
