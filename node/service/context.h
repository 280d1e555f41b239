#ifndef ANAMNESIS_NODE_SERVICE_CONTEXT_H_
#define ANAMNESIS_NODE_SERVICE_CONTEXT_H_

// What every service of a node works with, and how it answers a call that needs one look at the ledger.

#include <string_view>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "ledger/engine/ledger.h"
#include "ledger/event/refusal.h"
#include "node/service/access.h"
#include "node/service/failures.h"
#include "node/service/worker_pool.h"

namespace anamnesis {

// Borrows; all of it outlives the services and every call on them.
struct ServiceContext {
  Ledger& ledger;
  WorkerPool& workers;
  Failures& failures;
  const Access& access;
};

inline Status TooBusy() { return absl::ResourceExhaustedError("the node has too many requests waiting; retry later"); }

// The result of a run that the ledger was not asked about.
inline v1::RunResult RefusedRun(const Status& why) {
  v1::RunResult result;
  *result.mutable_refused() = ToRpcStatus(why);
  return result;
}

// Answers a unary call with `ask()`, a StatusOr<Reply>, run on a worker. gRPC keeps `reply` and the request until the
// reactor that this returns is finished.
template <typename Reply, typename Ask>
grpc::ServerUnaryReactor* AnswerOnWorker(const ServiceContext& context, grpc::CallbackServerContext* call,
                                         std::string_view method, Reply* reply, Ask ask) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  const auto work = [&failures = context.failures, call, method, reply, ask = std::move(ask), reactor] {
    if (call->IsCancelled()) return reactor->Finish(grpc::Status::CANCELLED);
    StatusOr<Reply> answer = ask();
    if (answer.ok()) *reply = *std::move(answer);
    reactor->Finish(failures.Answer(method, answer.status()));
  };
  if (!context.workers.TrySubmit(work)) reactor->Finish(context.failures.Answer(method, TooBusy()));
  return reactor;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_CONTEXT_H_
