#include "ledger/state/remembered_rows.h"

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/store/store.h"
#include "tests/support/counting_rows.h"

namespace anamnesis {
namespace {

class RememberedRowsTest : public testing::Test {
 protected:
  RememberedRowsTest() {
    EXPECT_TRUE(
        store_->Write({{Family::kMeta, "a", "1"}, {Family::kEdges, "a", "2"}, {Family::kMeta, "empty", ""}}, false)
            .ok());
  }
  std::optional<std::string> Get(Family family, std::string_view key) const { return rows_.Get(family, key).value(); }

  std::unique_ptr<Store> store_ = MakeMemoryStore();
  CountingRows counted_{*store_};
  RememberedRows rows_{counted_};
};

TEST_F(RememberedRowsTest, ARowIsReadOnceWhetherItIsThereOrNot) {
  for (int time = 0; time < 3; ++time) {
    EXPECT_EQ(Get(Family::kMeta, "a"), "1");
    EXPECT_EQ(Get(Family::kEdges, "a"), "2");
    EXPECT_EQ(Get(Family::kMeta, "empty"), "");
    EXPECT_EQ(Get(Family::kMeta, "b"), std::nullopt);
    EXPECT_EQ(Get(Family::kEdges, "b"), std::nullopt);
    EXPECT_EQ(counted_.count(), 5U);
  }
}

TEST_F(RememberedRowsTest, TheLastRowsAreAskedForEachTime) {
  for (int time = 0; time < 2; ++time) EXPECT_EQ(rows_.LastAtOrBefore(Family::kMeta, "a", "b").value()->value, "1");
  EXPECT_EQ(counted_.count(), 2U);
}

TEST_F(RememberedRowsTest, ForgetsAllBeforeItTakesMuchMemory) {
  EXPECT_TRUE(store_->Write({{Family::kBodies, "large", std::string(18u << 20, 'x')}}, false).ok());
  EXPECT_EQ(Get(Family::kMeta, "a"), "1");
  EXPECT_EQ(Get(Family::kBodies, "large")->size(), 18u << 20);
  EXPECT_EQ(Get(Family::kMeta, "b"), std::nullopt);
  EXPECT_EQ(counted_.count(), 3U);
  EXPECT_EQ(Get(Family::kMeta, "a"), "1");
  EXPECT_EQ(Get(Family::kMeta, "a"), "1");
  EXPECT_EQ(counted_.count(), 4U);
}

}  // namespace
}  // namespace anamnesis
