#ifndef ANAMNESIS_LEDGER_ENGINE_BATCH_WRITER_H_
#define ANAMNESIS_LEDGER_ENGINE_BATCH_WRITER_H_

// Writes one batch at a time on a thread of its own, so that the next one is applied while the disk works.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Used by one thread, but for Alone.
class BatchWriter {
 public:
  // `store` must outlive it. `log` gets a line when a wait for space begins and when it ends.
  BatchWriter(Store& store, uint64_t reserve_bytes, std::function<void(std::string_view)> log);
  // Finishes what was begun.
  ~BatchWriter();
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;

  // What becomes of rows for which there is no space: they fail, or wait until the reserve is free again.
  enum class WhenFull { kFail, kWaitForSpace };

  // Begins to write `rows` as Store::Write does, then calls `done` with the outcome, on the writing thread. Nothing may
  // be under way: Wait first.
  void Begin(std::shared_ptr<const RowOverlay> rows, bool durable, WhenFull when_full,
             std::function<void(const Status&)> done);
  // Returns when nothing is under way: what was begun is written and its `done` has returned.
  void Wait();
  // Runs `write`, which may write to the store, while no batch is being written. Any thread.
  Status Alone(const std::function<Status()>& write);
  // Nothing waits for space any more, neither now nor later.
  void EndWaiting();

 private:
  void Run();
  Status WriteWhenThereIsSpace();
  Status WriteRows();

  Store& store_;
  const uint64_t reserve_bytes_;
  const std::function<void(std::string_view)> log_;
  // Held while something is being written.
  std::mutex writing_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::shared_ptr<const RowOverlay> rows_;
  bool durable_ = false;
  WhenFull when_full_ = WhenFull::kFail;
  std::function<void(const Status&)> done_;
  bool waiting_ends_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_BATCH_WRITER_H_
