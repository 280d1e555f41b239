// The checkers and the faults of the simulation are worth something: each error that is planted in a driver, in etcd or
// in what the operator does is found within as many seeds as every test run looks at.

#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/simulation/cluster.h"

namespace anamnesis {
namespace {

constexpr uint64_t kSeeds = 200;
// Consequences are rarer: what is missing is mostly fetched from somebody.
constexpr uint64_t kSeedsForConsequences = 2000;

void ExpectFound(Planted planted, bool consequences_only = false) {
  for (uint64_t seed = 1; seed <= (consequences_only ? kSeedsForConsequences : kSeeds); ++seed) {
    SimulationOptions options;
    options.planted = planted;
    options.consequences_only = consequences_only;
    const std::string violation = Cluster(seed, options).Run();
    if (violation.empty()) continue;
    std::printf("found under seed %d: %s\n", static_cast<int>(seed), violation.c_str());
    return;
  }
  ADD_FAILURE() << "nothing found";
}

TEST(PlantedErrorTest, UnsyncedStaging) { ExpectFound(Planted::kUnsyncedStaging); }
TEST(PlantedErrorTest, ShownWhenDelivered) { ExpectFound(Planted::kShownWhenDelivered); }
TEST(PlantedErrorTest, SkippedRecord) { ExpectFound(Planted::kSkippedRecord); }
TEST(PlantedErrorTest, AppliedTwice) { ExpectFound(Planted::kAppliedTwice); }
TEST(PlantedErrorTest, CollectedEarly) { ExpectFound(Planted::kCollectedEarly); }
TEST(PlantedErrorTest, EmptyDiskReturns) { ExpectFound(Planted::kEmptyDiskReturns); }
TEST(PlantedErrorTest, ChangeTooEarly) { ExpectFound(Planted::kChangeTooEarly); }
TEST(PlantedErrorTest, VotersSwapped) { ExpectFound(Planted::kVotersSwapped); }
TEST(PlantedErrorTest, NotFenced) { ExpectFound(Planted::kNotFenced); }
TEST(PlantedErrorTest, NumbersForgotten) { ExpectFound(Planted::kNumbersForgotten); }
TEST(PlantedErrorTest, NoSessionCompared) { ExpectFound(Planted::kNoSessionCompared); }
TEST(PlantedErrorTest, NoMembersCompared) { ExpectFound(Planted::kNoMembersCompared); }
TEST(PlantedErrorTest, NoKeyCompared) { ExpectFound(Planted::kNoKeyCompared); }
TEST(PlantedErrorTest, TrimmedEarly) { ExpectFound(Planted::kTrimmedEarly); }
TEST(PlantedErrorTest, TrimsUnsaid) { ExpectFound(Planted::kTrimsUnsaid); }
TEST(PlantedErrorTest, ReadAtThePut) { ExpectFound(Planted::kReadAtThePut); }

// What they lead to, when nothing watches the causes. Swapped voters lead to nothing in thousands of seeds: those that
// left are still asked for what they hold.
TEST(PlantedErrorTest, ShownWhenDeliveredHasConsequences) { ExpectFound(Planted::kShownWhenDelivered, true); }
TEST(PlantedErrorTest, EmptyDiskReturnsHasConsequences) { ExpectFound(Planted::kEmptyDiskReturns, true); }
TEST(PlantedErrorTest, ChangeTooEarlyHasConsequences) { ExpectFound(Planted::kChangeTooEarly, true); }

}  // namespace
}  // namespace anamnesis
