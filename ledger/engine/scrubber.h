#ifndef ANAMNESIS_LEDGER_ENGINE_SCRUBBER_H_
#define ANAMNESIS_LEDGER_ENGINE_SCRUBBER_H_

// Reads the log of an open ledger back, round after round, at a bounded rate: hashes the leaves, holds them against all
// tiles above and the root that the ledger applied, and bodies against what their leaves commit to. What it finds
// damaged it fetches from another replica, where there is one, verifies, and has the ledger write between two batches.
// Files that the storage can't read it can only name: those are mended while nobody has the ledger open (repair.h).
// Projections are not looked at: replicas compare them as they apply.
//
// What the operating system keeps of a file in memory is not read from the disk again.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/engine/ledger.h"
#include "ledger/engine/log_piece.h"
#include "ledger/engine/repair_source.h"
#include "ledger/engine/trusted_tree.h"

namespace anamnesis {

struct ScrubberOptions {
  // Above 0. Less is read while the machine is busy: after each piece it rests at least three times as long as that
  // took.
  uint64_t bytes_per_second = 2u << 20;
  // Where its place is kept, and which pieces of the log (trusted_tree.h) are damaged.
  std::string file;
  // A new round begins so long after the one before at the earliest, and what stays damaged is looked at again so
  // often.
  std::chrono::milliseconds round_min{10'000};
  // Asked when something is damaged; not set, or null from it, for no peer.
  std::function<StatusOr<std::unique_ptr<RepairSource>>()> find_source;
  const Clock* clock = &SystemClock();
  // Gets one line for each thing that is found, and what became of it, from the scrubber's thread.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

struct ScrubTally {
  // Where the present round is, and the leaves that it goes to.
  uint64_t next_leaf = 0;
  uint64_t size = 0;
  // Whole rounds, and when the last one ended.
  uint64_t rounds = 0;
  std::optional<Timestamp> last_round;
  // Found damaged, and mended, since the ledger has been scrubbed.
  uint64_t found = 0;
  uint64_t mended = 0;
  // Read by this process.
  uint64_t bytes_read = 0;
  // What is damaged now, at most 100 lines.
  std::vector<std::string> damaged;
};

// Safe for concurrent use.
class Scrubber {
 public:
  // Goes on where the last one stopped, after another look at what stayed damaged then. `ledger` and options.clock
  // outlive it.
  static std::unique_ptr<Scrubber> Start(Ledger& ledger, ScrubberOptions options);
  // Stops after the piece that it is at, and keeps the place.
  ~Scrubber();

  ScrubTally tally() const;
  uint64_t bytes_per_second() const { return options_.bytes_per_second; }
  // What is damaged and stays so; empty when nothing is known to be.
  std::string Alarm() const;

 private:
  Scrubber(Ledger& ledger, ScrubberOptions options);
  void Load();
  void Keep();
  // As they are kept: one number a line.
  std::string DamagedPieces() const;
  void Run();
  Status Round();
  Status ReadTree(TreeSize size, const Digest& root);
  Status ScrubTiles();
  Status ScrubPiece(uint64_t number);
  Status LookAgain();
  Status WriteMended(const Rows& rows);
  // Of one piece, or of what has no piece.
  void Note(uint64_t number, const std::vector<Damage>& damage);
  std::unique_ptr<RepairSource> FindSource();
  Status Rest(uint64_t bytes);
  bool Sleep(std::chrono::steady_clock::duration time);

  Ledger& ledger_;
  const ScrubberOptions options_;
  // Used by thread_ only.
  std::optional<TrustedTree> tree_;
  std::chrono::steady_clock::time_point worked_since_;
  std::chrono::steady_clock::time_point kept_at_;
  std::chrono::steady_clock::time_point look_again_at_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  ScrubTally tally_;
  // By piece.
  std::map<uint64_t, std::vector<std::string>> staying_;
  // Those of them that are known from the file only.
  std::set<uint64_t> kept_pieces_;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_SCRUBBER_H_
