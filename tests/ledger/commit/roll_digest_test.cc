// The digest that nodes compare: pinned, and a function of everything that a batch writes.

#include "ledger/commit/roll_digest.h"

#include <gtest/gtest.h>

#include <set>

#include "anamnesis/internal/state.pb.h"
#include "ledger/crypto/sha256.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

const Rows kRows = {{Family::kStreams, "stream", "head"}, {Family::kMeta, "note", ""}};
const StateDigest kNext = {Revision(7), {}, TreeSize(3), Sha256("root")};
const Timestamp kRecorded(1742036400000000);

// Whoever changes this makes nodes of two releases take each other for broken.
TEST(RollDigestTest, IsPinned) {
  const std::string bytes = std::string("anamnesis.state-digest.v1\0", 26) + Sha256("before").bytes() +
                            HexDecode(
                                "0000000000000007"
                                "0000000000000003")
                                .value() +
                            Sha256("root").bytes() + HexDecode("8006305f74cecc00").value() +
                            HexDecode("00000007").value() + "streams" + HexDecode("00000006").value() + "stream" +
                            HexDecode("00000004").value() + "head" + HexDecode("00000004").value() + "meta" +
                            HexDecode("00000004").value() + "note" + HexDecode("00000000").value();
  EXPECT_EQ(RollDigest(Sha256("before"), kNext, kRecorded, kRows).hex(), Sha256(bytes).hex());
}

TEST(RollDigestTest, DependsOnEverything) {
  std::set<Digest> seen;
  const auto differs = [&](const Digest& digest) { EXPECT_TRUE(seen.insert(digest).second); };
  const Digest before = Sha256("before");
  differs(RollDigest(before, kNext, kRecorded, kRows));
  differs(RollDigest(Sha256("other"), kNext, kRecorded, kRows));
  differs(RollDigest(before, kNext, Timestamp(1), kRows));
  for (int field = 0; field < 3; ++field) {
    StateDigest next = kNext;
    if (field == 0) next.revision = Revision(8);
    if (field == 1) next.size = TreeSize(4);
    if (field == 2) next.root = Sha256("other");
    differs(RollDigest(before, next, kRecorded, kRows));
  }
  for (int change = 0; change < 4; ++change) {
    Rows rows = kRows;
    if (change == 0) rows[0].family = Family::kEdges;
    if (change == 1) rows[0].key = "streamh", rows[0].value = "ead";
    if (change == 2) rows[0].value = "tail";
    if (change == 3) rows.pop_back();
    differs(RollDigest(before, kNext, kRecorded, rows));
  }
  // What the root says is not hashed twice.
  Rows rows = kRows;
  rows.push_back({Family::kLeaves, "key", "leaf"});
  EXPECT_EQ(RollDigest(before, kNext, kRecorded, rows), RollDigest(before, kNext, kRecorded, kRows));
}

TEST(RollDigestTest, ManyRowsAreHashedAsTheyCome) {
  Rows rows;
  for (int i = 0; i < 3000; ++i) rows.push_back({Family::kEdges, Text("key ", i), std::string(20, 'x')});
  std::string all(std::string("anamnesis.state-digest.v1\0", 26) + Digest().bytes());
  AppendBigEndian64(all, kNext.revision.value);
  AppendBigEndian64(all, kNext.size.value);
  all += kNext.root.bytes();
  AppendOrdered64(all, kRecorded.us);
  for (const Row& row : rows) {
    for (std::string_view piece : {FamilyName(row.family), std::string_view(row.key), std::string_view(row.value)}) {
      AppendBigEndian32(all, static_cast<uint32_t>(piece.size()));
      all += piece;
    }
  }
  EXPECT_EQ(RollDigest(Digest(), kNext, kRecorded, rows), Sha256(all));
}

// --- As applied ---

internal::AppliedState AppliedOf(TestLedger& ledger) {
  internal::AppliedState applied;
  EXPECT_TRUE(applied.ParseFromString(ledger.rows().Get(Family::kMeta, kAppliedKey)->value()));
  return applied;
}

TEST(AppliedDigestTest, TheSameEverywhereAndKept) {
  TestWriter admin("person", "admin", 1);
  const v1::Run founding = admin.Write(FoundingDrafts(admin));
  const v1::Run more = admin.Write({ReferToDocument("a"), EnrolPerson("b")});
  TestLedger one;
  TestLedger two;
  for (const v1::Run* run : {&founding, &more}) {
    ASSERT_TRUE(one.Append(*run).ok());
    ASSERT_TRUE(two.Append(*run).ok());
    EXPECT_EQ(AppliedOf(one).SerializeAsString(), AppliedOf(two).SerializeAsString());
  }
  EXPECT_EQ(AppliedOf(one).digest_revision(), AppliedOf(one).revision());
  EXPECT_EQ(AppliedOf(one).state_digest(), one.state().digest.digest.bytes());
  EXPECT_EQ(one.state().digest.size, one.size());
}

TEST(AppliedDigestTest, NothingOrderedLeavesItAlone) {
  TestWriter admin("person", "admin", 1);
  TestLedger ledger;
  ASSERT_TRUE(ledger.Append(admin.Write(FoundingDrafts(admin))).ok());
  const internal::AppliedState before = AppliedOf(ledger);
  ledger.Commit(Batch());
  const internal::AppliedState after = AppliedOf(ledger);
  EXPECT_GT(after.revision(), before.revision());
  EXPECT_EQ(after.state_digest(), before.state_digest());
  EXPECT_EQ(after.digest_revision(), before.digest_revision());
}

// A row that is wrong here and read by a later batch.
TEST(AppliedDigestTest, ADifferenceInAProjectionShowsAndStays) {
  TestWriter admin("person", "admin", 1);
  TestLedger good;
  TestLedger bad;
  const v1::Run founding = admin.Write(FoundingDrafts(admin));
  ASSERT_TRUE(good.Append(founding).ok());
  ASSERT_TRUE(bad.Append(founding).ok());
  const auto lists = AllRows(bad.rows());
  for (const auto& [family, key, value] : lists) {
    if (family == Family::kTypeEvents) {
      ASSERT_TRUE(bad.rows().Write({{family, key, value + value}}, true).ok());
    }
  }
  EXPECT_EQ(AppliedOf(good).state_digest(), AppliedOf(bad).state_digest());
  for (int i = 0; i < 3; ++i) {
    const v1::Run run = admin.Write({i == 0 ? EnrolPerson("p") : ReferToDocument("d")});
    ASSERT_TRUE(good.Append(run).ok());
    ASSERT_TRUE(bad.Append(run).ok());
    EXPECT_NE(AppliedOf(good).state_digest(), AppliedOf(bad).state_digest());
    EXPECT_EQ(AppliedOf(good).root(), AppliedOf(bad).root());
  }
}

}  // namespace
}  // namespace anamnesis
