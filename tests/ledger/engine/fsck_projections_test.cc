// What fsck computes a projection from: the rows as they were before an event.

#include "ledger/engine/fsck_projections.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ledger/store/store.h"

namespace anamnesis {
namespace {

class EarlierRowsTest : public testing::Test {
 protected:
  std::string Edge(const std::string& version, uint64_t index) {
    return Text("d", version, '\0', LeafKey(LeafIndex(index)));
  }
  void Put(const std::string& key) { ASSERT_TRUE(store_->Write({{Family::kEdges, key, ""}}, false).ok()); }
  std::string Last(const std::string& prefix, const std::string& key) {
    const auto row = earlier_.LastAtOrBefore(Family::kEdges, prefix, key);
    EXPECT_TRUE(row.ok()) << row.status();
    return row.ok() && row->has_value() ? (*row)->key : "";
  }

  std::unique_ptr<Store> store_ = MakeMemoryStore();
  EarlierRows earlier_{*store_};
};

// Who goes on below a row whose index ends with a zero byte asks with a key that is a byte shorter.
TEST_F(EarlierRowsTest, FindsWhatIsBelowAMultipleOf256) {
  Put(Edge("1", 5));
  Put(Edge("1", 256));
  earlier_.set_first_unseen(300);
  EXPECT_EQ(Last(Text("d1", '\0'), Edge("1", 299)), Edge("1", 256));
  std::string below = Edge("1", 256);
  below.pop_back();
  EXPECT_EQ(Last(Text("d1", '\0'), below), Edge("1", 5));
}

TEST_F(EarlierRowsTest, SeesNothingOfLaterEventsWhateverComesBeforeTheIndex) {
  Put(Edge("1", 5));
  Put(Edge("1", 400));
  Put(Edge("2", 300));
  Put(Edge("3", 299));
  const std::string whatever(16, '\xff');
  earlier_.set_first_unseen(300);
  EXPECT_EQ(Last("d", "d" + whatever), Edge("3", 299));
  earlier_.set_first_unseen(299);
  EXPECT_EQ(Last("d", "d" + whatever), Edge("1", 5));
  earlier_.set_first_unseen(5);
  EXPECT_EQ(Last("d", "d" + whatever), "");
  earlier_.set_first_unseen(0);
  EXPECT_EQ(Last("d", "d" + whatever), "");
}

}  // namespace
}  // namespace anamnesis
