#ifndef ANAMNESIS_NODE_CLUSTER_ORDER_H_
#define ANAMNESIS_NODE_CLUSTER_ORDER_H_

// The total order as a cluster's sequencer uses it: this node's session, order transactions, and the watch of what all
// nodes put there. EtcdOrder is the real one; tests simulate it.

#include <functional>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "node/etcd/etcd_types.h"
#include "node/replication/actions.h"
#include "node/replication/replica.h"

namespace anamnesis {

// Methods are called by one thread, except where stated; they don't wait, but for Snapshot, Stop and the destructor.
class Order {
 public:
  // The sequencer's side.
  struct Driver {
    // Runs a piece of work on the thread that may call the Replica.
    std::function<void(std::function<void(Replica&)>)> post;
    // Whether more should be read from the watch.
    std::function<bool()> wants_watch;
  };

  // Ends the session; what is due calls back for the last time.
  virtual ~Order() = default;

  // What Replica::Start needs, from an order that holds members and that goes on from what this node has applied. A new
  // one is founded where it is now if this node `may_found`. Waits.
  virtual StatusOr<EtcdSnapshot> Snapshot(const DurableState& durable, bool may_found) = 0;

  // Carry out the actions that concern the order (actions.h). What it sees goes to the Replica.
  virtual void Do(const Watch& watch) = 0;
  virtual void Do(const OpenSession&) = 0;
  virtual void Do(const CloseSession&) = 0;
  virtual void Do(const OrderTransaction& transaction) = 0;
  virtual void Do(const TrimSessions& trim) = 0;
  virtual void Do(const Compact& compact) = 0;

  // Puts this node's barrier key. `done` gets the put's revision, or fails as a write of EtcdClient does; it is called
  // by any thread.
  virtual void PutBarrier(std::function<void(const StatusOr<Revision>&)> done) = 0;

  // Replaces the members if they are still those put at `current`. `done` is called with the change's revision; with
  // ABORTED when they are others by now, otherwise as EtcdClient::Txn.
  using OnMembersPut = std::function<void(const StatusOr<Revision>&)>;
  virtual void PutMembers(const Members& next, Revision current, OnMembersPut done) = 0;

  // Why nothing can be ordered or seen, as long as the order refuses this node; empty when it doesn't. Any thread.
  virtual std::string refusing() const = 0;
  // How what keeps the order is. Any thread.
  virtual std::vector<EtcdEndpointHealth> Health() const = 0;

  // Shows nothing more, and ends the session. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_ORDER_H_
