#include "node/etcd/lease_keeper.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "node/etcd/etcd_client.h"
#include "tests/node/etcd/etcd_process.h"

namespace anamnesis {
namespace {

using namespace std::chrono_literals;

struct Lost {
  std::promise<std::pair<Status, BootClock::time_point>> promise;
  std::future<std::pair<Status, BootClock::time_point>> future = promise.get_future();
  LeaseKeeper::OnLost Callback() {
    return [this](const Status& why) { promise.set_value({why, BootClock::now()}); };
  }
};

TEST(LeaseKeeper, RenewsUntilItIsDestroyed) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  Lost lost;
  auto keeper = client->KeepLease(2s, lost.Callback());
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut("s", "v", (*keeper)->lease().id)).ok());
  const BootClock::time_point first = (*keeper)->deadline();
  EXPECT_EQ(lost.future.wait_for(3500ms), std::future_status::timeout);
  EXPECT_TRUE((*keeper)->alive());
  EXPECT_GT((*keeper)->deadline(), first + 2s);
  EXPECT_TRUE(client->Get("s").ok());
  keeper->reset();
  for (int i = 0; i < 80 && client->Get("s").ok(); ++i) std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(client->Get("s").ok()) << "not renewed any more, it ends in etcd";
  EXPECT_EQ(lost.future.wait_for(0s), std::future_status::timeout) << "nobody is told after that";
}

TEST(LeaseKeeper, TellsThatTheLeaseIsRevoked) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  Lost lost;
  const auto keeper = client->KeepLease(3s, lost.Callback());
  ASSERT_TRUE(client->RevokeLease((*keeper)->lease().id).ok());
  ASSERT_EQ(lost.future.wait_for(3s), std::future_status::ready);
  EXPECT_EQ(lost.future.get().first.code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE((*keeper)->alive());
}

TEST(LeaseKeeper, DeadlineIsKeptWhileEtcdHangs) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd;
  const auto client = etcd.Connect();
  Lost lost;
  const auto keeper = client->KeepLease(2s, lost.Callback());
  ASSERT_TRUE(keeper.ok());
  std::this_thread::sleep_for(1s);
  etcd.Pause(0);
  std::this_thread::sleep_for(50ms);
  const BootClock::time_point deadline = (*keeper)->deadline();
  while ((*keeper)->alive()) {
    ASSERT_LT(BootClock::now(), deadline + 50ms);
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_GE(BootClock::now(), deadline);
  ASSERT_EQ(lost.future.wait_for(1s), std::future_status::ready);
  const auto [why, when] = lost.future.get();
  EXPECT_EQ(why.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GE(when, deadline);
  EXPECT_LT(when, deadline + 300ms);
  // An answer that comes now doesn't bring it back.
  etcd.Resume(0);
  std::this_thread::sleep_for(500ms);
  EXPECT_FALSE((*keeper)->alive());
  EXPECT_EQ((*keeper)->deadline(), deadline);
}

TEST(LeaseKeeper, OutlivesTheLossOfAMember) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd({.members = 3});
  const auto client = etcd.Connect();
  Lost lost;
  const auto keeper = client->KeepLease(4s, lost.Callback());
  ASSERT_TRUE(keeper.ok());
  const size_t leader = PlaceOfLeader(*client);
  etcd.Pause(leader);
  EXPECT_EQ(lost.future.wait_for(4500ms), std::future_status::timeout);
  EXPECT_TRUE((*keeper)->alive());
  etcd.Resume(leader);
}

}  // namespace
}  // namespace anamnesis
