#ifndef ANAMNESIS_LEDGER_ENGINE_READ_WAITS_H_
#define ANAMNESIS_LEDGER_ENGINE_READ_WAITS_H_

// Reads that wait until what may be shown includes what they ask for. Who waits has a place in a table and no thread:
// one thread here tells them all. Linearizable reads also wait for a barrier in the order (Sequencer::Barrier): one is
// under way at a time, and all that came since it began share the next.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Safe for concurrent use.
class ReadWaits {
 public:
  using Clock = std::chrono::steady_clock;
  // Called once, from any thread, with no lock held; must not block.
  using Ready = std::function<void(const Status&)>;
  // As Sequencer::Barrier; called back while this object lives.
  using Barrier = std::function<void(Ready)>;

  // `size` is how much may be shown now. Both are called from any thread until Stop returns.
  ReadWaits(std::function<uint64_t()> size, Barrier barrier);
  ~ReadWaits() { Stop(); }
  ReadWaits(const ReadWaits&) = delete;
  ReadWaits& operator=(const ReadWaits&) = delete;

  // As Ledger::AwaitConsistency.
  uint64_t Add(const v1::Consistency& consistency, Clock::time_point deadline, Ready ready);
  // As Ledger::CancelAwait.
  void Cancel(uint64_t token);
  // There is more to show than before. Cheap.
  void Grown();
  // Everyone who waits now gets UNAVAILABLE.
  void EndAll();
  // The same, and so does from now on everyone who would have to wait. Idempotent.
  void Stop();

 private:
  struct Wait {
    uint64_t size_min = 0;
    // The number of the barrier that has to have ended; 0: none.
    uint64_t barrier = 0;
    Clock::time_point deadline;
    Ready ready;
    // Why it can't be any more; OK while it can.
    Status failed;
  };
  using Told = std::vector<std::pair<Ready, Status>>;

  void Run();
  // Both need the lock. What a wait is told, if it ends now; and those that end now, taken out.
  std::optional<Status> Outcome(const Wait& wait, uint64_t size, Clock::time_point now) const;
  Told TakeEnded();
  void OnBarrier(const Status& status);

  const std::function<uint64_t()> size_;
  const Barrier barrier_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_, by token.
  std::map<uint64_t, Wait> waits_;
  uint64_t last_token_ = 0;
  // The numbers of the last barriers that were wanted, begun and ended.
  uint64_t barrier_wanted_ = 0;
  uint64_t barrier_begun_ = 0;
  uint64_t barrier_ended_ = 0;
  // Something happened since the thread looked.
  bool look_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_READ_WAITS_H_
