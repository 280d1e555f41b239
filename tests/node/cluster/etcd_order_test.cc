#include "node/cluster/etcd_order.h"

#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <variant>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/cluster/wire.h"
#include "tests/node/etcd/etcd_process.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;

bool Comes(const std::function<bool()>& holds) {
  for (int i = 0; i < 300 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return holds();
}

class EtcdOrderTest : public testing::Test {
 protected:
  EtcdOrderTest() {
    options_.node = "a";
    options_.founding_voters = {{"a", "", "127.0.0.1:1", ""}};
  }

  // Founds the cluster and starts a replica on it.
  void Make(const EtcdOptions& etcd) {
    Order::Driver driver;
    driver.post = [this](const std::function<void(Replica&)>& work) {
      const std::lock_guard lock(mutex_);
      work(*replica_);
    };
    driver.wants_watch = [] { return true; };
    order_ = std::make_unique<EtcdOrder>(options_, EtcdCluster::Connect(etcd), driver);
    const DurableState nothing{"a", Revision(0), {}, {}, {}};
    const auto snapshot = order_->Snapshot(nothing, true);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    snapshot_ = *snapshot;
    replica_ = std::make_unique<Replica>(nothing, ReplicaOptions());
    ASSERT_TRUE(replica_->Start(0, snapshot_).ok());
  }
  Revision Watched() {
    const std::lock_guard lock(mutex_);
    return replica_->watched();
  }
  bool Halts() {
    const std::lock_guard lock(mutex_);
    for (const Action& action : replica_->TakeActions()) halted_ = halted_ || std::holds_alternative<Halt>(action);
    return halted_;
  }

  ClusterOptions options_;
  EtcdSnapshot snapshot_;
  std::mutex mutex_;
  std::unique_ptr<Replica> replica_;
  bool halted_ = false;
  std::unique_ptr<EtcdOrder> order_;
};

// Two operators, or one who starts a second time, name different voters: the first founds, the second is told.
TEST_F(EtcdOrderTest, AClusterThatWasFoundedWithOthersIsSaid) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  std::vector<std::string> said;
  options_.log = [&](std::string_view line) { said.emplace_back(line); };
  Make(etcd.Options());
  Make(etcd.Options());
  EXPECT_THAT(said, testing::IsEmpty());
  options_.node = "b";
  options_.founding_voters = {{"b", "", "127.0.0.1:1", ""}, {"c", "", "127.0.0.1:2", ""}};
  Make(etcd.Options());
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], testing::HasSubstr("voters a, not b, c; this node, b, is none of them"));
  order_.reset();
}

TEST_F(EtcdOrderTest, TrimsWhatIsThereAndHaltsAtWhatCantBeRead) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  for (const uint64_t session : {4, 9, 300}) {
    for (uint64_t number = 1; number <= 3; ++number) {
      ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut(OrderKey({SessionId(session), BatchNumber(number)}), "x")).ok());
    }
  }
  ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut("orders/something else", "x")).ok());
  Make(etcd.Options());
  EXPECT_THAT(snapshot_.ordering, ElementsAre(SessionId(4), SessionId(9), SessionId(300)));
  order_->Do(TrimSessions{{SessionId(4), SessionId(300)}, Revision(5)});
  EXPECT_TRUE(Comes([&] {
    const auto keys = client->Range({.prefix = std::string(kOrdersPrefix)});
    return keys.ok() && keys->items.size() == 4;
  }));
  EXPECT_FALSE(Halts());
  order_->Do(Watch{Revision(1)});
  EXPECT_TRUE(Comes([&] { return Halts(); }));
  order_.reset();
}

// Whoever applied more than an etcd holds that was put back finds out when it starts, whatever that counts by then.
TEST_F(EtcdOrderTest, AnOrderThatIsNotTheOneThatWasAppliedIsNotFollowed) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  const auto put = [&](uint64_t session, uint64_t number) {
    const auto done = client->Txn(EtcdTxn().ThenPut(OrderKey({SessionId(session), BatchNumber(number)}), "x"));
    return Revision(static_cast<uint64_t>(done->revision));
  };
  (void)put(4, 1);
  (void)put(4, 2);
  const Revision applied = put(4, 3);
  (void)put(9, 1);
  (void)put(4, 4);
  Make(etcd.Options());
  const auto started = [&](Revision up_to, AppliedNumbers numbers) {
    return order_->Snapshot({"a", up_to, std::move(numbers), {}, {}}, true).status();
  };
  const SessionId session(4);
  EXPECT_TRUE(started(applied, {{session, BatchNumber(3)}}).ok());
  // Sessions whose keys were trimmed say nothing.
  EXPECT_TRUE(started(applied, {{session, BatchNumber(3)}, {SessionId(2), BatchNumber(7)}}).ok());
  const Revision later(applied.value + 2);
  EXPECT_TRUE(started(later, {{session, BatchNumber(4)}, {SessionId(9), BatchNumber(1)}}).ok());
  for (const Status& status : {
           // It has not the last one; it has that one later; it has one more before; it has another session.
           started(later, {{session, BatchNumber(5)}, {SessionId(9), BatchNumber(1)}}),
           started(applied, {{session, BatchNumber(4)}}),
           started(applied, {{session, BatchNumber(2)}}),
           started(later, {{session, BatchNumber(4)}}),
       }) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(status.ToString(), testing::HasSubstr("recover the cluster"));
  }
  order_.reset();
}

// Whoever runs etcd may compact it where no node has come to. What has to be applied is told all the same.
TEST_F(EtcdOrderTest, WhatIsCompactedIsToldFromTheKeys) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  Make(etcd.Options());
  const auto put = [&](std::string_view key, const std::string& value) {
    return Revision(static_cast<uint64_t>(client->Txn(EtcdTxn().ThenPut(key, value))->revision));
  };
  const OrderRecord record{{SessionId(4), BatchNumber(1)}, Digest(), 10, "b"};
  put(OrderKey(record.id), ToProto(record).SerializeAsString());
  const Revision last = put(BarrierKey("b"), "");
  ASSERT_TRUE(client->Compact(static_cast<int64_t>(last.value)).ok());
  order_->Do(Watch{Revision(1)});
  EXPECT_TRUE(Comes([&] { return Watched() >= last; }));
  const auto needs_catch_up = [this] {
    const std::lock_guard lock(mutex_);
    return replica_->catching_up();
  };
  EXPECT_FALSE(needs_catch_up());
  {
    const std::lock_guard lock(mutex_);
    bool fetched = false;
    for (const Action& action : replica_->TakeActions()) fetched = fetched || std::holds_alternative<Fetch>(action);
    EXPECT_TRUE(fetched) << "the record was not told";
  }
  // A node that starts where the key may have been trimmed has to copy.
  order_->Do(TrimSessions{{SessionId(4)}, last});
  EXPECT_TRUE(Comes([&] { return client->Get(TrimmedKey(last)).ok(); }));
  order_.reset();
  const Revision later = put(BarrierKey("b"), "");
  ASSERT_TRUE(client->Compact(static_cast<int64_t>(later.value)).ok());
  Make(etcd.Options());
  order_->Do(Watch{Revision(1)});
  EXPECT_TRUE(Comes([&] { return needs_catch_up(); }));
  order_.reset();
}

// An etcd that was put back from a snapshot under a node that has seen more.
TEST_F(EtcdOrderTest, WhatIsPutBelowWhatWasSeenIsAContradiction) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd;
  (void)etcd.Connect();
  Make(etcd.Options());
  order_->Do(Watch{Revision(1)});
  etcd.TakeSnapshot();
  const auto put_barrier = [this] {
    std::promise<StatusOr<Revision>> put;
    order_->PutBarrier([&put](const StatusOr<Revision>& outcome) { put.set_value(outcome); });
    return put.get_future().get();
  };
  Revision last;
  for (int i = 0; i < 5; ++i) last = *put_barrier();
  EXPECT_TRUE(Comes([&] { return Watched() == last; }));
  etcd.PutBack();
  StatusOr<Revision> put;
  EXPECT_TRUE(Comes([&] {
    put = put_barrier();
    // Unless it was on its way when etcd ended.
    return Halts();
  })) << put.status();
  EXPECT_TRUE(absl::IsUnknown(put.status())) << "nobody may be told that it stands there: " << put.status();
  order_.reset();
}

TEST_F(EtcdOrderTest, AWatchThatEtcdRefusesIsSaidAndBegunAgain) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd;
  (void)etcd.Connect();
  etcd.Control("user add root:rootpw");
  etcd.Control("role add root");
  etcd.Control("user grant-role root root");
  etcd.Control("role add ledger");
  etcd.Control("role grant-permission ledger --prefix=true readwrite test/");
  etcd.Control("user add ledger:secret");
  etcd.Control("user grant-role ledger ledger");
  etcd.Control("auth enable");
  const auto as_root = [&](const std::string& arguments) { etcd.Control("--user root:rootpw " + arguments); };
  EtcdOptions options = etcd.Options();
  options.user = "ledger";
  options.password = "secret";
  Make(options);
  order_->Do(Watch{Revision(1)});
  EXPECT_TRUE(Comes([&] { return Watched().value > 0; }));
  EXPECT_EQ(order_->refusing(), "");

  as_root("role revoke-permission ledger --prefix=true test/");
  // A stream that stands is not looked at again.
  etcd.Restart(0);
  EXPECT_TRUE(Comes([&] { return order_->refusing().find("its watch") != std::string::npos; })) << order_->refusing();
  order_->Do(OrderTransaction{{{SessionId(2), BatchNumber(1)}, Digest(), 1, "a"}, Revision(1)});

  as_root("role grant-permission ledger --prefix=true readwrite test/");
  EXPECT_TRUE(Comes([&] { return order_->refusing().find("its watch") == std::string::npos; }))
      << "though nothing happens that it could show: " << order_->refusing();
  const Revision before = Watched();
  as_root("put test/barriers/x y");
  EXPECT_TRUE(Comes([&] { return Watched() > before; })) << "it goes on where it was";
  // The session is another, so nothing is put; but etcd answers.
  EXPECT_TRUE(Comes([&] {
    order_->Do(OrderTransaction{{{SessionId(2), BatchNumber(1)}, Digest(), 1, "a"}, Revision(1)});
    return order_->refusing().empty();
  })) << order_->refusing();
  order_.reset();
}

}  // namespace
}  // namespace anamnesis
