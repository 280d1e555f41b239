#ifndef ANAMNESIS_LEDGER_ENGINE_FORK_KEEPER_H_
#define ANAMNESIS_LEDGER_ENGINE_FORK_KEEPER_H_

// Keeps evidence of forked streams: a run that was refused because other events are at its place of the stream, sealed
// with the key that sealed those. The ledger stays with what it recorded first; both headers and both seals go into one
// file, DIR/evidence/<first 16 hexadecimal digits of SHA-256(stream)>.evidence, which proves the fork to anybody
// (ledger/evidence/). The first fork of a stream is kept, of at most kForkedStreamsMax streams in the directory, so
// that writers who contend for a stream can't fill a disk.
//
// Safe for concurrent use. What is refused is looked into by a thread of its own, one run after the other: a node's
// answers don't wait for it, and what comes while too many wait is not looked into.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "ledger/base/status.h"
#include "ledger/evidence/evidence.h"
#include "ledger/rules/admit.h"
#include "ledger/state/rows.h"
#include "ledger/store/store.h"

namespace anamnesis {

inline constexpr size_t kForkedStreamsMax = 256;
// Refused runs that wait to be looked into.
inline constexpr size_t kRefusedRunsMax = 16;

// What proves that the run's writer sealed something else at a place of its stream that is recorded; nullopt when it
// can't be proven: the events are the same, or another key sealed those that are recorded. Fails as `rows` does.
StatusOr<std::optional<Evidence>> FindStreamFork(const RowReader& rows, const AdmittedRun& run);

class ForkKeeper {
 public:
  // `store` outlives it. The directory is made when there is something to keep. `log` gets a line for each fork.
  ForkKeeper(const Store& store, std::string dir, std::function<void(std::string_view)> log);
  // Looks into what waits, and ends.
  ~ForkKeeper();
  ForkKeeper(const ForkKeeper&) = delete;
  ForkKeeper& operator=(const ForkKeeper&) = delete;

  // A run that the ledger refused, and why. Doesn't wait. What can't be kept is said in the log; nothing else depends
  // on it.
  void Refused(const std::shared_ptr<const AdmittedRun>& run, const Status& why);

 private:
  void Work();
  // Whether there is evidence of the stream now.
  StatusOr<bool> Keep(const AdmittedRun& run);

  const Store& store_;
  const std::string dir_;
  const std::function<void(std::string_view)> log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<std::shared_ptr<const AdmittedRun>> waiting_;
  bool stopping_ = false;
  // Streams of which evidence is kept, and those of which a run that proved nothing was looked into just now.
  std::set<std::string> kept_;
  std::map<std::string, std::chrono::steady_clock::time_point> nothing_proven_;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FORK_KEEPER_H_
