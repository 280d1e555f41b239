#ifndef ANAMNESIS_LEDGER_ENGINE_BATCH_WRITER_H_
#define ANAMNESIS_LEDGER_ENGINE_BATCH_WRITER_H_

// Writes one batch at a time on a thread of its own, so that the next one is applied while the disk works.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Used by one thread.
class BatchWriter {
 public:
  // `store` must outlive it.
  explicit BatchWriter(Store& store);
  // Finishes what was begun.
  ~BatchWriter();
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;

  // Begins to write `rows` as Store::Write does, then calls `done` with the outcome, on the writing thread. Nothing may
  // be under way: Wait first.
  void Begin(std::shared_ptr<const RowOverlay> rows, bool durable, std::function<void(const Status&)> done);
  // Returns when nothing is under way: what was begun is written and its `done` has returned.
  void Wait();

 private:
  void Run();

  Store& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::shared_ptr<const RowOverlay> rows_;
  bool durable_ = false;
  std::function<void(const Status&)> done_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_BATCH_WRITER_H_
