#ifndef ANAMNESIS_NODE_REPLICATION_REPLICA_H_
#define ANAMNESIS_NODE_REPLICATION_REPLICA_H_

// One node's part in the replication protocol, as a deterministic state machine: what happens comes in by method calls,
// what is to be done goes out as actions (actions.h), and nothing else is touched: no clock, disk, network, etcd. It
// knows batches by id, digest and size and never sees their bytes. One caller at a time; no call blocks.
//
//   propose  Propose gives a batch the next number of this node's session.
//   store    Every voter verifies and stages it durably, then acknowledges (SendStore, Stage, Acknowledge).
//   order    Once a majority of the voters has: OrderTransaction, one at a time in a session, by number. What it
//            compares means that a majority is never counted under old members, that a session which has ended orders
//            nothing, and that no batch is ordered twice however often the transaction is sent.
//   apply    Every node watches the order and delivers it from staging or from a holder (Fetch, DeliverBatch).
//   settle   Applied here and durably by a majority of the voters (PublishApplied, Settled): may be shown.
//   remove   An applied batch when all have it; one that was not ordered when its session has ended and everything up
//            to that end is applied (RemoveStaged). Order keys of ended sessions when all have what they ordered
//            (TrimSessions, Compact).
//
// Driver's duties, beyond those written at the actions:
//   * After every call, or some, carry out TakeActions().
//   * Call Tick every 100 ms or so.
//   * Keep the bytes of an own proposal in memory until DeliverBatch or Dropped for it, and its Stage is answered. Keep
//     those of OnStoreRequest and OnFetched until the Stage that follows is answered; when the actions hold no Stage
//     for it, drop them at once.
//   * Answer peers' Fetch from staging, or with an own proposal's bytes, if they have the digest that is asked for;
//     "gone" when they are not there and AppliedNumbers on the disk contain the batch.
//   * Peers are authenticated and of the same ledger and incarnation before anything from them is handed in.
//   * Keep the lease alive, and call OnSessionLost as soon as it may have ended by the clock that goes on while the
//     machine sleeps.
//   * Ask the watch for progress about every second, for without it nothing moves past the last order record.
//   * After a write that fails for good (not for want of space) take nothing more, until the ledger is opened again.
//   * A fenced node (recovery.h) makes no Replica.
//
// Time is microseconds of any clock that does not go back. After Halt no input has any effect.

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "node/replication/actions.h"
#include "node/replication/batch.h"
#include "node/replication/fetches.h"
#include "node/replication/members.h"
#include "node/replication/order_queue.h"
#include "node/replication/proposals.h"
#include "node/replication/recovery.h"
#include "node/replication/replica_options.h"
#include "node/replication/sessions.h"
#include "node/replication/staging_index.h"

namespace anamnesis {

// What the driver reads from the node's disk when it starts. All but `node` is empty on a new disk.
struct DurableState {
  // Made with the disk.
  NodeId node;
  // The last revision answered by OnApplied, and what was written with it.
  Revision applied;
  AppliedNumbers applied_numbers;
  Members members;
  // Everything that lies in staging, synced, in any order. What a torn write left is not there.
  std::vector<StagedBatch> staged;
};

// A linearizable read of etcd, all of it at `revision`: `members`, the keys below `sessions/`, and which sessions have
// keys below `orders/`.
struct EtcdSnapshot {
  Revision revision;
  std::vector<SessionId> sessions;
  Members members;
  std::vector<SessionId> ordering = {};
};

// What was ordered above a revision that a watch had shown, and is compacted since, as the keys tell that stand now,
// for they stay until they are trimmed.
struct Missed {
  // Of a record that can't be told any more, or may have been there; 0: there is none.
  Revision lost;
  // Otherwise all of them, in ascending revisions.
  std::vector<std::pair<Revision, OrderRecord>> records = {};
};

struct OrderOutcome {
  enum class Kind {
    kOrdered,
    // What the transaction found, the first of these that is so. kKeyExists says that the batch is ordered already.
    kKeyExists,
    kSessionEnded,
    kMembersChanged,
    // No answer came: it was executed, or will be, or not.
    kUnknown,
    // It certainly was and will not be executed.
    kNotExecuted,
  };
  Kind kind = Kind::kUnknown;
  // Of the record that kKeyExists found.
  Digest found;
};

enum class FetchFailure {
  // The peer can't be reached, refuses, does not have the bytes yet or sent others.
  kNotNow,
  // The peer has applied the batch and does not keep its bytes any more.
  kGone,
};

class Replica {
 public:
  Replica(DurableState durable, ReplicaOptions options);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // Called once, before everything else but TakeActions. Asks for the watch, and for a session if this node is a
  // member. FAILED_PRECONDITION, and then this Replica is of no use: `snapshot` is older than what this node has
  // applied (etcd was restored from a backup: recover), is of another incarnation, or has no members.
  Status Start(int64_t now_us, const EtcdSnapshot& snapshot);

  // The actions since the last call, in order.
  std::vector<Action> TakeActions() { return std::exchange(actions_, {}); }

  // Asks again for what was not answered, when it is time.
  void Tick(int64_t now_us);

  // ---- Own batches ----

  // Proposes a batch. It then ends in one of two ways: DeliverBatch with this id, or Dropped. May take for ever while
  // etcd or a majority of the voters can't be reached. The size is only used for bounds and is at least 1.
  // UNAVAILABLE: no session at the moment; later there may be one. RESOURCE_EXHAUSTED: too much in flight.
  // FAILED_PRECONDITION: this node is no member. INVALID_ARGUMENT: larger than proposed_bytes_max, or empty.
  StatusOr<BatchId> Propose(const Digest& digest, uint64_t size_bytes);

  void OnOrderOutcome(const BatchId& id, const OrderOutcome& outcome);
  // `voter` has `digest` durably staged under `id`, as the authenticated voter itself says.
  void OnAcknowledged(const NodeId& voter, const BatchId& id, const Digest& digest);

  // ---- Session ----

  void OnSessionOpened(SessionId session);
  // The session may have ended. Nothing more is ordered in it, and another is asked for. Ignored for any other session.
  void OnSessionLost(SessionId session);

  // ---- Disk ----

  // True when it is still wanted there; otherwise RemoveStaged was asked for meanwhile.
  bool OnStaged(const BatchId& id);
  // For want of space; the batch is not acknowledged. Tried again when it is sent or needed again.
  void OnStageFailed(const BatchId& id);
  // The bytes of a batch that was delivered and is not applied were to be in staging and are not, or are damaged: they
  // are fetched from another holder. It is then delivered again, and with it everything that follows it, none of which
  // may be applied before.
  void OnStagedLost(const BatchId& id);
  // Everything delivered up to `revision`, which was delivered, is durably applied.
  void OnApplied(Revision revision);

  // ---- Peers ----

  // A peer sent a batch to be stored. Its bytes have this digest and size, and every seal in it was verified. Leads to
  // Stage, or to Acknowledge at once, or to nothing when it is not wanted: its session has ended, it is applied
  // already, other bytes are here under its id, or its number is too far ahead.
  void OnStoreRequest(const OrderRecord& batch);
  // Bytes came whose digest was computed. Ignored when nothing is needed under `id`; other bytes than those needed
  // count as FetchFailure::kNotNow.
  void OnFetched(const NodeId& from, const BatchId& id, const Digest& digest);
  void OnFetchFailed(const NodeId& from, const BatchId& id, FetchFailure failure);
  void OnPeerApplied(const NodeId& node, Revision revision);

  // ---- Watch ----
  // In ascending revisions and without gaps from Watch::from on, as etcd promises, also across a resumed watch; what is
  // shown again is ignored. Each revision holds at most one of these.

  void OnOrderRecord(Revision revision, const OrderRecord& record);
  // The session's id is the revision.
  void OnSessionCreated(Revision revision);
  void OnSessionDeleted(Revision revision, SessionId session);
  // `members.revision` is the revision.
  void OnMembersChanged(const Members& members);
  // Something that the watch has shown can't be parsed, as `why` says: nothing that follows is looked at.
  void OnUnreadable(const Status& why) { HaltFor(why); }
  // The watch has shown everything up to and including `revision`.
  void OnProgress(Revision revision);
  // The watch can't be begun or resumed, since history is gone; `missed` is what was ordered above watched() up to
  // `now`. Leads to NeedCatchUp, or to Watch from `now` on.
  void OnCompacted(const Missed& missed, const EtcdSnapshot& now);

  // The last revision that the watch has shown; a watch that broke off is resumed at the next one, or any before it.
  Revision watched() const { return watched_; }
  // False while enough is queued: then read no more from the watch until it is true again.
  bool wants_watch() const { return !catching_up_ && queue_.size() < options_.watched_max; }

  // ---- For status pages and tests ----

  // The open session, 0 while there is none.
  SessionId session() const { return session_; }
  // Durably applied here.
  Revision applied() const { return applied_; }
  Revision settled() const { return settled_; }
  // As the watch has shown them last.
  const Members& members() const { return members_; }
  // Whom this node has to do with: the members, and, as learners, those that left by changes that are not applied here
  // yet, since they may hold what has to be applied before.
  Members reachable() const;
  size_t reachable_count() const { return members_.voters.size() + members_.learners.size() + former_.size(); }
  // Durably applied by each member, as far as heard, this node included: for CheckMembersChange.
  absl::btree_map<NodeId, Revision> applied_by_members() const;
  bool catching_up() const { return catching_up_; }
  // Whether this node heard of another member in the last `us` microseconds before the last Tick; true for itself.
  bool HeardWithin(const NodeId& node, int64_t us) const;

 private:
  enum class SessionState { kNone, kOpening, kOpen };
  // Of another member.
  struct Peer {
    Revision applied = Revision(0);
    bool heard = false;
    // Or since when it is known as a member.
    int64_t heard_us = 0;
    // Where the order was then. One that was not heard yet is taken to have applied up to there, not for one that has
    // nothing, and not for one that has everything.
    Revision known_at = Revision(0);
  };

  void Do(Action action);
  void DoAll(std::vector<Fetch> fetches);
  void HaltFor(Status reason);
  // From now on only what others need of this node goes on.
  void CatchUp(Revision at_least);

  void WantSession();
  void EndSession();
  void RenewSessionWhenFull();

  // Sends the proposal to the voters that have not stored it, and writes it here if that is missing.
  void Store(Proposal& proposal);
  void TryOrder();
  void BeginStage(const OrderRecord& batch, const NodeId& acknowledge);
  // Whether the driver has the bytes of a batch to apply.
  bool HasBytes(const OrderRecord& record);

  // True when the watch has not shown `revision` before.
  bool Advance(Revision revision);
  // Puts into the queue that nothing was ordered for a long time, or since the last that another member applied.
  void NoteProgress();
  bool MayDeliver(const QueueEntry& entry);
  void Deliver(const QueueEntry& entry);
  void DeliverAndFetch();
  std::vector<NodeId> HoldersOf(const OrderRecord& record) const;

  // Everything up to it that the watch will ever show is durably applied here.
  Revision Processed() const;
  // Every member that isn't far behind has durably applied up to it.
  Revision LowestApplied() const;
  // What follows from the state of application here and elsewhere.
  void SettleAndRemove();
  // The order is at `now`.
  void NoteMembers(const Members& members, Revision now);

  const NodeId self_;
  const ReplicaOptions options_;
  std::vector<Action> actions_;
  bool halted_ = false;
  bool catching_up_ = false;
  int64_t now_us_ = 0;

  // As far as the watch has shown, or the snapshot at the start.
  Members members_;
  Sessions sessions_;
  Revision watched_;
  // Of the last members that the watch has shown, or that are applied.
  Revision shown_members_;
  // Of each session the last number seen in the order.
  AppliedNumbers ordered_numbers_;
  OrderQueue queue_;
  Fetches fetches_;
  StagingIndex staging_;
  // After a batch could not be staged for want of space: nothing is fetched before then, and how long that was.
  int64_t fetch_from_us_ = 0;
  int64_t fetch_pause_us_ = 0;

  // As of what is durably applied here.
  Revision applied_;
  Members applied_members_;
  Revision settled_;
  absl::btree_map<NodeId, Peer> peers_;
  // Those that left, by the revisions at which they did, until these are applied here.
  std::vector<std::pair<Revision, Member>> former_;
  Revision compacted_;
  int64_t published_us_ = 0;

  SessionState session_state_ = SessionState::kNone;
  SessionId session_;
  uint64_t last_number_ = 0;
  Proposals proposals_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_REPLICA_H_
