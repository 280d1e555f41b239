#ifndef ANAMNESIS_NODE_ETCD_ETCD_TYPES_H_
#define ANAMNESIS_NODE_ETCD_ETCD_TYPES_H_

// Questions to etcd and its answers. Keys are without the client's prefix everywhere: it is put before them on the way
// out and taken off on the way in. Revisions are etcd's: one counter for the whole store, from 1, of which every
// transaction that changes something takes the next; 0 means none.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etcd/rpc.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

struct EtcdKeyValue {
  std::string key;
  std::string value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  // 0: the key lives until it is deleted.
  int64_t lease_id = 0;
};

// What a read may be answered from: all that any client was told is done when the read began (asks a majority), or
// whatever the member asked has (costs one message, works without a majority, may be old).
enum class EtcdConsistency { kLinearizable, kSerializable };

struct EtcdRangeQuery {
  // The keys that start with it, in the order of their bytes.
  std::string prefix = "";
  // Begins after this key: the last one of the page before. Empty: with the first.
  std::string after = "";
  // At most so many; 0: all.
  int64_t limit = 0;
  // As of this revision: that of the first page on the pages that follow. 0: now.
  int64_t revision = 0;
  // Only keys changed at this revision or later.
  int64_t changed_since = 0;
  bool keys_only = false;
  EtcdConsistency consistency = EtcdConsistency::kLinearizable;
};

struct EtcdRangeResult {
  // What the store's revision was when the question was answered.
  int64_t revision = 0;
  std::vector<EtcdKeyValue> items;
  // There are more after the last of `items`.
  bool more = false;
};

// A transaction: if every comparison holds, what Then... added is done, else what Else... added; whole or not at all.
class EtcdTxn {
 public:
  EtcdTxn& IfAbsent(std::string_view key) { return IfCreateRevision(key, 0); }
  // The key came into being at this revision; 0: there is no such key.
  EtcdTxn& IfCreateRevision(std::string_view key, int64_t revision);
  // The key was last changed at this revision; 0: there is no such key.
  EtcdTxn& IfModRevision(std::string_view key, int64_t revision);
  EtcdTxn& IfValue(std::string_view key, std::string_view value);

  // `lease_id` is 0 or a lease with which the key is to end.
  EtcdTxn& ThenPut(std::string_view key, std::string_view value, int64_t lease_id = 0);
  EtcdTxn& ThenDelete(std::string_view key);
  // Deletes the keys in ["first", "end"), of which none may be empty.
  EtcdTxn& ThenDeleteRange(std::string_view first, std::string_view end);
  EtcdTxn& ElseGet(std::string_view key);

 private:
  friend class EtcdClient;
  etcdserverpb::Compare& AddCompare(std::string_view key, etcdserverpb::Compare::CompareTarget target);

  // With keys that lack the prefix yet.
  etcdserverpb::TxnRequest request_;
};

struct EtcdTxnResult {
  // The comparisons held.
  bool succeeded = false;
  // Of the changes, if any were made; else the store's when the transaction was decided.
  int64_t revision = 0;
  // For each ElseGet of a transaction that didn't succeed, in order, the key as it is; one with mod_revision 0 is not
  // there.
  std::vector<EtcdKeyValue> found;
};

struct EtcdEvent {
  // The value is empty and create_revision 0 when the key was deleted.
  EtcdKeyValue item;
  bool deleted = false;
};

// What a watch delivers at a time.
struct EtcdWatchBatch {
  // In the order of their revisions (item.mod_revision); all events of a revision are in one batch. None: nothing
  // happened, but it is certain by now that nothing did until `revision`.
  std::vector<EtcdEvent> events;
  // Everything up to and including this revision has been delivered.
  int64_t revision = 0;
};

struct EtcdLease {
  int64_t id = 0;
  int64_t ttl_seconds = 0;
};

struct EtcdEndpointHealth {
  std::string address;
  // OK: answers and knows a leader. UNAVAILABLE: not connected, doesn't answer, or knows no leader. Else what etcd
  // says.
  Status status = absl::UnavailableError("not asked yet");
  // The others are as of the last answer.
  std::string version;
  uint64_t member_id = 0;
  bool is_leader = false;
  int64_t store_bytes = 0;
  int64_t store_bytes_in_use = 0;
  // Alarms of any member, as this one knows them: the store is over its quota and takes nothing but deletions and
  // compaction until an operator acts; the members' stores differ.
  bool no_space = false;
  bool corrupt = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_ETCD_TYPES_H_
