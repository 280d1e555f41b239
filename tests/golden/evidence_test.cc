// evidence.json: files that prove an equivocation and files that look alike, made by another program.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "ledger/evidence/judge.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using nlohmann::json;

std::vector<std::string> Strings(const json& list) { return list.get<std::vector<std::string>>(); }

std::vector<VerifierKey> Trusted(const json& item) {
  std::vector<VerifierKey> keys;
  for (const std::string& text : Strings(item["trusted"])) keys.push_back(VerifierKey::Parse(text).value());
  return keys;
}

TEST(GoldenEvidenceTest, EveryFileIsJudgedAsItShouldBe) {
  const json golden = ReadGolden("evidence.json");
  int proven = 0;
  std::set<std::string> kinds;
  for (const json& item : golden["cases"]) {
    const std::string name = item["name"].get<std::string>();
    const std::string text = item["text"].get<std::string>();
    const StatusOr<Evidence> evidence = ParseEvidence(text);
    ASSERT_TRUE(evidence.ok()) << name << ": " << evidence.status();
    EXPECT_EQ(FormatEvidence(*evidence), text) << name;
    EXPECT_EQ(EvidenceKind(*evidence), item["kind"].get<std::string>()) << name;
    const StatusOr<Judgement> judgement = JudgeFile(text, Trusted(item));
    ASSERT_EQ(judgement.ok(), item["proven"].get<bool>()) << name << ": " << judgement.status();
    if (!judgement.ok()) continue;
    ++proven;
    kinds.insert(judgement->kind);
    EXPECT_EQ(judgement->signed_by, Strings(item["signed_by"])) << name;
    EXPECT_EQ(judgement->cosigned_by, Strings(item["cosigned_by"])) << name;
    EXPECT_FALSE(judgement->proven.empty()) << name;
    EXPECT_FALSE(judgement->not_proven.empty()) << name;
  }
  EXPECT_GE(proven, 10);
  EXPECT_EQ(kinds.size(), 4u);
}

// A byte can be another one only where it doesn't matter: in the signature of somebody whom nobody asked about, for
// instance.
TEST(GoldenEvidenceTest, AChangedByteLeavesTheStatementTrueOrFails) {
  const json golden = ReadGolden("evidence.json");
  for (const json& item : golden["cases"]) {
    if (!item["proven"].get<bool>()) continue;
    const std::vector<VerifierKey> keys = Trusted(item);
    const std::string text = item["text"].get<std::string>();
    const Judgement whole = JudgeFile(text, keys).value();
    for (size_t i = 0; i < text.size(); ++i) {
      for (const int change : {0x01, 0x02, 0x20, 0x80}) {
        std::string changed = text;
        changed[i] = static_cast<char>(changed[i] ^ change);
        const StatusOr<Judgement> judgement = JudgeFile(changed, keys);
        if (!judgement.ok()) continue;
        EXPECT_EQ(judgement->kind, whole.kind);
        EXPECT_EQ(judgement->signed_by, whole.signed_by);
        EXPECT_EQ(judgement->proven.front(), whole.proven.front()) << item["name"] << " at " << i;
      }
      std::string cut = text;
      cut.erase(i, 1);
      const StatusOr<Judgement> judgement = JudgeFile(cut, keys);
      if (judgement.ok()) {
        EXPECT_EQ(judgement->proven.front(), whole.proven.front()) << item["name"] << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace anamnesis
