#ifndef ANAMNESIS_NODE_CLUSTER_STAGING_WRITER_H_
#define ANAMNESIS_NODE_CLUSTER_STAGING_WRITER_H_

// Writes batches to staging and forgets them again, in the order in which that is asked for, on a thread of its own:
// what waits together is written with one sync.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/engine/staging.h"
#include "node/cluster/held.h"
#include "node/cluster/worker.h"

namespace anamnesis {

// Safe for concurrent use.
class StagingWriter {
 public:
  using Batches = std::vector<std::shared_ptr<const Held>>;
  // These were written, in one piece; or were not, for RESOURCE_EXHAUSTED or because nothing can be written any more.
  // Called on its thread.
  using OnWritten = std::function<void(const Batches&, const Status&)>;

  // `staging` outlives it. What others ask to be stored isn't taken while more than `waiting_bytes_max` wait.
  StagingWriter(Staging& staging, uint64_t waiting_bytes_max, OnWritten on_written)
      : staging_(staging), waiting_bytes_max_(waiting_bytes_max), on_written_(std::move(on_written)) {}

  // Once.
  void Start() { worker_.Start(); }
  // Leaves undone what waits. Idempotent.
  void Stop() { worker_.Stop(); }

  // False when too much waits, so that `batch` isn't written and nobody is told. An own batch and one that was asked
  // for are always taken: there are few of these at a time.
  bool Write(std::shared_ptr<const Held> batch);
  void Remove(std::vector<BatchName> names);

 private:
  using Work = std::variant<std::shared_ptr<const Held>, std::vector<BatchName>>;

  void Add(Work work);
  void DoAll();
  void WriteAll(const Batches& batches);

  Staging& staging_;
  const uint64_t waiting_bytes_max_;
  const OnWritten on_written_;
  std::mutex mutex_;
  // Guarded by mutex_; the bytes are those of batches that are not written, or being written.
  std::vector<Work> waiting_;
  uint64_t waiting_bytes_ = 0;
  Worker worker_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_STAGING_WRITER_H_
