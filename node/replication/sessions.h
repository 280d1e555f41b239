#ifndef ANAMNESIS_NODE_REPLICATION_SESSIONS_H_
#define ANAMNESIS_NODE_REPLICATION_SESSIONS_H_

// Which sessions have ended, and at which revision: what may be removed from staging, and whose order keys from etcd. A
// part of Replica.

#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/types/span.h"
#include "ledger/base/ids.h"
#include "node/replication/batch.h"

namespace anamnesis {

class Sessions {
 public:
  // At `revision` exactly the sessions `live` existed. Of those `staged` something lies in this node's staging, of
  // those `ordering` in etcd; what of them is gone counts as ended at `revision`, which is not too early.
  void Reset(Revision revision, absl::Span<const SessionId> live, absl::Span<const SessionId> staged,
             absl::Span<const SessionId> ordering);

  // From the watch, ascending; also revisions up to the one given to Reset, which add nothing but the ends.
  void Created(Revision revision);
  void Deleted(Revision revision, SessionId session);
  // Everything up to `revision` was given.
  void Seen(Revision revision);

  // True when its end was seen. A session that was not opened yet, as far as seen, has not ended.
  bool HasEnded(SessionId session) const;

  // The sessions that ended at or before `revision`, each once: one list for this node's staging, one for etcd.
  std::vector<SessionId> TakeToCollect(Revision revision) { return TakeThrough(to_collect_, revision); }
  std::vector<SessionId> TakeToTrim(Revision revision) { return TakeThrough(to_trim_, revision); }

 private:
  using Ends = absl::btree_set<std::pair<Revision, SessionId>>;
  static std::vector<SessionId> TakeThrough(Ends& ends, Revision revision);

  Revision known_;
  absl::btree_set<SessionId> live_;
  Ends to_collect_;
  Ends to_trim_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_SESSIONS_H_
