// What fsck computes a projection from: the rows as they were before an event.

#include "ledger/engine/fsck_projections.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ledger/state/edges.h"
#include "ledger/state/last_counting.h"
#include "ledger/store/store.h"
#include "tests/support/projected_history.h"

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

TEST(EarlierRowsOfAHistory, ASearchFindsWhatIsBelowAnEventAndNothingAboveIt) {
  ProjectedHistory history;
  while (history.size().value < 255) (void)history.Add(ReferToDocument("d"));
  // Of leaf 256 the index ends in a zero byte.
  for (int i = 0; i < 4; ++i) (void)history.Add(Activate("ICU-7", "s", "m"));
  v1::EntityRef unit;
  unit.set_kind("device_unit");
  unit.set_id("ICU-7");
  const std::string prefix = TypedEdgesPrefix(unit, "artifact.activated");
  EarlierRows rows(history.rows());
  const auto last = [&](uint64_t first_unseen, uint64_t below) {
    rows.set_first_unseen(first_unseen);
    const auto accept = [&](const LoadedEvent& event) { return event.index.value < below; };
    const StatusOr<std::optional<LeafIndex>> found =
        LastCounting(rows, prefix, prefix + std::string(16, '\xff'), TreeSize(UINT64_MAX), accept);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : std::nullopt;
  };
  EXPECT_EQ(last(259, 259), LeafIndex(258));
  EXPECT_EQ(last(257, 259), LeafIndex(256)) << "what comes later is not there yet";
  EXPECT_EQ(last(257, 256), LeafIndex(255));
  EXPECT_EQ(last(256, 259), LeafIndex(255));
  EXPECT_EQ(last(255, 259), std::nullopt);
}

}  // namespace
}  // namespace anamnesis
