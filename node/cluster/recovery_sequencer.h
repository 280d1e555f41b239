#ifndef ANAMNESIS_NODE_CLUSTER_RECOVERY_SEQUENCER_H_
#define ANAMNESIS_NODE_CLUSTER_RECOVERY_SEQUENCER_H_

// The sequencer of a fenced node: it orders nothing, and applies only what the plan says by which the ledger is taken
// to a new etcd (node/replication/recovery.h).

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "ledger/engine/staging.h"
#include "ledger/sequencer/sequencer.h"
#include "node/cluster/cluster_options.h"
#include "node/cluster/recovery_operations.h"

namespace anamnesis {

// What a node that is being recovered asks of the program around it. Called from any thread.
struct RecoveryCallbacks {
  // Copy the ledger of another node that has applied `at_least`, and open this one again, fenced.
  std::function<void(Revision at_least)> catch_up;
  // The recovery is finished: remove the fence, durably, and open the ledger again as a node of the cluster. Fails when
  // the fence can't be removed.
  std::function<Status()> finished;
};

// The operations of the sequencer that there is at the moment, for whoever serves the operators; UNAVAILABLE between
// one and the next.
class RecoveryControl {
 public:
  void Attach(RecoveryOperations& operations) {
    const std::lock_guard lock(mutex_);
    operations_ = &operations;
  }
  // Waits for calls that are being answered.
  void Detach() {
    const std::lock_guard lock(mutex_);
    operations_ = nullptr;
  }

  // What `call` makes of the operations: a StatusOr.
  template <typename Call>
  auto With(const Call& call) -> decltype(call(std::declval<RecoveryOperations&>())) {
    const std::lock_guard lock(mutex_);
    if (operations_ == nullptr) return absl::UnavailableError("this node is copying another's ledger; ask again");
    return call(*operations_);
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  RecoveryOperations* operations_ = nullptr;
};

// `staging` must outlive it. Attached to `control` from its Start to its Stop.
std::unique_ptr<Sequencer> MakeRecoverySequencer(ClusterOptions options, Staging& staging,
                                                 std::shared_ptr<RecoveryControl> control, RecoveryCallbacks callbacks);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_RECOVERY_SEQUENCER_H_
