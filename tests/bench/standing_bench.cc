// What a look at a key and at an agent costs, from the store and from memory: done for every run and every call over
// TLS.

#include <benchmark/benchmark.h>

#include "ledger/engine/authority_rows.h"
#include "ledger/engine/layout.h"
#include "ledger/state/authority.h"
#include "ledger/store/store.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

// A ledger with some hundred devices.
class Rows {
 public:
  Rows() {
    LedgerMaker maker(dir());
    for (uint64_t i = 0; i < 500; ++i) {
      maker.Append(maker.admin().Write({IssueKey("device_unit", Text("unit-", i), KeyOfSeed(100 + i).public_key())}));
    }
    maker.Close();
    auto store = OpenRocksStore(DatabasePath(dir()), {});
    CHECK(store.ok());
    store_ = *std::move(store);
    kept_ = std::make_unique<AuthorityRows>(*store_);
  }
  const RowReader& Of(benchmark::State& state) const {
    state.SetLabel(state.range(0) == 0 ? "store" : "memory");
    return state.range(0) == 0 ? static_cast<const RowReader&>(*store_) : *kept_;
  }

 private:
  std::string dir() const { return scratch_.path() + "/ledger"; }

  ScratchDirectory scratch_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AuthorityRows> kept_;
};

const Rows& SharedRows() {
  static const Rows rows;
  return rows;
}

void BM_FindCredential(benchmark::State& state) {
  const RowReader& rows = SharedRows().Of(state);
  const std::string key(KeyOfSeed(300).public_key().view());
  for (auto _ : state) benchmark::DoNotOptimize(FindCredential(rows, key).value()->issued_index());
}
BENCHMARK(BM_FindCredential)->Arg(0)->Arg(1);

void BM_FindStanding(benchmark::State& state) {
  const RowReader& rows = SharedRows().Of(state);
  const v1::Agent agent = MakeAgent("device_unit", "unit-200");
  for (auto _ : state) benchmark::DoNotOptimize(FindStanding(rows, agent, kTestStart)->unknown_because.size());
}
BENCHMARK(BM_FindStanding)->Arg(0)->Arg(1);

}  // namespace
}  // namespace anamnesis
