// What the processor does by itself, for other figures to be compared with: signatures made and checked, and bytes
// hashed, by one thread.

#include <benchmark/benchmark.h>

#include <string>

#include "ledger/crypto/ed25519.h"
#include "ledger/crypto/sha256.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

// About what a seal's statement has.
const std::string& Statement() {
  static const std::string statement(200, 's');
  return statement;
}

void BM_Ed25519Verify(benchmark::State& state) {
  const PrivateKey key = KeyOfSeed(1);
  const Signature signature = key.Sign(Statement());
  for (auto _ : state) benchmark::DoNotOptimize(VerifyEd25519(key.public_key(), Statement(), signature.view()).ok());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Ed25519Verify);

void BM_Ed25519Sign(benchmark::State& state) {
  const PrivateKey key = KeyOfSeed(1);
  for (auto _ : state) benchmark::DoNotOptimize(key.Sign(Statement()));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Ed25519Sign);

void BM_Sha256(benchmark::State& state) {
  const std::string bytes(static_cast<size_t>(state.range(0)), 'b');
  for (auto _ : state) benchmark::DoNotOptimize(Sha256(bytes));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Sha256)->Arg(400)->Arg(1 << 20);

}  // namespace
}  // namespace anamnesis
