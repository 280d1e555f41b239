#ifndef ANAMNESIS_NODE_CHECKPOINT_PUBLISHER_H_
#define ANAMNESIS_NODE_CHECKPOINT_PUBLISHER_H_

// Publishes checkpoints while the ledger grows, off the commit path: signs one at an interval, cosigns it itself, has
// it cosigned by the witnesses of a policy, and says which is the newest that satisfies the policy. One checkpoint at a
// time is sent around, so that witnesses of different speed sign the same one; the next follows when that has its
// quorum, or has been waited for long enough.
//
// What was witnessed is kept in DIR/checkpoint.witnessed, so that a node that starts again has receipts to give.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "anamnesis/v1/witness.pb.h"
#include "ledger/base/status.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/engine/ledger.h"
#include "ledger/note/policy.h"
#include "node/checkpoint/own_audit.h"
#include "node/checkpoint/witness.h"
#include "node/checkpoint/witness_client.h"

namespace anamnesis {

struct PublisherOptions {
  std::chrono::milliseconds interval{1000};
  // Whom to ask, and whose cosignatures are enough; none for asking nobody.
  std::optional<Policy> policy;
  // The log's keys as the ledger and this node know them now (LogKeys). The policy names one of them, ended or not:
  // which keys are the log's is for the ledger to say, and for the policy, which witnesses are enough. Any thread.
  std::function<StatusOr<std::vector<VerifierKey>>(LogKeyUse use)> log_keys;
  // Where what was witnessed is kept.
  std::string file;
  // Cosigns, and is asked by others; null for cosigning nothing. Both outlive the publisher.
  Witness* witness = nullptr;
  OwnAudit* audit = nullptr;
  // How witnesses are reached.
  HttpPost post;
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

// Safe for concurrent use.
class Publisher {
 public:
  // `ledger` outlives it. INVALID_ARGUMENT: the policy names none of the log's keys, or a witness's URL isn't one
  // of http or https. DATA_LOSS: what is kept is not of this ledger.
  static StatusOr<std::unique_ptr<Publisher>> Start(Ledger& ledger, PublisherOptions options);
  // Those that wait get UNAVAILABLE; witnesses are asked no more.
  ~Publisher();

  // What a reader over HTTP is given as the ledger's checkpoint: the newest that satisfies the policy, or, without one,
  // the newest signed, with this node's cosignature. nullopt: none yet.
  std::optional<PublishedCheckpoint> Newest() const;

  // Calls `ready`, once, with the newest checkpoint that satisfies the policy when it is over at least `size` events;
  // at once, or from another thread, and it must not block. Otherwise as GetWitnessedCheckpoint fails.
  using Ready = std::function<void(const StatusOr<PublishedCheckpoint>&)>;
  void AwaitWitnessed(TreeSize size, std::chrono::steady_clock::time_point deadline, Ready ready);

  // Those that wait now get UNAVAILABLE, and nobody waits any more.
  void EndWaiting();

  v1::WitnessStatus GetStatus() const;
  // Why this node doesn't cosign its own ledger, or whose fork it has seen; empty when all is well.
  std::string Alarm() const;

 private:
  struct Round {
    Checkpoint checkpoint;
    SignedNote note;
    std::chrono::steady_clock::time_point begun;
    bool cosigned_here = false;
    bool witnessed = false;
    // The policy's witnesses that say to have cosigned a larger one of another node meanwhile, and never cosign this.
    std::set<std::string> overtaken_at = {};
  };
  struct Waiter {
    TreeSize size;
    std::chrono::steady_clock::time_point deadline;
    Ready ready;
  };

  Publisher(Ledger& ledger, PublisherOptions options);
  Status Load();
  void AddClients();
  void Run();
  // True when there is more to verify at once.
  bool Audit();
  void BeginRound();
  void CosignHere();
  // The policy's witness of this name says so, of the round over `size`.
  void Overtaken(TreeSize size, const std::string& witness);
  void AddCosignature(TreeSize size, const NoteSignature& signature);
  void Note(const Status& status, std::string& failing, std::string_view what);
  // With mutex_ held: whether no quorum can come together any more.
  bool IsOvertaken(const Round& round) const;
  // With mutex_ held.
  bool RoundIsOver(std::chrono::steady_clock::time_point now) const;
  // The policy, with the log's keys as they are now.
  void TakeIfWitnessed();
  // Calls those whose wait is over; with mutex_ not held.
  void AnswerWaiters();

  Ledger& ledger_;
  const PublisherOptions options_;
  const std::string origin_;
  // Used by thread_ only.
  std::string signing_fails_;
  std::string cosigning_fails_;
  uint64_t published_size_ = 0;
  std::chrono::steady_clock::time_point sign_again_;
  std::chrono::steady_clock::time_point audit_again_;

  uint64_t listener_ = 0;
  // Set by the ledger, from its threads.
  std::atomic<bool> grown_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  bool no_waiting_ = false;
  std::optional<Round> round_;
  std::optional<PublishedCheckpoint> witnessed_;
  std::vector<Waiter> waiters_;
  // What keeps this node from verifying its own leaves; empty when nothing does.
  std::string audit_fails_;
  std::string policy_fails_;
  // Constant after Start: the policy's witnesses that are asked, or are this node itself.
  std::set<std::string> reached_;
  // Constant after Start. They end before what is above them.
  std::vector<std::unique_ptr<WitnessClient>> clients_;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CHECKPOINT_PUBLISHER_H_
