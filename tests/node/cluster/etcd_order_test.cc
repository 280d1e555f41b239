#include "node/cluster/etcd_order.h"

#include <functional>
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
    const auto snapshot = order_->Snapshot(Revision(0), true);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    snapshot_ = *snapshot;
    replica_ = std::make_unique<Replica>(DurableState{"a", Revision(0), {}, {}, {}}, ReplicaOptions());
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
  order_->Do(TrimSessions{{SessionId(4), SessionId(300)}});
  EXPECT_TRUE(Comes([&] {
    const auto keys = client->Range({.prefix = std::string(kOrdersPrefix)});
    return keys.ok() && keys->items.size() == 4;
  }));
  EXPECT_FALSE(Halts());
  order_->Do(Watch{Revision(1)});
  EXPECT_TRUE(Comes([&] { return Halts(); }));
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
