#ifndef ANAMNESIS_NODE_CHECKPOINT_WITNESS_CLIENT_H_
#define ANAMNESIS_NODE_CHECKPOINT_WITNESS_CLIENT_H_

// Asks one witness for its cosignatures (https://c2sp.org/tlog-witness), on a thread of its own so that a slow one
// keeps nobody waiting. Always about the newest checkpoint that it was offered; what fails is tried again, later and
// later.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/status.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/policy.h"
#include "ledger/note/signed_note.h"
#include "node/checkpoint/add_checkpoint.h"

namespace anamnesis {

struct PublishedCheckpoint {
  Checkpoint checkpoint;
  // Signed by the log.
  std::string note;
};

// Sends `body` to `url` and gives back whatever was answered, of at most kAddCheckpointAnswerBytesMax bytes. Takes 10
// seconds at most, and ends soon once `cancelled` is set. UNAVAILABLE: there is no answer, and why.
using HttpPost = std::function<StatusOr<AddCheckpointAnswer>(const std::string& url, const std::string& body,
                                                             const std::atomic<bool>& cancelled)>;

struct WitnessClientOptions {
  Policy::Witness witness;
  HttpPost post = nullptr;
  // As Ledger::GetConsistencyProof, for 0 < from <= to.
  std::function<StatusOr<std::vector<Digest>>(TreeSize from, TreeSize to)> prove = nullptr;
  // Called from the client's thread with each cosignature, which was verified.
  std::function<void(TreeSize size, const NoteSignature& signature)> on_cosignature = nullptr;
  // Called when the witness says that it has cosigned a larger checkpoint than the one offered, which it will never
  // cosign then. Only its word: the next one is offered as ever.
  std::function<void(TreeSize size)> on_overtaken = [](TreeSize) {};
  // Gets one line when the witness begins to fail, and when it answers again.
  std::function<void(std::string_view)> log = [](std::string_view) {};
  std::chrono::milliseconds backoff_min{500};
  std::chrono::milliseconds backoff_max{60'000};
};

// Safe for concurrent use.
class WitnessClient {
 public:
  explicit WitnessClient(WitnessClientOptions options);
  // Gives up what is under way.
  ~WitnessClient();

  // From now on asks about this one.
  void Offer(const PublishedCheckpoint& checkpoint);

  struct State {
    std::string name;
    std::string url;
    // What it cosigned last.
    TreeSize cosigned;
    // Why it doesn't cosign now; empty when it does, or has nothing to.
    std::string failing;
  };
  State state() const;

 private:
  void Run();
  // Asks until it is cosigned or refused. FAILED_PRECONDITION: the witness says that it is ahead of what was offered.
  Status Ask(const PublishedCheckpoint& offered);
  Status TakeAnswer(const PublishedCheckpoint& offered, const AddCheckpointAnswer& answer);
  void Note(const Status& status);

  const WitnessClientOptions options_;
  std::atomic<bool> cancelled_ = false;
  // Used by the thread only: what the witness is thought to have; never more than was offered.
  TreeSize known_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::optional<PublishedCheckpoint> offered_;
  TreeSize cosigned_;
  std::string failing_;
  // Last, so that it ends first.
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CHECKPOINT_WITNESS_CLIENT_H_
