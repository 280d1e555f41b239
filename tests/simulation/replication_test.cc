// Whole clusters under a seed. A run of other seeds, or of one that failed:
//   ANAMNESIS_SIMULATION_SEEDS=first-last   ANAMNESIS_SIMULATION_SEED=n

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "tests/simulation/cluster.h"

namespace anamnesis {
namespace {

constexpr uint64_t kSeeds = 200;

std::pair<uint64_t, uint64_t> Seeds() {
  if (const char* one = std::getenv("ANAMNESIS_SIMULATION_SEED")) {
    const uint64_t seed = std::strtoull(one, nullptr, 10);
    return {seed, seed};
  }
  if (const char* range = std::getenv("ANAMNESIS_SIMULATION_SEEDS")) {
    char* end = nullptr;
    const uint64_t first = std::strtoull(range, &end, 10);
    return {first, *end == '-' ? std::strtoull(end + 1, nullptr, 10) : first};
  }
  return {1, kSeeds};
}

void Add(Counts& all, const Counts& one) {
  const auto add = [&](uint64_t Counts::*count) { all.*count += one.*count; };
  for (uint64_t Counts::*count :
       {&Counts::ordered, &Counts::answered, &Counts::dropped, &Counts::unknown, &Counts::crashes, &Counts::sessions,
        &Counts::member_changes, &Counts::disks_lost, &Counts::catch_ups, &Counts::recoveries, &Counts::fetches,
        &Counts::stage_failures, &Counts::trims, &Counts::compactions, &Counts::compacted_watches, &Counts::reads,
        &Counts::events}) {
    add(count);
  }
}

TEST(ReplicationSimulationTest, HoldsUnderEverySeed) {
  const auto [first, last] = Seeds();
  Counts all;
  for (uint64_t seed = first; seed <= last; ++seed) {
    Cluster cluster(seed, SimulationOptions());
    const std::string violation = cluster.Run();
    EXPECT_EQ(violation, "") << "ANAMNESIS_SIMULATION_SEED=" << seed;
    Add(all, cluster.counts());
    if (::testing::Test::HasFailure()) break;
  }
  std::printf(
      "seeds %llu to %llu: %llu events, %llu ordered, %llu answered, %llu dropped (%llu unknown), %llu crashes, "
      "%llu sessions, %llu changes of members, %llu disks lost, %llu catch-ups, %llu recoveries, %llu fetches, "
      "%llu failed writes, %llu trims, %llu compactions, %llu compacted watches, %llu linearizable reads\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(last),
      static_cast<unsigned long long>(all.events), static_cast<unsigned long long>(all.ordered),
      static_cast<unsigned long long>(all.answered), static_cast<unsigned long long>(all.dropped),
      static_cast<unsigned long long>(all.unknown), static_cast<unsigned long long>(all.crashes),
      static_cast<unsigned long long>(all.sessions), static_cast<unsigned long long>(all.member_changes),
      static_cast<unsigned long long>(all.disks_lost), static_cast<unsigned long long>(all.catch_ups),
      static_cast<unsigned long long>(all.recoveries), static_cast<unsigned long long>(all.fetches),
      static_cast<unsigned long long>(all.stage_failures), static_cast<unsigned long long>(all.trims),
      static_cast<unsigned long long>(all.compactions), static_cast<unsigned long long>(all.compacted_watches),
      static_cast<unsigned long long>(all.reads));
  if (last - first + 1 >= kSeeds && !HasFailure()) {
    // It would hold for want of anything to hold against.
    EXPECT_GT(all.unknown, 0U);
    EXPECT_GT(all.member_changes, 0U);
    EXPECT_GT(all.disks_lost, 0U);
    EXPECT_GT(all.catch_ups, 0U);
    EXPECT_GT(all.recoveries, 0U);
    EXPECT_GT(all.fetches, 0U);
    EXPECT_GT(all.stage_failures, 0U);
    EXPECT_GT(all.trims, 0U);
    EXPECT_GT(all.compactions, 0U);
    EXPECT_GT(all.compacted_watches, 0U);
    EXPECT_GT(all.reads, 0U);
  }
}

TEST(ReplicationSimulationTest, RealLedgersHaveTheSameRoots) {
  const auto [first, last] = Seeds();
  for (uint64_t seed = first; seed <= last; seed += 10) {
    SimulationOptions options;
    options.ledger = true;
    EXPECT_EQ(Cluster(seed, options).Run(), "") << "ANAMNESIS_SIMULATION_SEED=" << seed;
  }
}

TEST(ReplicationSimulationTest, ASeedMakesTheSameRunAgain) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Cluster one(seed, SimulationOptions());
    Cluster other(seed, SimulationOptions());
    EXPECT_EQ(one.Run(), other.Run());
    EXPECT_EQ(one.history(), other.history());
    EXPECT_EQ(one.counts().events, other.counts().events);
  }
}

}  // namespace
}  // namespace anamnesis
