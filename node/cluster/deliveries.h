#ifndef ANAMNESIS_NODE_CLUSTER_DELIVERIES_H_
#define ANAMNESIS_NODE_CLUSTER_DELIVERIES_H_

// Hands what is ordered to the ledger, in order, on a thread of its own; and holds own batches, whose submitters wait
// for an answer, from their delivery until they are applied.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/engine/staging.h"
#include "ledger/sequencer/sequencer.h"
#include "node/cluster/held.h"
#include "node/cluster/worker.h"
#include "node/replication/batch.h"

namespace anamnesis {

// Deliver and DeliverBatch are called by one thread.
class Deliveries {
 public:
  // Called on the thread that hands to the ledger.
  struct Driver {
    // Something could not be applied, as the text says, so nothing that follows is.
    std::function<void(const std::string& why)> refuse;
    // Replica::OnStagedLost; what follows the batch is left out until it is delivered again.
    std::function<void(const BatchId&)> lost;
    std::function<void(std::string_view)> log;
  };

  // `staging` outlives it.
  Deliveries(const Staging& staging, Driver driver) : staging_(staging), driver_(std::move(driver)) {}

  // `receiver` outlives it. Once.
  void Start(const Sequencer::Receiver& receiver);

  // What is no batch.
  void Deliver(Ordered ordered) { Post(std::move(ordered), {}, nullptr); }
  // A batch that was ordered at `revision`. `held` is null when it lies in staging only.
  void DeliverBatch(Revision revision, const OrderRecord& record, std::shared_ptr<const Held> held);

  // Hands over nothing more, and drops the own batches that were not handed over. Idempotent.
  void Stop(const Status& why);

 private:
  void Post(Ordered ordered, const OrderRecord& record, std::shared_ptr<const Held> held);
  void Apply(Ordered ordered, const OrderRecord& record, const std::shared_ptr<const Held>& held);
  StatusOr<std::shared_ptr<const Payload>> PayloadOf(const OrderRecord& record, const Held* held) const;
  std::shared_ptr<const Payload> TakeOwn(Revision revision);

  const Staging& staging_;
  const Driver driver_;
  const Sequencer::Receiver* receiver_ = nullptr;
  std::mutex mutex_;
  // Guarded by mutex_: own batches that wait to be applied.
  std::map<Revision, std::shared_ptr<const Held>> own_;
  // Used by the worker only: something could not be applied.
  bool ended_ = false;
  // Likewise: the batch here was not in staging.
  std::optional<Revision> lost_;
  Worker worker_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_DELIVERIES_H_
