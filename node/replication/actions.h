#ifndef ANAMNESIS_NODE_REPLICATION_ACTIONS_H_
#define ANAMNESIS_NODE_REPLICATION_ACTIONS_H_

// What a Replica wants done. The driver carries actions out in the order in which they come, as far as the order can be
// seen: Stage and RemoveStaged of one batch, deliveries, and publications must not overtake each other; all may overlap
// in time. An action that names no answer is not answered, and one that is lost with the process is asked for again.

#include <variant>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"

namespace anamnesis {

// ---- etcd -----------------------------------------------------------------------------------------------------------

// Watch order records, session keys and `members` from this revision on, in place of any watch before. A watch that
// breaks off is resumed by the driver where it was, or earlier. When history that it needs is compacted, or lies before
// what this etcd has at all, at or below the base: OnCompacted.
struct Watch {
  Revision from;
};

// Make an end of this node's session, if there is one, and open another: revoke the lease, delete `sessions/<node>`,
// then create the key under a new lease, comparing that it is absent. Tried until it is done; then OnSessionOpened.
struct OpenSession {};

// Make an end of this node's session, if there is one: it has left the cluster.
struct CloseSession {};

// One transaction:
//   if    create revision of sessions/<record.proposer> is record.id.session
//     and mod revision of members is `members`
//     and orders/<session>/<number> does not exist
//   then  put that key
//   else  get that key, sessions/<proposer> and members.
// Answered, each exactly once and within a deadline that the driver sets, by OnOrderOutcome.
struct OrderTransaction {
  OrderRecord record;
  Revision members;
};

// Delete all order keys of these sessions: they have ended, so no order transaction can be executed for them any more,
// and every member that isn't far behind has durably applied what they ordered, all of it at or before `through`. Note
// with the same transaction, where a later trim of whichever node doesn't take it back, that keys may be missing of
// what was ordered up to there (OnCompacted). Asked for by every voter; idempotent.
struct TrimSessions {
  std::vector<SessionId> sessions;
  Revision through;
};

// Compact etcd's history before this revision. Asked for by every voter; that it was done already is no error.
struct Compact {
  Revision revision;
};

// ---- Peers ----------------------------------------------------------------------------------------------------------

// Send an own batch, whose bytes the driver holds, to a voter to be stored. May be dropped when the peer can't be
// reached or its queue is full: it is asked for again until the batch is ordered.
struct SendStore {
  NodeId to;
  OrderRecord batch;
};

// Tell the proposer that this node has stored the batch durably. The message names this node.
struct Acknowledge {
  NodeId to;
  BatchId id;
  Digest digest;
};

// Ask a peer for the bytes of an ordered batch. Answered by OnFetched or OnFetchFailed; when neither comes in time the
// next peer is asked.
struct Fetch {
  NodeId from;
  OrderRecord batch;
};

// Tell all members the durably applied revision of this node. Only the last one counts. Repeated now and then.
struct PublishApplied {
  Revision revision;
};

// ---- Disk -----------------------------------------------------------------------------------------------------------

// Write the batch to staging, synced, replacing what is there under its id. The bytes are those of the call that led to
// it: OnStoreRequest, OnFetched, or an own proposal's. Answered by OnStaged or OnStageFailed.
struct Stage {
  OrderRecord batch;
};

// Remove these from staging, if they are there. Needs no sync.
struct RemoveStaged {
  std::vector<BatchId> ids;
};

// ---- The ledger -----------------------------------------------------------------------------------------------------
// In ascending revisions, each answered by OnApplied once it and everything before is durable.

// Apply the batch. Its bytes are in staging, or those of an own proposal. Together with its effects, in one atomic
// write, go the applied revision and the session's number into AppliedNumbers.
struct DeliverBatch {
  Revision revision;
  OrderRecord record;
};

// Note the members: durable state says who the members were at the applied revision (DurableState::members).
struct DeliverMembers {
  Members members;  // at members.revision
};

// Nothing was ordered up to here; only the applied revision moves, so that an idle cluster can compact, and that what
// one member noted so is settled once a majority has.
struct DeliverProgress {
  Revision revision;
};

// Everything ordered up to this revision has been applied here and durably by a majority of the voters, and only that
// may be shown to anybody: verdicts, reads, receipts, checkpoints, decisions. Ascends. For a linearizable read: write a
// key of no meaning to etcd, and answer when what is settled has reached the revision of that. Everything that was
// settled anywhere before has a lower one, and the watch shows the key, so that settled gets there.
struct Settled {
  Revision revision;
};

// An own proposal ends here: the driver forgets its bytes, and if it turns up in the order after all, it is fetched.
struct Dropped {
  enum class Fate {
    // Certainly never in this etcd's order. Should etcd be lost, recovery may still find it on a disk and order it.
    kNotOrdered,
    // It may be, or come to be, in the order. Tell the callers "unknown"; a retried event id finds out.
    kUnknown,
  };
  BatchId id;
  Fate fate;
};

// ---- Ends -----------------------------------------------------------------------------------------------------------

// etcd's history no longer reaches back to what this node has applied, or nobody holds the bytes of what comes next. It
// has to copy the applied state, durably applied at `at_least` or later, from a peer: manifest, leaves and bodies,
// state, AppliedNumbers and members. Meanwhile this Replica stores and acknowledges for others, and nothing else. When
// the copy is durable, the driver destroys this Replica and makes another from the disk; what is staged stays.
struct NeedCatchUp {
  Revision at_least;
};

// Something was seen that can't be in a sound cluster. Nothing more comes out of this Replica: nothing is ordered,
// delivered or settled here, and whoever waits for that is told that nobody knows. Take nothing more, until the process
// is started again; what was settled before may still be read.
//   FAILED_PRECONDITION: etcd belongs to another incarnation (recovery.h).
//   DATA_LOSS: etcd contradicts what this node proposed or was told before, or holds what can't be read.
struct Halt {
  Status reason;
};

using Action = std::variant<Watch, OpenSession, CloseSession, OrderTransaction, TrimSessions, Compact, SendStore,
                            Acknowledge, Fetch, PublishApplied, Stage, RemoveStaged, DeliverBatch, DeliverMembers,
                            DeliverProgress, Settled, Dropped, NeedCatchUp, Halt>;

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_ACTIONS_H_
