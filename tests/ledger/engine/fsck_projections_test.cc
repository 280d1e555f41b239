// What fsck sees of the stored rows when it computes those of one event: those of the events before it, all of them.

#include "ledger/engine/fsck_projections.h"

#include <gtest/gtest.h>

#include "ledger/state/edges.h"
#include "ledger/state/last_counting.h"
#include "tests/support/projected_history.h"

namespace anamnesis {
namespace {

TEST(EarlierRowsTest, ASearchFindsWhatIsBelowAnEventAndNothingAboveIt) {
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
