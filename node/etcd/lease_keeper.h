#ifndef ANAMNESIS_NODE_ETCD_LEASE_KEEPER_H_
#define ANAMNESIS_NODE_ETCD_LEASE_KEEPER_H_

// Renews a lease three times within its time to live, on whichever endpoint answers, and says when that no longer
// succeeds. Its deadline is the moment at which the last successful renewal was *sent*, plus the time to live that etcd
// then promised, on a clock that goes on while the machine sleeps (BootClock): etcd counts from later, so it holds the
// lease for at least as long, provided that clocks run equally fast. What is done under a lease still has to compare
// its key in the same transaction: a thread can be stopped between alive() and what it does next.

#include <functional>
#include <memory>

#include "ledger/base/status.h"
#include "node/etcd/boot_clock.h"
#include "node/etcd/etcd_types.h"

namespace anamnesis {

class EtcdConnection;

// Safe from any thread. Destroyed before its client.
class LeaseKeeper {
 public:
  // NOT_FOUND: etcd has no such lease (any more). DEADLINE_EXCEEDED: it was not renewed before its deadline, and may
  // live on in etcd for a while.
  using OnLost = std::function<void(const Status& why)>;

  // `sent` is when the lease was granted, or last renewed, at the latest. `on_lost` is called at most once, with no
  // lock held, from a thread of gRPC or of the timers; it must not block, and may not destroy the keeper.
  LeaseKeeper(std::shared_ptr<EtcdConnection> connection, EtcdLease lease, BootClock::time_point sent, OnLost on_lost);
  // Stops renewing, without revoking. A call of on_lost that goes on is waited for; none comes after.
  ~LeaseKeeper();

  const EtcdLease& lease() const;
  // The lease was not lost and its deadline is not past, by the clock at the time of this call. Once false, it stays
  // so.
  bool alive() const;
  BootClock::time_point deadline() const;

 private:
  class State;
  const std::shared_ptr<State> state_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_LEASE_KEEPER_H_
