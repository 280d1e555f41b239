#ifndef ANAMNESIS_TESTS_NODE_CLUSTER_SIMULATED_PARTS_H_
#define ANAMNESIS_TESTS_NODE_CLUSTER_SIMULATED_PARTS_H_

// What a cluster's sequencer works with, by hand: an order and peers that do nothing but note what was asked of them,
// and a store whose writes to staging can be held up.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/store/store.h"
#include "node/cluster/order.h"
#include "node/cluster/peers.h"
#include "tests/support/forwarding_store.h"

namespace anamnesis {

// Values that come from other threads and are waited for.
template <typename Value>
class Arrivals {
 public:
  void Add(Value value) {
    {
      const std::lock_guard lock(mutex_);
      values_.push_back(std::move(value));
    }
    changed_.notify_all();
  }
  // The first for which `wanted` is so; none after ten seconds.
  std::optional<Value> Await(const std::function<bool(const Value&)>& wanted) {
    std::unique_lock lock(mutex_);
    std::optional<Value> found;
    changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      for (const Value& value : values_) {
        if (!found.has_value() && wanted(value)) found = value;
      }
      return found.has_value();
    });
    return found;
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Value> values_;
};

class SimulatedOrder : public Order {
 public:
  SimulatedOrder(EtcdSnapshot snapshot, Driver driver) : snapshot_(std::move(snapshot)), driver_(std::move(driver)) {}

  StatusOr<EtcdSnapshot> Snapshot(const DurableState&, bool) override { return snapshot_; }
  void Do(const Watch&) override {}
  void Do(const OpenSession&) override { sessions.Add(0); }
  void Do(const CloseSession&) override {}
  void Do(const OrderTransaction& transaction) override { transactions.Add(transaction); }
  void Do(const TrimSessions&) override {}
  void Do(const Compact&) override {}
  void PutBarrier(std::function<void(const StatusOr<Revision>&)>) override {}
  void PutMembers(const Members&, Revision, OnMembersPut) override {}
  std::string refusing() const override {
    const std::lock_guard lock(mutex_);
    return refusing_;
  }
  std::vector<EtcdEndpointHealth> Health() const override { return {}; }
  void Stop() override {}

  void Refuse(std::string why) {
    const std::lock_guard lock(mutex_);
    refusing_ = std::move(why);
  }
  // Runs `input` on the protocol's thread.
  void Tell(std::function<void(Replica&)> input) { driver_.post(std::move(input)); }

  Arrivals<int> sessions;
  Arrivals<OrderTransaction> transactions;

 private:
  const EtcdSnapshot snapshot_;
  const Driver driver_;
  mutable std::mutex mutex_;
  std::string refusing_;
};

class SimulatedPeers : public Peers {
 public:
  struct Sent {
    NodeId to;
    std::shared_ptr<const internal::PeerMessage> message;
  };
  explicit SimulatedPeers(OnMessage on_message) : on_message_(std::move(on_message)) {}

  void Stop() override {}
  void SetMembers(const Members&) override {}
  void Send(const NodeId& to, std::shared_ptr<const internal::PeerMessage> message) override {
    sent.Add({to, std::move(message)});
  }

  // A message from another.
  void Receive(const NodeId& from, internal::PeerMessage message) { on_message_(from, std::move(message)); }

  Arrivals<Sent> sent;

 private:
  const OnMessage on_message_;
};

class SlowStore : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  // Writes to staging wait from Hold to Release.
  void Hold() { SetHeld(true); }
  void Release() { SetHeld(false); }

  Status Write(const Rows& rows, bool durable) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !held_; });
    return ForwardingStore::Write(rows, durable);
  }

 private:
  void SetHeld(bool held) {
    {
      const std::lock_guard lock(mutex_);
      held_ = held;
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool held_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_NODE_CLUSTER_SIMULATED_PARTS_H_
