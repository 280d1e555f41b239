// Not a test: how long transactions of one comparison and a 200-byte value take on this machine.
//   build/release/tests/test_node_etcd --gtest_also_run_disabled_tests --gtest_filter='Latency.*'

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "node/etcd/etcd_client.h"
#include "tests/node/etcd/etcd_process.h"

namespace anamnesis {
namespace {

void Measure(EtcdClient& client, size_t members, size_t in_flight_max) {
  constexpr size_t kTransactions = 3000;
  std::mutex mutex;
  std::condition_variable answered;
  size_t in_flight = 0;
  size_t failed = 0;
  std::vector<double> latencies_ms;
  const BootClock::time_point start = BootClock::now();
  for (size_t i = 0; i < kTransactions; ++i) {
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return in_flight < in_flight_max; });
    ++in_flight;
    lock.unlock();
    const std::string key = Text("b/", in_flight_max, "/", i);
    const BootClock::time_point sent = BootClock::now();
    client.TxnAsync(EtcdTxn().IfAbsent(key).ThenPut(key, std::string(200, 'x')), [&, sent](const auto& result) {
      const std::lock_guard held(mutex);
      --in_flight;
      failed += result.ok() ? 0 : 1;
      latencies_ms.push_back(std::chrono::duration<double, std::milli>(BootClock::now() - sent).count());
      answered.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return in_flight == 0; });
  const double seconds = std::chrono::duration<double>(BootClock::now() - start).count();
  std::sort(latencies_ms.begin(), latencies_ms.end());
  std::printf("members %zu, in flight %2zu: %5.0f/s, p50 %.2f ms, p99 %.2f ms, failed %zu\n", members, in_flight_max,
              kTransactions / seconds, latencies_ms[kTransactions / 2], latencies_ms[kTransactions * 99 / 100], failed);
}

TEST(Latency, DISABLED_OfTransactions) {
  ANAMNESIS_NEEDS_ETCD();
  for (const size_t members : {1u, 3u}) {
    const EtcdCluster etcd({.members = members});
    const auto client = etcd.Connect();
    for (const size_t in_flight : {1u, 16u, 64u}) Measure(*client, members, in_flight);
  }
}

}  // namespace
}  // namespace anamnesis
