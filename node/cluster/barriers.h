#ifndef ANAMNESIS_NODE_CLUSTER_BARRIERS_H_
#define ANAMNESIS_NODE_CLUSTER_BARRIERS_H_

// What a linearizable read waits for in a cluster: a key of this node is put to etcd, which is then above everything
// that anybody was told before; the watch shows the put after all of that; and when what is settled here has reached
// it, the read may be answered. The put is repeated while its outcome is unknown: the key means nothing, and a later
// place is as good.

#include <cstdint>
#include <functional>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Used by one thread, and told the time: microseconds of any clock that does not go back.
class Barriers {
 public:
  using Done = std::function<void(const Status&)>;
  // Puts the key once, then calls OnPut with `barrier` and the outcome, as EtcdClient tells it.
  using Put = std::function<void(uint64_t barrier)>;

  explicit Barriers(Put put) : put_(std::move(put)) {}

  // As Sequencer::Barrier.
  void Begin(int64_t now_us, Done done);
  void OnPut(uint64_t barrier, const StatusOr<Revision>& outcome);
  // Everything up to here is settled, and was told.
  void OnSettled(Revision revision);
  // Puts again, and ends with UNAVAILABLE what has taken too long. About every 100 ms.
  void Tick(int64_t now_us);
  // Ends all with `why`.
  void Fail(const Status& why);

 private:
  struct Barrier {
    uint64_t number = 0;
    int64_t begun_us = 0;
    Done done;
    // Of the put; 0 until it is known.
    Revision revision;
    bool asked = false;
  };

  const Put put_;
  uint64_t last_number_ = 0;
  Revision settled_;
  std::vector<Barrier> barriers_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_BARRIERS_H_
