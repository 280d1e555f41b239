#ifndef ANAMNESIS_LEDGER_ENGINE_PURGER_H_
#define ANAMNESIS_LEDGER_ENGINE_PURGER_H_

// Makes an erasure true on disk. Applying subject_data.erased removes bodies from what can be read; their bytes stay in
// table files and the write-ahead log until those are rewritten, which this does at once, in a thread of its own. What
// is still to be done is kept in the store, so that a crash in between delays it until the ledger is opened again. What
// fails is tried again each `retry_every`.
//
// Batches hold bodies too while they are staged, for members that have yet to apply them: an erasure is done when all
// that were staged then are gone, which takes as long as a member is waited for.
//
// What it can't reach: readers that began before hold their files until they end, copies that others made, and blocks
// that the file system has freed and not overwritten; encrypt the disk against those.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/store/store.h"

namespace anamnesis {

// One more than the last erasing event, and than the last one whose bodies are gone from the files; 0 before the first.
struct Erasing {
  uint64_t erased = 0;
  uint64_t purged = 0;
  bool purge_is_due() const { return erased > purged; }
};
StatusOr<Erasing> ReadErasing(const RowFinder& rows);

// What a store is to know of erasures when its rows come another way than by Apply: one more than the last erasing
// event; and that what was erased by events before `up_to` is in none of its files, where 0 has all of it purged again.
Row NoteErased(uint64_t up_to);
Row NotePurged(uint64_t up_to);

class Purger {
 public:
  using Log = std::function<void(const std::string&)>;

  // Begins with what an earlier process left undone. `store` must outlive it.
  Purger(Store& store, Log log, std::chrono::milliseconds retry_every = std::chrono::minutes(10));
  ~Purger();
  Purger(const Purger&) = delete;
  Purger& operator=(const Purger&) = delete;

  // An erasure was written. Any thread; doesn't block.
  void Notify();
  // Bodies that were erased before turned up again: `write` removes them and writes NotePurged(0), so that a crash
  // leaves it to be done; here it is done again whatever was done before. Fails as `write` does. Any thread.
  Status EraseAgain(const std::function<Status()>& write);
  // Waits until all that was written before is purged, or has failed; what failed before is tried again. UNAVAILABLE
  // after `patience` while staged batches are waited for.
  Status Finish(std::chrono::milliseconds patience = std::chrono::seconds(5));

 private:
  void Work();
  Status PurgeDue();
  StatusOr<Erasing> Begin();
  Status PurgeBodies(uint64_t from, uint64_t erased);
  Status PurgeStaged();
  Status Note(uint64_t purged);

  Store& store_;
  const Log log_;
  const std::chrono::milliseconds retry_every_;
  // Used by the thread only: up to which erasing event the bodies' own files are done, of how many bodies, and the keys
  // of the batches that were staged then and may still be, the next to look at last.
  uint64_t bodies_purged_ = 0;
  uint64_t bodies_ = 0;
  std::vector<std::string> staged_;
  // Held while it is written down how far it is purged.
  std::mutex note_mutex_;
  // Guarded by note_mutex_: what is being done does not count.
  bool all_again_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool due_ = true;
  bool working_ = false;
  bool stopping_ = false;
  Status last_;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_PURGER_H_
