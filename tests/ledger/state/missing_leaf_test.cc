// A leaf that is missing is damage of the log, which no rebuild of the projections mends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/state/place_in_time.h"
#include "ledger/state/policies.h"
#include "ledger/state/projection_damage.h"
#include "tests/support/gate_world.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

void ExpectDamageOfTheLog(const Status& status, LeafIndex leaf) {
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(Text("leaf ", leaf.value)));
  EXPECT_THAT(std::string(status.message()), HasSubstr("is missing; run fsck"));
  EXPECT_FALSE(IsProjectionDamage(status));
}

TEST(MissingLeaf, IsNoDamageOfProjections) {
  GateWorld world(GateStory());
  Store& rows = world.ledger().rows();
  const LeafIndex policy = world.LeafOf("gate-policy");
  ASSERT_TRUE(PolicyInForce(rows, v1::PolicyAdopted::GATE).ok());
  ASSERT_TRUE(rows.Remove(Family::kLeaves, {LeafKey(policy)}).ok());
  ExpectDamageOfTheLog(PolicyInForce(rows, v1::PolicyAdopted::GATE).status(), policy);
  ExpectDamageOfTheLog(PlaceOf(rows, policy, world.ledger().size()).status(), policy);
}

}  // namespace
}  // namespace anamnesis
