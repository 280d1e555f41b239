// Erasure as the law means it: the bytes are gone from every file, everything else still verifies (domain D10; GDPR
// 17).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "ledger/engine/fsck.h"
#include "ledger/engine/rebuild.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ErasureTest : public testing::Test {
 protected:
  std::vector<std::string> FilesHolding(std::string_view bytes) const {
    return anamnesis::FilesHolding(dir_.path(), bytes);
  }

  FsckReport Check() const {
    const auto report = Fsck(dir_.path(), {});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(FsckReport());
  }

  ScratchDirectory dir_;
};

TEST_F(ErasureTest, TheBytesAreGoneFromEveryFileAndProofsStillVerify) {
  LedgerMaker maker(dir_.path());
  const uint64_t subject = maker.ledger().tree_size();
  maker.Append(maker.admin().Write({EnrolByName("subject", kName), EnrolByName("other", "Somebody Else-Entirely")}));
  // In a table file and, a second time written, in the log.
  maker.GrowTo(150);
  maker.Close();
  ASSERT_THAT(FilesHolding(kName), testing::Not(IsEmpty()));
  maker.Open();
  v1::GetReceiptRequest ask;
  ask.set_index(subject);
  const StatusOr<v1::Receipt> before = maker.ledger().GetReceipt(ask);
  ASSERT_TRUE(before.ok()) << before.status();
  const std::string root = maker.ledger().GetStatus().root();

  maker.Append(maker.admin().Write({EraseBodies({subject})}));
  ASSERT_TRUE(maker.ledger().FinishErasures().ok());
  EXPECT_THAT(FilesHolding(kName), IsEmpty());
  EXPECT_THAT(FilesHolding("Somebody Else-Entirely"), testing::Not(IsEmpty()));

  v1::GetEventRequest get;
  get.set_index(subject);
  const StatusOr<v1::Event> event = maker.ledger().GetEvent(get);
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->body_state(), v1::BODY_ERASED);
  EXPECT_FALSE(event->has_body());
  const StatusOr<v1::Receipt> after = maker.ledger().GetReceipt(ask);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_NE(maker.ledger().GetStatus().root(), root);
  maker.Close();

  const FsckReport report = Check();
  EXPECT_TRUE(report.ok()) << report.problems.front().what;
  EXPECT_EQ(report.erased_bodies, 1u);
  EXPECT_THAT(FilesHolding(kName), IsEmpty());
}

TEST_F(ErasureTest, WhatIsRebuiltAfterwardsIsWhatWasBefore) {
  LedgerMaker maker(dir_.path());
  const uint64_t subject = maker.ledger().tree_size();
  maker.Append(maker.admin().Write({EnrolByName("subject", kName)}));
  maker.GrowTo(100);
  maker.Append(maker.admin().Write({EraseBodies({subject})}));
  ASSERT_TRUE(maker.ledger().FinishErasures().ok());
  maker.Close();
  const StoredLedger before = StoredLedger::Read(dir_.path());
  {
    const auto store = OpenRocksStore(DatabasePath(dir_.path()), {});
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(RebuildProjections(
                    **store, TreeSize(before.KeysOf(Family::kLeaves).size()), [](uint64_t) {}, 64)
                    .ok());
  }
  const StoredLedger after = StoredLedger::Read(dir_.path());
  for (const Family family : kProjectionFamilies) {
    for (const auto& key : before.KeysOf(family)) {
      ASSERT_TRUE(after.rows.contains(key)) << FamilyName(family);
      EXPECT_EQ(after.rows.at(key), before.rows.at(key)) << FamilyName(family);
    }
    EXPECT_EQ(after.KeysOf(family).size(), before.KeysOf(family).size()) << FamilyName(family);
  }
}

TEST_F(ErasureTest, OnlyPersonalBodiesCanBeErased) {
  LedgerMaker maker(dir_.path());
  v1::AppendRequest request;
  // Leaf 1 is the founder's credential.issued, which is kept for ever.
  *request.add_runs() = maker.admin().Write({EraseBodies({1})});
  const StatusOr<v1::AppendResponse> response = maker.ledger().Append(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->results(0).refused().message(), HasSubstr("leaf 1 is a credential.issued, which is kept"));
}

TEST_F(ErasureTest, ABodyThatNobodyErasedIsMissedAndOneThatStayedIsFound) {
  LedgerMaker maker(dir_.path());
  const uint64_t subject = maker.ledger().tree_size();
  maker.Append(maker.admin().Write({EnrolByName("subject", kName), EnrolByName("other", "Somebody Else-Entirely")}));
  maker.Append(maker.admin().Write({EraseBodies({subject})}));
  maker.Close();
  StoredLedger damaged = StoredLedger::Read(dir_.path());
  damaged.rows.erase({Family::kBodies, LeafKey(LeafIndex(subject + 1))});
  ScratchDirectory copy;
  damaged.Write(copy.path());
  const auto lost = Fsck(copy.path(), {});
  ASSERT_TRUE(lost.ok()) << lost.status();
  ASSERT_FALSE(lost->ok());
  EXPECT_THAT(lost->problems.front().what, HasSubstr("its body is missing, and no event erased it"));
  EXPECT_EQ(lost->first_wrong_leaf, LeafIndex(subject + 1));
}

}  // namespace
}  // namespace anamnesis
