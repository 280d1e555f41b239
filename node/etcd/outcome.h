#ifndef ANAMNESIS_NODE_ETCD_OUTCOME_H_
#define ANAMNESIS_NODE_ETCD_OUTCOME_H_

// What a failed call to etcd proves. For a write everything turns on one question: can it have been applied, or be
// applied yet? The answer is no only for refusals that etcd gives before it proposes a transaction, or on every member
// alike before it changes anything, and for calls that never left this process. These are listed, by etcd's own texts,
// in outcome.cc; all others (deadlines, broken connections, lost leaders, texts not known here) leave the outcome
// unknown. Pure functions, safe from any thread.
//
// To tell the two apart there is one code: a failed write is UNKNOWN if, and only if, its outcome is unknown.
//
// Two that are less innocent than they sound are unknown: "database space exceeded", since a member that finds its
// quota passed only when it applies a transaction says so after applying it, and "corrupt cluster", since a member's
// own corruption says nothing of the others.

#include <string_view>

#include "grpcpp/grpcpp.h"
#include "ledger/base/status.h"

namespace anamnesis {

struct CallFailure {
  // What the caller is told when nothing is tried any more.
  Status status;
  // The call did nothing, or may be done twice, and another endpoint may do better.
  bool try_elsewhere = false;
  // The call did nothing because of its token: with a new one it may be tried again on the same endpoint.
  bool token_refused = false;
};

// `status` is not OK; `endpoint` goes into the message.
CallFailure JudgeWrite(const grpc::Status& status, std::string_view endpoint);
// For calls that may be repeated. The codes are etcd's, with those of lost leaders and members as UNAVAILABLE.
CallFailure JudgeRead(const grpc::Status& status, std::string_view endpoint);
// The same from the reason for which etcd cancelled a watch.
CallFailure JudgeWatchCancel(std::string_view reason, std::string_view endpoint);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_OUTCOME_H_
