// A decision of the gate in ledgers of 10^4, 10^5 and 10^6 events: a fleet whose units adapt the same item all the
// time, so that the records of item, envelope, unit and risk control grow with the ledger. For each size p50 and p99 of
// a decision that allows. ANAMNESIS_BENCH_EVENTS (default 1,000,000) is the largest size.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ledger/base/check.h"
#include "ledger/store/store.h"
#include "tests/ledger/gate/gate_story.h"
#include "tests/support/gate_world.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

constexpr uint64_t kUnits = 1000;

uint64_t LargestWanted() {
  const char* text = ::getenv("ANAMNESIS_BENCH_EVENTS");
  return text == nullptr ? 1'000'000 : std::stoull(text);
}

// The story of gate_world.h in a store on disk, and then the life of a fleet.
class Fleet {
 public:
  Fleet() {
    StoreOptions options;
    options.create_if_missing = true;
    auto store = OpenRocksStore(scratch_.path() + "/db", options);
    CHECK(store.ok());
    world_ = std::make_unique<GateWorld>(GateStory(), std::make_unique<TestLedger>(*std::move(store)));
    CHECK(world_->refused().empty());
  }

  void GrowTo(uint64_t size) {
    while (world_->ledger().size().value < size) Adapt();
  }
  const GateWorld& world() const { return *world_; }

 private:
  // Some hundred adaptations of units, most of them of others than the one that is asked about.
  void Adapt() {
    std::map<std::string, std::vector<EventDraft>> made;
    std::vector<EventDraft> activated;
    for (int i = 0; i < 400; ++i) {
      const std::string version = Text("f", ++made_);
      const std::string unit = Text("F-", made_ % kUnits);
      std::vector<Step> steps =
          AdaptationSteps({.version = version, .unit = unit, .substrate = SubstrateDigest("7.2")});
      // What was produced, and the verification of a risk control.
      for (const size_t step : {0, 5}) made[steps[step].writer].push_back(std::move(steps[step].draft));
      // One in a hundred on the unit that is asked about.
      const std::string runs_on = i % 100 == 0 ? "ICU-1" : unit;
      for (const char* surface : {"alert_threshold", "other_threshold"}) {
        if (runs_on == "ICU-1" && surface == std::string("alert_threshold")) continue;
        v1::ArtifactActivated body;
        body.set_surface(surface);
        activated.push_back(DraftWith(body, {"unit=device_unit:" + runs_on, "artifact=artifact:shift@" + version}));
      }
    }
    for (const auto& [writer, drafts] : made) world_->DoAll(writer, drafts);
    world_->DoAll("ada", activated);
  }

  ScratchDirectory scratch_;
  std::unique_ptr<GateWorld> world_;
  uint64_t made_ = 0;
};

void BM_Decide(benchmark::State& state) {
  static Fleet fleet;
  const auto size = static_cast<uint64_t>(state.range(0));
  if (size > LargestWanted()) {
    state.SkipWithError("larger than ANAMNESIS_BENCH_EVENTS");
    return;
  }
  fleet.GrowTo(size);
  std::vector<double> milliseconds;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    const v1::GateDecided decision = fleet.world().Ask();
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    CHECK(Failed(decision).empty());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  state.counters["p50_ms"] = milliseconds[milliseconds.size() / 2];
  state.counters["p99_ms"] = milliseconds[milliseconds.size() * 99 / 100];
  state.counters["events"] = static_cast<double>(fleet.world().ledger().size().value);
}
BENCHMARK(BM_Decide)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Iterations(2000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace anamnesis
