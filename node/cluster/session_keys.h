#ifndef ANAMNESIS_NODE_CLUSTER_SESSION_KEYS_H_
#define ANAMNESIS_NODE_CLUSTER_SESSION_KEYS_H_

// Which session a deleted key was: etcd tells the key and when, and each node has one key for all its sessions.

#include <map>
#include <string>
#include <string_view>

#include "node/replication/batch.h"

namespace anamnesis {

// Fed with a snapshot, then with what a watch shows, which may begin before the snapshot. Used by one thread.
class SessionKeys {
 public:
  // The key exists, in the snapshot or as the watch shows its creation.
  void Created(std::string_view key, SessionId session) { sessions_[std::string(key)] = session; }

  // The session that ended with the key's deletion at `revision`. 0 when that was before the snapshot and its beginning
  // before the watch: the key known here is of a later session, which must not be taken for the one that ended. Which
  // one it was is not needed then, since it is not in the snapshot.
  SessionId Deleted(std::string_view key, Revision revision) const {
    const auto found = sessions_.find(key);
    return found != sessions_.end() && found->second.value < revision.value ? found->second : SessionId();
  }

 private:
  std::map<std::string, SessionId, std::less<>> sessions_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_SESSION_KEYS_H_
