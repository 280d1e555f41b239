#include "ledger/engine/staging.h"

#include "gtest/gtest.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

class StagingTest : public testing::Test {
 protected:
  std::unique_ptr<Store> store_ = MakeMemoryStore();
  Staging staging_{*store_};
};

TEST_F(StagingTest, KeepsWhatWasPutUntilItIsRemoved) {
  ASSERT_TRUE(staging_.Put({{{2, 1}, Sha256({"one"}), "one"}}).ok());
  ASSERT_TRUE(staging_.Put({{{1, 256}, Sha256({"two"}), "two"}}).ok());
  ASSERT_TRUE(staging_.Put({{{1, 7}, Sha256({""}), ""}}).ok());
  ASSERT_TRUE(staging_.Put({{{2, 1}, Sha256({"one"}), "one"}}).ok());
  const auto all = staging_.List();
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[0].name.session, 1u);
  EXPECT_EQ((*all)[0].name.number, 7u);
  EXPECT_EQ((*all)[0].size, 0u);
  EXPECT_EQ((*all)[1].name.number, 256u);
  EXPECT_EQ((*all)[2].digest, Sha256({"one"}));
  EXPECT_EQ(staging_.Get({1, 256})->value(), "two");
  EXPECT_FALSE(staging_.Get({1, 1})->has_value());
  ASSERT_TRUE(staging_.Remove({{1, 256}, {3, 1}}).ok());
  EXPECT_FALSE(staging_.Get({1, 256})->has_value());
  EXPECT_EQ(staging_.List()->size(), 2u);
}

TEST_F(StagingTest, DamagedBatchesAreReported) {
  ASSERT_TRUE(staging_.Put({{{1, 1}, Sha256({"batch"}), "batch"}}).ok());
  std::string key;
  std::string value;
  ASSERT_TRUE(store_
                  ->Scan(Family::kStaged, "", "",
                         [&](std::string_view found, std::string_view stored) {
                           key = found;
                           value = stored;
                           return true;
                         })
                  .ok());
  value.back() ^= 1;
  ASSERT_TRUE(store_->Write({{Family::kStaged, key, value}}, true).ok());
  EXPECT_EQ(staging_.Get({1, 1}).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(store_->Write({{Family::kStaged, "short", ""}}, true).ok());
  EXPECT_EQ(staging_.List().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StagingTest, TellsTheLastBatchThatWasApplied) {
  for (const uint64_t number : {1u, 2u, 300u}) {
    LedgerState state;
    state.origin = "test.example/ledger";
    const StatusOr<CommitBatch> commit = Apply(state, *store_, Revision(number), Batch(), {1, number});
    ASSERT_TRUE(commit.ok()) << commit.status();
    ASSERT_TRUE(store_->Write(commit->rows->rows(), true).ok());
  }
  const auto last = staging_.LastApplied();
  ASSERT_TRUE(last.ok()) << last.status();
  ASSERT_EQ(last->size(), 1u);
  EXPECT_EQ(last->front().session, 1u);
  EXPECT_EQ(last->front().number, 300u);
  EXPECT_TRUE(*staging_.IsApplied({1, 300}));
  EXPECT_TRUE(*staging_.IsApplied({1, 7}));
  EXPECT_FALSE(*staging_.IsApplied({1, 301}));
  EXPECT_FALSE(*staging_.IsApplied({2, 1}));
}

}  // namespace
}  // namespace anamnesis
