// Logs that lie, and logs that only look as if they did: what comparing them proves, and to whom.

#include "ledger/evidence/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ledger/evidence/judge.h"
#include "ledger/evidence/make.h"
#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/signed_note.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kOrigin[] = "log.example/one";

PrivateKey KeyOf(char fill) { return PrivateKey::FromSeed(std::string(32, fill)).value(); }

VerifierKey LogKey(char fill = 'l', const char* origin = kOrigin) {
  return VerifierKey::Make(origin, KeyType::kEd25519, KeyOf(fill).public_key()).value();
}

std::vector<std::string> LeavesUpTo(uint64_t size) {
  std::vector<std::string> leaves;
  for (uint64_t i = 0; i < size; ++i) leaves.push_back(Text("leaf ", i));
  return leaves;
}

// A log in memory that answers truthfully for the leaves it has.
class MemoryLog : public LogSource {
 public:
  explicit MemoryLog(std::vector<std::string> leaves, char key = 'l', const char* origin = kOrigin)
      : leaves_(std::move(leaves)), hashes_(HashesOf(leaves_)), reader_(hashes_), key_(key), origin_(origin) {}

  std::string NoteAt(uint64_t size) const {
    SignedNote note{FormatCheckpointText({origin_, TreeSize(size), RootOfLeafHashes(std::span(hashes_).first(size))}),
                    {}};
    note.signatures.push_back(SignNote(note.text, origin_, KeyOf(key_)));
    return FormatSignedNote(note);
  }
  StatusOr<std::string> Checkpoint() override { return NoteAt(leaves_.size()); }
  StatusOr<ProvenLeaf> LeafAt(LeafIndex index, TreeSize size) override {
    if (asked_++ >= silent_after_) return absl::UnavailableError("answers no more");
    if (index.value >= leaves_.size() || size.value > leaves_.size()) return absl::OutOfRangeError("no such leaf");
    ProvenLeaf proven{{"", NoteAt(size.value)}, leaves_[index.value], hashes_[index.value], {}};
    ASSIGN_OR_RETURN(proven.path, InclusionProof(reader_, index, size));
    if (lies_about_paths_) proven.path.back() = EmptyRoot();
    return proven;
  }
  std::vector<Digest> Proof(uint64_t from, uint64_t to) const {
    return ConsistencyProof(reader_, TreeSize(from), TreeSize(to)).value();
  }

  bool lies_about_paths_ = false;
  uint64_t asked_ = 0;
  uint64_t silent_after_ = UINT64_MAX;

 private:
  static std::vector<Digest> HashesOf(const std::vector<std::string>& leaves) {
    std::vector<Digest> hashes;
    for (const std::string& leaf : leaves) hashes.push_back(LeafHash(leaf));
    return hashes;
  }
  const std::vector<std::string> leaves_;
  const std::vector<Digest> hashes_;
  const MemoryNodeReader reader_;
  const char key_;
  const char* const origin_;
};

// The log of `size` leaves whose leaf `index` is another one.
MemoryLog Rewritten(uint64_t size, uint64_t index) {
  std::vector<std::string> leaves = LeavesUpTo(size);
  leaves[index] = "never happened";
  return MemoryLog(std::move(leaves));
}

TEST(CompareTest, TheFirstLeafThatDiffersIsFoundInLogarithmicallyManyQuestions) {
  const std::vector<VerifierKey> keys = {LogKey()};
  for (const uint64_t index : {0, 1, 2, 255, 256, 511, 512, 767, 998, 999}) {
    MemoryLog honest(LeavesUpTo(1000));
    for (const uint64_t size : {uint64_t{1000}, uint64_t{1024}, uint64_t{1777}}) {
      MemoryLog lying = Rewritten(size, index);
      const StatusOr<LogComparison> comparison = CompareLogs(honest, lying, keys);
      ASSERT_TRUE(comparison.ok()) << comparison.status();
      EXPECT_EQ(comparison->first_different, LeafIndex(index));
      EXPECT_LE(comparison->leaves_asked, 2u * 11);
      const StatusOr<Judgement> judgement = Judge(*comparison->evidence, keys);
      ASSERT_TRUE(judgement.ok()) << judgement.status();
      EXPECT_EQ(judgement->kind, "replaced-leaf");
      EXPECT_THAT(judgement->signed_by, ElementsAre(LogKey().Format()));
      EXPECT_THAT(judgement->proven.front(), HasSubstr(Text("leaf ", index, " is")));
    }
  }
}

TEST(CompareTest, WhoIsBehindIsNotGuilty) {
  const std::vector<VerifierKey> keys = {LogKey()};
  MemoryLog whole(LeavesUpTo(1000));
  for (const uint64_t size : {0, 1, 7, 256, 999, 1000}) {
    MemoryLog behind(LeavesUpTo(size));
    for (const auto& [one, other] : {std::pair(&whole, &behind), std::pair(&behind, &whole)}) {
      const StatusOr<LogComparison> comparison = CompareLogs(*one, *other, keys);
      ASSERT_TRUE(comparison.ok()) << comparison.status();
      EXPECT_FALSE(comparison->evidence.has_value());
      EXPECT_EQ(comparison->common, TreeSize(size));
    }
    // A note that was kept, and a source that continues it, or was restored from an older backup and says nothing else.
    for (const auto& [note, log] : {std::pair(behind.NoteAt(size), &whole), std::pair(whole.NoteAt(1000), &behind)}) {
      const StatusOr<LogComparison> comparison = CompareWithNote(note, *log, keys);
      ASSERT_TRUE(comparison.ok()) << comparison.status();
      EXPECT_FALSE(comparison->evidence.has_value());
      // Nothing of what is newer than the source was compared.
      const bool newer = comparison->one_size > comparison->other_size;
      EXPECT_EQ(comparison->common, newer ? TreeSize(0) : comparison->one_size);
    }
  }
}

// Shows the checkpoint of one tree and answers for another.
class TwoFacedLog : public LogSource {
 public:
  TwoFacedLog(MemoryLog shown, MemoryLog answers) : shown_(std::move(shown)), answers_(std::move(answers)) {}
  StatusOr<std::string> Checkpoint() override { return shown_.Checkpoint(); }
  StatusOr<ProvenLeaf> LeafAt(LeafIndex index, TreeSize size) override { return answers_.LeafAt(index, size); }

 private:
  MemoryLog shown_;
  MemoryLog answers_;
};

TEST(CompareTest, WhoShowsOneTreeAndAnswersForAnotherIsConvictedByThat) {
  const std::vector<VerifierKey> keys = {LogKey()};
  MemoryLog honest(LeavesUpTo(1000));
  for (const uint64_t size : {900, 1000, 1200}) {
    // What it answers with is the honest tree: so nothing else differs.
    TwoFacedLog lying(Rewritten(size, 5), MemoryLog(LeavesUpTo(size)));
    for (const StatusOr<LogComparison>& comparison :
         {CompareLogs(honest, lying, keys), CompareWithNote(honest.NoteAt(700), lying, keys)}) {
      ASSERT_TRUE(comparison.ok()) << comparison.status();
      ASSERT_TRUE(comparison->evidence.has_value()) << size;
      EXPECT_EQ(Judge(*comparison->evidence, keys)->kind, "split-view");
    }
  }
}

TEST(CompareTest, AReceiptIsHeldAgainstTheLeafThatIsProvenNow) {
  const std::vector<VerifierKey> keys = {LogKey()};
  MemoryLog honest(LeavesUpTo(1000));
  const LeafIndex index(5);
  const ProvenLeaf receipt = honest.LeafAt(index, TreeSize(700)).value();
  EXPECT_FALSE(CompareWithReceipt(index, receipt, honest, keys)->evidence.has_value());
  for (const uint64_t size : {6, 600, 700, 1000}) {
    MemoryLog lying = Rewritten(size, 5);
    const StatusOr<LogComparison> comparison = CompareWithReceipt(index, receipt, lying, keys);
    ASSERT_TRUE(comparison.ok()) << comparison.status();
    ASSERT_TRUE(comparison->evidence.has_value()) << size;
    EXPECT_EQ(Judge(*comparison->evidence, keys)->kind, "replaced-leaf");
  }
  // A leaf that the source only claims isn't the same leaf.
  MemoryLog garbled(LeavesUpTo(1000));
  garbled.lies_about_paths_ = true;
  EXPECT_FALSE(CompareWithReceipt(index, receipt, garbled, keys).ok());
  // Nor is a receipt that proves nothing worth a comparison.
  ProvenLeaf broken = receipt;
  broken.path.back() = EmptyRoot();
  EXPECT_TRUE(absl::IsUnauthenticated(CompareWithReceipt(index, broken, honest, keys).status()));
  // Shorter than the leaf, nothing is compared.
  MemoryLog behind(LeavesUpTo(4));
  const StatusOr<LogComparison> nothing = CompareWithReceipt(index, receipt, behind, keys);
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_EQ(nothing->common, TreeSize(0));
  EXPECT_EQ(nothing->leaves_asked, 0u);
}

TEST(CompareTest, WhoIsConvictedByTheRootsDoesNotGetAwayByAnsweringNoFurther) {
  const std::vector<VerifierKey> keys = {LogKey()};
  MemoryLog honest(LeavesUpTo(1000));
  const LeafIndex index(5);
  const ProvenLeaf receipt = honest.LeafAt(index, TreeSize(700)).value();
  for (const uint64_t size : {700, 1000}) {
    MemoryLog lying = Rewritten(size, 5);
    // The roots of trees of one size are compared without a question.
    lying.silent_after_ = size == 700 ? 0 : 1;
    const StatusOr<LogComparison> comparison = CompareWithReceipt(index, receipt, lying, keys);
    ASSERT_TRUE(comparison.ok()) << comparison.status();
    ASSERT_TRUE(comparison->evidence.has_value()) << size;
    EXPECT_EQ(Judge(*comparison->evidence, keys)->kind, size == 700 ? "split-view" : "rewritten-history");
  }
  // Who is convicted of nothing has not answered.
  honest.silent_after_ = honest.asked_;
  EXPECT_TRUE(absl::IsUnavailable(CompareWithReceipt(index, receipt, honest, keys).status()));
}

TEST(CompareTest, AKeptNoteConvictsALogThatRewroteWhatItIsOver) {
  const std::vector<VerifierKey> keys = {LogKey()};
  const MemoryLog honest(LeavesUpTo(1000));
  for (const uint64_t size : {6, 7, 8, 255, 256, 257, 700, 1000}) {
    MemoryLog lying = Rewritten(1000, 5);
    const StatusOr<LogComparison> comparison = CompareWithNote(honest.NoteAt(size), lying, keys);
    ASSERT_TRUE(comparison.ok()) << size << ": " << comparison.status();
    ASSERT_TRUE(comparison->evidence.has_value()) << size;
    const StatusOr<Judgement> judgement = Judge(*comparison->evidence, keys);
    ASSERT_TRUE(judgement.ok()) << judgement.status();
    EXPECT_EQ(judgement->kind, size == 1000 ? "split-view" : "rewritten-history");
  }
  // What came before the rewritten leaf is the same in both.
  MemoryLog lying = Rewritten(1000, 5);
  EXPECT_FALSE(CompareWithNote(honest.NoteAt(5), lying, keys)->evidence.has_value());
}

TEST(CompareTest, WhatASourceCannotProveIsAnErrorAndNoEvidence) {
  const std::vector<VerifierKey> keys = {LogKey()};
  MemoryLog honest(LeavesUpTo(1000));
  MemoryLog garbled = Rewritten(1000, 5);
  garbled.lies_about_paths_ = true;
  EXPECT_TRUE(absl::IsUnauthenticated(CompareLogs(honest, garbled, keys).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(CompareWithNote(honest.NoteAt(8), garbled, keys).status()));
  MemoryLog other_key(LeavesUpTo(9), 'x');
  EXPECT_TRUE(absl::IsUnauthenticated(CompareLogs(honest, other_key, keys).status()));
  MemoryLog other_log(LeavesUpTo(9), 'l', "other.example/log");
  const std::vector<VerifierKey> both = {LogKey(), LogKey('l', "other.example/log")};
  EXPECT_TRUE(absl::IsInvalidArgument(CompareLogs(honest, other_log, both).status()));
}

TEST(MakeTest, AProofThatFailsIsNoEvidenceButOneThatHoldsInTheNewTreeIs) {
  const std::vector<VerifierKey> keys = {LogKey()};
  const MemoryLog honest(LeavesUpTo(1000));
  const MemoryLog lying = Rewritten(1000, 5);
  const std::string older = honest.NoteAt(700);
  EXPECT_TRUE(MakeRewrittenHistory(older, lying.NoteAt(1000), lying.Proof(700, 1000), keys).ok());
  // The honest log's proof leads to its own root, not to the liar's; and any other to none.
  EXPECT_FALSE(MakeRewrittenHistory(older, lying.NoteAt(1000), honest.Proof(700, 1000), keys).ok());
  std::vector<Digest> bad = honest.Proof(700, 1000);
  bad.front() = EmptyRoot();
  EXPECT_FALSE(MakeRewrittenHistory(older, honest.NoteAt(1000), bad, keys).ok());
  EXPECT_FALSE(MakeRewrittenHistory(older, honest.NoteAt(1000), honest.Proof(700, 1000), keys).ok());
  // From a power of two RFC 6962's proof doesn't say what the new tree has there.
  EXPECT_FALSE(MakeRewrittenHistory(honest.NoteAt(512), lying.NoteAt(1000), lying.Proof(512, 1000), keys).ok());
}

TEST(MakeTest, ACosignerOfBothIsNamed) {
  const VerifierKey witness =
      VerifierKey::Make("witness.example/w", KeyType::kCosignature, KeyOf('w').public_key()).value();
  const std::vector<VerifierKey> keys = {LogKey(), witness};
  const auto cosigned = [](const std::string& note, bool by_witness) {
    SignedNote parsed = *ParseSignedNote(note);
    if (by_witness) parsed.signatures.push_back(Cosign(parsed.text, "witness.example/w", KeyOf('w'), 1'700'000'000));
    return FormatSignedNote(parsed);
  };
  const MemoryLog honest(LeavesUpTo(9));
  const MemoryLog lying = Rewritten(9, 5);
  for (const bool both : {false, true}) {
    const StatusOr<Evidence> evidence =
        MakeSplitView(cosigned(honest.NoteAt(9), true), cosigned(lying.NoteAt(9), both), keys);
    ASSERT_TRUE(evidence.ok());
    EXPECT_EQ(Judge(*evidence, keys)->cosigned_by.size(), both ? 1u : 0u);
  }
}

TEST(ParseTest, WhatIsNotAFileOfThisFormIsRefusedWithItsLine) {
  const MemoryLog honest(LeavesUpTo(9));
  const std::string file =
      FormatEvidence(*MakeSplitView(honest.NoteAt(9), Rewritten(9, 5).NoteAt(9), std::vector{LogKey()}));
  ASSERT_TRUE(ParseEvidence(file).ok());
  EXPECT_FALSE(ParseEvidence("").ok());
  EXPECT_FALSE(ParseEvidence(file + "\n").ok());
  EXPECT_FALSE(ParseEvidence(file.substr(0, file.size() - 1)).ok());
  EXPECT_FALSE(ParseEvidence(std::string(kEvidenceBytesMax + 1, 'x')).ok());
  EXPECT_THAT(std::string(MessageOf(ParseEvidence("anamnesis-evidence@v2\n").status())), HasSubstr("line 1"));
  EXPECT_THAT(std::string(MessageOf(ParseEvidence("anamnesis-evidence@v1\nhearsay\n").status())), HasSubstr("line 2"));
  // Another spelling of the same.
  std::string spelled = file;
  spelled.replace(spelled.find("|\n"), 2, "| \n");
  EXPECT_FALSE(ParseEvidence(spelled).ok());
}

}  // namespace
}  // namespace anamnesis
