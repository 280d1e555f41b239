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
  EXPECT_GT(*PurgedUpTo(store_), 0u);
}

TEST_F(PurgerTest, ItIsTriedAgainWithoutBeingAsked) {
  store_.failures = 3;
  const Purger purger(
      store_, [](const std::string&) {}, std::chrono::milliseconds(1));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (*PurgedUpTo(store_) == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GT(*PurgedUpTo(store_), 0u);
}

// A batch holds bodies as long as somebody may still need it.
TEST_F(PurgerTest, ItIsDoneWhenNoBatchHoldsTheBodiesAnyMore) {
  ASSERT_TRUE(store_.Write({{Family::kStaged, "before", "a batch"}}, true).ok());
  std::vector<std::string> lines;
  Purger purger(
      store_, [&](const std::string& line) { lines.push_back(line); }, std::chrono::milliseconds(1));
  EXPECT_TRUE(absl::IsUnavailable(purger.Finish(std::chrono::milliseconds(20))));
  EXPECT_EQ(*PurgedUpTo(store_), 0u);
  EXPECT_TRUE(*PurgeIsDue(store_));
  // One that came later is not waited for.
  ASSERT_TRUE(store_.Write({{Family::kStaged, "later", "a batch"}}, true).ok());
  ASSERT_TRUE(store_.Remove(Family::kStaged, {"before"}).ok());
  EXPECT_TRUE(purger.Finish().ok());
  EXPECT_GT(*PurgedUpTo(store_), 0u);
  EXPECT_FALSE(*PurgeIsDue(store_));
  // Told once, however often it was looked.
  EXPECT_EQ(lines.size(), 2u);
}

TEST_F(PurgerTest, WhatIsErasedTwiceWasGoneFromTheFirstTimeOn) {
  {
    Purger purger(store_, [](const std::string&) {});
    ASSERT_TRUE(purger.Finish().ok());
  }
  const uint64_t purged = *PurgedUpTo(store_);
  ASSERT_TRUE(ledger_.Append(ada_.Write({EraseBodies({3})})).ok());
  EXPECT_EQ(**FindErasure(store_, LeafIndex(3)), LeafIndex(purged - 1));
}

}  // namespace
}  // namespace anamnesis
