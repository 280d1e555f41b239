#ifndef ANAMNESIS_LEDGER_ENGINE_FOLD_READER_H_
#define ANAMNESIS_LEDGER_ENGINE_FOLD_READER_H_

// The events of the log in order, read and parsed on a thread of its own ahead of the one that folds them.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Used by one thread.
class FoldReader {
 public:
  // Begins to read the leaves [from, to). `rows` must outlive the reader and be safe for concurrent use.
  FoldReader(const RowReader& rows, TreeSize from, TreeSize to);
  // Stops reading.
  ~FoldReader();
  FoldReader(const FoldReader&) = delete;
  FoldReader& operator=(const FoldReader&) = delete;

  // Puts the next events in place of those in `events`, with their bodies only where a fold reads them: most bodies are
  // evidence, not state. None at the end. DATA_LOSS: a leaf, or a body that state depends on, is missing or doesn't
  // parse; nothing can be read after it.
  Status Next(std::vector<LoadedEvent>& events);

 private:
  void Run();
  // Takes `events` for their memory.
  StatusOr<std::vector<LoadedEvent>> Read(uint64_t first, uint64_t limit, std::vector<LoadedEvent> events) const;
  Status ReadBodies(std::vector<LoadedEvent>& events) const;

  const RowReader& rows_;
  const TreeSize from_;
  const TreeSize to_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_. Empty batches and failures come last.
  std::deque<StatusOr<std::vector<LoadedEvent>>> batches_;
  // Guarded by mutex_. What was folded, whose memory the next batches use.
  std::vector<std::vector<LoadedEvent>> used_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FOLD_READER_H_
