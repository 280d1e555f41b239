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

#include "ledger/store/store.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

// A store that can't purge for a while.
class StubbornStore : public Store {
 public:
  explicit StubbornStore(Store& store) : store_(store) {}
  std::atomic<int> failures = 0;
  std::atomic<int> purges = 0;

  Status Purge(Family family, const std::vector<std::string>& keys) override {
    ++purges;
    if (failures > 0) {
      --failures;
      return absl::ResourceExhaustedError("no space to rewrite a file");
    }
    return store_.Purge(family, keys);
  }
  Status Write(const Rows& rows, bool durable) override { return store_.Write(rows, durable); }
  Status Remove(Family family, const std::vector<std::string>& keys) override { return store_.Remove(family, keys); }
  std::unique_ptr<RowReader> View() const override { return store_.View(); }
  Status TryResume() override { return store_.TryResume(); }
  Status ClearProjections() override { return store_.ClearProjections(); }
  Status BulkLoad(Family family, std::vector<const Row*> rows) override {
    return store_.BulkLoad(family, std::move(rows));
  }
  Status Flush() override { return store_.Flush(); }
  Status VerifyChecksums() override { return store_.VerifyChecksums(); }
  StatusOr<uint32_t> BackUp(const std::string& dir, const std::string& note,
                            const std::function<bool()>& go_on) override {
    return store_.BackUp(dir, note, go_on);
  }
  uint64_t FreeBytes() const override { return store_.FreeBytes(); }
  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    return store_.Get(family, key);
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    return store_.LastAtOrBefore(family, prefix, key);
  }
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    return store_.Scan(family, prefix, from, visit);
  }
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override {
    return store_.ScanBackwards(family, prefix, from, visit);
  }

 private:
  Store& store_;
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

}  // namespace
}  // namespace anamnesis
