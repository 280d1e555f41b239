// A purge that fails is tried again: by itself, and by whoever needs it done.

#include "ledger/engine/purger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ledger/state/erasures.h"
#include "ledger/store/store.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/support/forwarding_store.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

// A store that can't purge for a while.
class StubbornStore : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::atomic<int> failures = 0;
  std::atomic<int> purges = 0;

  Status Purge(Family family, const std::vector<std::string>& keys) override {
    ++purges;
    if (failures > 0) {
      --failures;
      return absl::ResourceExhaustedError("no space to rewrite a file");
    }
    return ForwardingStore::Purge(family, keys);
  }
};

// A store from which a staged batch can't be read for once, and that says how often one was asked for.
class StagedReads : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    if (family == Family::kStaged) {
      ++reads_;
      if (before_failure_-- == 0) return absl::InternalError("a file can't be read");
    }
    return ForwardingStore::Get(family, key);
  }
  void FailAfter(int reads) { before_failure_ = reads; }
  int Reads() const { return reads_; }

 private:
  mutable std::atomic<int> before_failure_ = -1;
  mutable std::atomic<int> reads_ = 0;
};

class PurgerTest : public testing::Test {
 protected:
  PurgerTest() {
    EXPECT_TRUE(ledger_.Append(ada_.Write(FoundingDrafts(ada_))).ok());
    EXPECT_TRUE(ledger_.Append(ada_.Write({EnrolByName("subject", kName)})).ok());
    EXPECT_TRUE(ledger_.Append(ada_.Write({EraseBodies({3})})).ok());
  }

  TestWriter ada_{"person", "ada", 1};
  TestLedger ledger_;
  StubbornStore store_{ledger_.rows()};
};

TEST_F(PurgerTest, WhoeverNeedsItDoneHasItTriedAgain) {
  store_.failures = 1;
  Purger purger(
      store_, [](const std::string&) {}, std::chrono::hours(1));
  while (store_.purges == 0) std::this_thread::yield();
  // The first one may have begun after it failed.
  Status finished = purger.Finish();
  if (!finished.ok()) finished = purger.Finish();
  EXPECT_TRUE(finished.ok()) << finished;
  EXPECT_GT(ReadErasing(store_)->purged, 0u);
}

TEST_F(PurgerTest, ItIsTriedAgainWithoutBeingAsked) {
  store_.failures = 3;
  const Purger purger(
      store_, [](const std::string&) {}, std::chrono::milliseconds(1));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (ReadErasing(store_)->purged == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GT(ReadErasing(store_)->purged, 0u);
}

// A batch holds bodies as long as somebody may still need it.
TEST_F(PurgerTest, ItIsDoneWhenNoBatchHoldsTheBodiesAnyMore) {
  ASSERT_TRUE(store_.Write({{Family::kStaged, "before", "a batch"}}, true).ok());
  std::vector<std::string> lines;
  Purger purger(
      store_, [&](const std::string& line) { lines.push_back(line); }, std::chrono::milliseconds(1));
  EXPECT_TRUE(absl::IsUnavailable(purger.Finish(std::chrono::milliseconds(20))));
  EXPECT_EQ(ReadErasing(store_)->purged, 0u);
  EXPECT_TRUE(ReadErasing(store_)->purge_is_due());
  // One that came later is not waited for.
  ASSERT_TRUE(store_.Write({{Family::kStaged, "later", "a batch"}}, true).ok());
  ASSERT_TRUE(store_.Remove(Family::kStaged, {"before"}).ok());
  EXPECT_TRUE(purger.Finish().ok());
  EXPECT_GT(ReadErasing(store_)->purged, 0u);
  EXPECT_FALSE(ReadErasing(store_)->purge_is_due());
  // Told once, however often it was looked.
  EXPECT_EQ(lines.size(), 2u);
}

// What is left to be looked for outlives a read that fails in the middle.
TEST_F(PurgerTest, ABatchThatCouldNotBeReadIsStillLookedFor) {
  StagedReads store(store_);
  ASSERT_TRUE(store.Write({{Family::kStaged, "1", "gone soon"}, {Family::kStaged, "2", "kept"}}, true).ok());
  Purger purger(
      store, [](const std::string&) {}, std::chrono::hours(1));
  EXPECT_TRUE(absl::IsUnavailable(purger.Finish(std::chrono::milliseconds(0))));
  ASSERT_TRUE(store.Remove(Family::kStaged, {"1"}).ok());
  store.FailAfter(1);
  EXPECT_EQ(purger.Finish(std::chrono::milliseconds(0)).code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(absl::IsUnavailable(purger.Finish(std::chrono::milliseconds(0))));
  EXPECT_EQ(ReadErasing(store)->purged, 0u);
  ASSERT_TRUE(store.Remove(Family::kStaged, {"2"}).ok());
  EXPECT_TRUE(purger.Finish().ok());
  EXPECT_GT(ReadErasing(store)->purged, 0u);
}

TEST_F(PurgerTest, OfManyBatchesTheFirstIsLookedFor) {
  StagedReads store(store_);
  Rows rows;
  for (int i = 0; i < 1000; ++i) rows.push_back({Family::kStaged, Text("batch ", i), "a batch"});
  ASSERT_TRUE(store.Write(rows, true).ok());
  Purger purger(
      store, [](const std::string&) {}, std::chrono::hours(1));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(absl::IsUnavailable(purger.Finish(std::chrono::milliseconds(0))));
  EXPECT_LE(store.Reads(), 20);
}

// A scrubber finds a body that was erased, and whose purge this process has done, on the disk again.
TEST_F(PurgerTest, WhatTurnsUpAgainIsPurgedAgain) {
  Purger purger(store_, [](const std::string&) {});
  ASSERT_TRUE(purger.Finish().ok());
  const uint64_t purged = ReadErasing(store_)->purged;
  const int before = store_.purges;
  ASSERT_TRUE(purger.EraseAgain([&] { return store_.Write({NotePurged(0)}, true); }).ok());
  ASSERT_TRUE(purger.Finish().ok());
  EXPECT_EQ(store_.purges, before + 2) << "the bodies' files, then those of staged batches";
  EXPECT_EQ(ReadErasing(store_)->purged, purged);
}

// Also when that comes while a purge is under way, which then has not removed it.
TEST_F(PurgerTest, WhatTurnsUpAgainDuringAPurgeIsPurgedAgain) {
  ASSERT_TRUE(store_.Write({{Family::kStaged, "kept", "a batch"}}, true).ok());
  Purger purger(
      store_, [](const std::string&) {}, std::chrono::milliseconds(1));
  EXPECT_TRUE(absl::IsUnavailable(purger.Finish(std::chrono::milliseconds(0))));
  const int before = store_.purges;
  ASSERT_TRUE(purger
                  .EraseAgain([&] {
                    RETURN_IF_ERROR(store_.Remove(Family::kStaged, {"kept"}));
                    // Time for the purge that waits for the batch to find it gone.
                    std::this_thread::sleep_for(std::chrono::milliseconds(20));
                    return store_.Write({NotePurged(0)}, true);
                  })
                  .ok());
  ASSERT_TRUE(purger.Finish().ok());
  EXPECT_GE(store_.purges, before + 2);
  EXPECT_GT(ReadErasing(store_)->purged, 0u);
}

TEST_F(PurgerTest, WhatIsErasedTwiceWasGoneFromTheFirstTimeOn) {
  {
    Purger purger(store_, [](const std::string&) {});
    ASSERT_TRUE(purger.Finish().ok());
  }
  const uint64_t purged = ReadErasing(store_)->purged;
  ASSERT_TRUE(ledger_.Append(ada_.Write({EraseBodies({3})})).ok());
  EXPECT_EQ(**FindErasure(store_, LeafIndex(3)), LeafIndex(purged - 1));
}

}  // namespace
}  // namespace anamnesis
