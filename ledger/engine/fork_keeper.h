#ifndef ANAMNESIS_LEDGER_ENGINE_FORK_KEEPER_H_
#define ANAMNESIS_LEDGER_ENGINE_FORK_KEEPER_H_

// Keeps evidence of forked streams: a run that was refused because other events are at its place of the stream, sealed
// with the key that sealed those. The ledger stays with what it recorded first; both headers and both seals go into one
// file, DIR/evidence/<first 16 hexadecimal digits of SHA-256(stream)>.evidence, which proves the fork to anybody
// (ledger/evidence/). The first fork of a stream is kept, of at most kForkedStreamsMax streams, so that writers who
// contend for a stream can't fill a disk.
//
// Safe for concurrent use. Refused() waits for the disk where it keeps something, once for each stream.

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/evidence/evidence.h"
#include "ledger/rules/admit.h"
#include "ledger/state/rows.h"
#include "ledger/store/store.h"

namespace anamnesis {

inline constexpr size_t kForkedStreamsMax = 256;

// What proves that the run's writer sealed something else at a place of its stream that is recorded; nullopt when it
// can't be proven: the events are the same, or another key sealed those that are recorded. Fails as `rows` does.
StatusOr<std::optional<Evidence>> FindStreamFork(const RowReader& rows, const AdmittedRun& run);

class ForkKeeper {
 public:
  // `store` outlives it. The directory is made when there is something to keep. `log` gets a line for each fork.
  ForkKeeper(const Store& store, std::string dir, std::function<void(std::string_view)> log)
      : store_(store), dir_(std::move(dir)), log_(std::move(log)) {}

  // A run that the ledger refused, and why. What can't be kept is said in the log; nothing else depends on it.
  void Refused(const AdmittedRun& run, const Status& why);

 private:
  Status Keep(const AdmittedRun& run, const std::string& path);

  const Store& store_;
  const std::string dir_;
  const std::function<void(std::string_view)> log_;
  std::mutex mutex_;
  // Those that were looked at and are kept; guarded by mutex_.
  std::set<std::string> kept_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FORK_KEEPER_H_
