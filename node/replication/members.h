#ifndef ANAMNESIS_NODE_REPLICATION_MEMBERS_H_
#define ANAMNESIS_NODE_REPLICATION_MEMBERS_H_

// Who takes part: a value that stands in etcd under `members`. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/types/span.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "node/replication/batch.h"

namespace anamnesis {

// Whether `text` can name a node: 1 to 64 characters of [a-z0-9-].
bool IsNodeId(std::string_view text);

inline constexpr size_t kVotersMax = 7;
inline constexpr size_t kMembersMax = 64;

struct Member {
  NodeId node;
  // For people and for connecting; nothing here reads them.
  std::string name;
  std::string address;
  // The id under which its certificate names it, spiffe://ORIGIN/node/ID; empty when that is `node`.
  std::string certificate_name;

  // Which id that is.
  const NodeId& CertificateId() const { return certificate_name.empty() ? node : certificate_name; }

  friend bool operator==(const Member&, const Member&) = default;
};

struct Members {
  // The revision of the put, the key's mod revision; 0 when there was none. Not part of the stored value.
  Revision revision;
  // How many times the order was taken to a new etcd (recovery.h). Nodes of another incarnation follow another order.
  uint64_t incarnation = 0;
  // Their copies count for durability.
  std::vector<Member> voters;
  // They only follow. No node is both.
  std::vector<Member> learners;
  // What the change was, and why, for the ledger's record of it; nothing here reads it.
  std::string change;
  // The revision of the members that these took the place of; 0: of none. Who has those has missed no change between.
  Revision replaces = Revision(0);

  // Voters, then learners. Borrowed.
  std::vector<const Member*> All() const;
  bool IsVoter(const NodeId& node) const;
  bool IsMember(const NodeId& node) const;

  friend bool operator==(const Members&, const Members&) = default;
};

// True when more than half of the voters are in `nodes`; never when there are no voters. Others in `nodes` don't count.
bool IsMajority(const Members& members, const absl::btree_set<NodeId>& nodes);

// The highest revision that a majority of the voters has reached, by what is known of each; 0 when there is none.
Revision ReachedByMajority(const Members& members, const absl::btree_map<NodeId, Revision>& reached);

// Whether `next` may follow `current`, given the durably applied revision of each node as far as known. The change is
// then made with one transaction: if mod revision of `members` is current.revision, put next.
// INVALID_ARGUMENT: `next` has no voters, more than kVotersMax or kMembersMax, a node or a certificate's name twice, a
// name that is no NodeId,
// another incarnation, or differs by more than one voter (replacing one is two changes: majorities before and after a
// change must have a voter in common).
// FAILED_PRECONDITION: no majority of the current voters is known to have durably applied past the last change; try
// again later. Without this wait majorities two changes apart could miss each other.
Status CheckMembersChange(const Members& current, const Members& next,
                          const absl::btree_map<NodeId, Revision>& durably_applied);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_MEMBERS_H_
