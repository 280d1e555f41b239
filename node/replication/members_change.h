#ifndef ANAMNESIS_NODE_REPLICATION_MEMBERS_CHANGE_H_
#define ANAMNESIS_NODE_REPLICATION_MEMBERS_CHANGE_H_

// One change of the members, as an operator asks for it. Pure.

#include "absl/container/btree_map.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "node/replication/members.h"

namespace anamnesis {

// A learner becomes a voter when it is at most so many revisions behind what a majority of the voters has: otherwise
// the voters would wait for it.
inline constexpr uint64_t kPromotionLagMax = 1'000;

struct MembersChange {
  enum class Kind { kAddLearner, kPromote, kDemote, kRemove, kReaddress };
  Kind kind = Kind::kAddLearner;
  // For kAddLearner and kReaddress all of it counts, otherwise only the node.
  Member member;
};

// What `current` becomes, in the order in which the nodes came; still to be checked by CheckMembersChange.
// INVALID_ARGUMENT: a member without a NodeId, or without an address where one is needed. NOT_FOUND: no such member.
// ALREADY_EXISTS: it is so already (the change that is retried was made).
// FAILED_PRECONDITION: what a learner has applied, as far as known, is too far behind for a voter.
StatusOr<Members> Changed(const Members& current, const MembersChange& change,
                          const absl::btree_map<NodeId, Revision>& durably_applied);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_MEMBERS_CHANGE_H_
