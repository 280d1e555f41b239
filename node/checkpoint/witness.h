#ifndef ANAMNESIS_NODE_CHECKPOINT_WITNESS_H_
#define ANAMNESIS_NODE_CHECKPOINT_WITNESS_H_

// A witness (https://c2sp.org/tlog-witness): cosigns checkpoints of the logs it is told of, each only when it extends
// what was cosigned before, and writes down what it cosigns before it says so. Of the ledger that this node holds
// itself it asks more: the node has read back, hashed and verified the leaves up to that size (log_audit.h), and a run
// ends there: the log signs any size that it is asked for a receipt of, and inside a run the seal is not in the tree.
//
// What does not extend what was cosigned is never cosigned, however often it is asked for. When the log's own key
// signed two trees that can't both be true, DIR/witness/<name>.fork proves it to anybody (ledger/evidence/): two trees
// of one size, or a larger one with a proof of what it begins with. Where the own leaves contradict what the key
// signed, the file has both notes, and `anamnesis evidence compare` finds the proof. A checkpoint that is smaller than
// what was cosigned isn't by itself a forgery (a node of a cluster that is slightly behind sends one, and so can
// whoever has an old one), but it may be a log that was rolled back: when for ten minutes only such came and nothing
// was cosigned, the last pair is in <name>.rollback.
//
// On disk: DIR/witness/<first 16 hexadecimal digits of SHA-256(origin)> holds the note cosigned last.
//
// Safe for concurrent use; a call waits for the disk.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/engine/clock.h"
#include "ledger/engine/log_audit.h"
#include "ledger/evidence/evidence.h"
#include "ledger/keys/key_file.h"
#include "ledger/note/checkpoint.h"
#include "node/checkpoint/add_checkpoint.h"

namespace anamnesis {

struct WitnessedLog {
  std::string origin;
  // Any of which may sign its checkpoints, unless keys_now is set.
  std::vector<VerifierKey> keys;
  // Of the ledger that this node holds: the root over its own first `size` leaves, verified by itself. UNAVAILABLE or
  // OUT_OF_RANGE: not yet. DATA_LOSS: they don't verify, and which. Not set for other logs.
  std::function<StatusOr<AuditedRoot>(TreeSize size)> own_root = nullptr;
  // Of the ledger that this node holds: which these are, by what its events say by now. Not set for other logs.
  std::function<StatusOr<std::vector<VerifierKey>>()> keys_now = nullptr;
};

struct WitnessOptions {
  // Where the state is kept; made if needed.
  std::string dir;
  // Cosigns, under its name.
  NamedKey key;
  std::vector<WitnessedLog> logs = {};
  // Whether the key may cosign now; FAILED_PRECONDITION, and why, when it was revoked or rotated out.
  std::function<Status()> may_cosign = [] { return OkStatus(); };
  const Clock* clock = &SystemClock();
  // Gets one line for what an operator should know.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

class Witness {
 public:
  // DATA_LOSS: what is kept of a log isn't a checkpoint that this key cosigned. INVALID_ARGUMENT: a log twice.
  // Otherwise fails as its files do.
  static StatusOr<std::unique_ptr<Witness>> Open(WitnessOptions options);

  // Answers add-checkpoint: 200 with the cosignature; 400 malformed; 403 not signed by the log; 404 an unknown log; 409
  // with the size cosigned last, when the request is about another or the trees contradict; 422 the proof doesn't hold;
  // 500 it couldn't be written down; 503 this node hasn't verified that much yet, or can't, as inside a run.
  AddCheckpointAnswer Add(std::string_view request);

  // Cosigns a checkpoint of the own ledger, for the node itself. ALREADY_EXISTS: a larger one was cosigned.
  // FAILED_PRECONDITION: it is not of the tree that this node holds, or ends inside a run. Otherwise fails as own_root
  // and the files do.
  StatusOr<NoteSignature> CosignOwn(std::string_view origin, const std::string& note);

  VerifierKey verifier_key() const { return CosignerKeyOf(options_.key); }

  struct LogState {
    std::string origin;
    // What was cosigned last; size 0 for nothing.
    TreeSize cosigned;
    // A file with two notes of that log that contradict each other; empty for none.
    std::string fork_evidence;
    std::string rollback_evidence;
    // Why the last checkpoint was not cosigned; empty when it was.
    std::string refused;
  };
  std::vector<LogState> State() const;
  // What was cosigned last of a log; nullopt when nothing was.
  std::optional<Checkpoint> LastCosigned(std::string_view origin) const;

 private:
  struct Log {
    WitnessedLog options;
    std::string file;
    std::string note;
    Checkpoint last;
    bool cosigned = false;
    std::string fork_evidence;
    std::string rollback_evidence;
    std::string refused;
    // When the first of those that were too small came, since what was cosigned or kept of them last.
    std::optional<int64_t> behind_since_us;
  };
  using Keys = std::vector<VerifierKey>;
  enum class Refusal { kNone, kConflict, kBadProof, kNotYet, kNotWritten };
  struct Verdict {
    Refusal refusal = Refusal::kNone;
    std::string why;
    NoteSignature signature;
  };

  explicit Witness(WitnessOptions options) : options_(std::move(options)) {}
  Status Load(Log& log) const;
  static StatusOr<Keys> KeysOf(const Log& log);
  // All below: with mutex_ held.
  Verdict Judge(Log& log, const Keys& keys, const AddCheckpointRequest& request, const SignedNote& note,
                const Checkpoint& checkpoint);
  Verdict JudgeSmaller(Log& log, const std::string& note, const Checkpoint& checkpoint);
  Verdict CompareWithOwn(Log& log, const std::string& note, const Checkpoint& checkpoint);
  Verdict Cosigned(Log& log, const Keys& keys, const SignedNote& note, const Checkpoint& checkpoint);
  Verdict Refuse(Log& log, Refusal refusal, std::string why);
  // Into the log's .fork: what proves it, or else both notes.
  void KeepFork(Log& log, const StatusOr<Evidence>& evidence, const std::string& note, std::string_view what);
  void KeepNotes(Log& log, std::string& file, std::string_view ending, const std::string& note, std::string_view what);
  void Keep(std::string& file, const std::string& path, std::string_view content, std::string_view what);

  const WitnessOptions options_;
  mutable std::mutex mutex_;
  // By origin. Guarded by mutex_.
  std::map<std::string, Log, std::less<>> logs_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CHECKPOINT_WITNESS_H_
