#include "node/service/append_service.h"

#include <atomic>
#include <utility>

#include "ledger/event/refusal.h"
#include "ledger/event/run_result.h"
#include "node/service/append_stream.h"

namespace anamnesis {

grpc::ServerUnaryReactor* AppendService::Append(grpc::CallbackServerContext* call, const v1::AppendRequest* request,
                                                v1::AppendResponse* reply) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  const Status size = CheckAppendRequest(*request);
  const size_t runs = static_cast<size_t>(request->runs_size());
  if (!size.ok() || runs == 0) {
    reactor->Finish(context_.failures.Answer("Append", size));
    return reactor;
  }
  for (size_t i = 0; i < runs; ++i) reply->add_results();
  // Verdicts may come from any thread; the one that brings the last of them finishes the call.
  const auto missing = std::make_shared<std::atomic<size_t>>(runs);
  const auto included = std::make_shared<std::atomic<uint64_t>>(0);
  const std::optional<v1::Agent> caller = context_.access.CallerOf(*call);
  for (size_t i = 0; i < runs; ++i) {
    const int place = static_cast<int>(i);
    const auto decide = [this, reactor, reply, missing, included, place](v1::RunResult result, uint64_t tree_size) {
      PutRunIndex(result, static_cast<size_t>(place));
      if (result.has_refused()) context_.failures.Note("Append", FromRpcStatus(result.refused()));
      *reply->mutable_results(place) = std::move(result);
      uint64_t most = *included;
      while (most < tree_size && !included->compare_exchange_weak(most, tree_size)) continue;
      if (missing->fetch_sub(1) != 1) return;
      reply->set_tree_size(*included);
      reactor->Finish(grpc::Status::OK);
    };
    const Status allowed = context_.access.CheckMayHandIn(caller, request->runs(place));
    if (allowed.ok()) {
      context_.ledger.AppendAsync(request->runs(place), decide);
    } else {
      decide(RefusedRun(allowed), 0);
    }
  }
  return reactor;
}

grpc::ServerBidiReactor<v1::AppendStreamRequest, v1::AppendStreamResponse>* AppendService::AppendStream(
    grpc::CallbackServerContext* call) {
  return anamnesis::AppendStream::Start(context_, streams_, context_.access.CallerOf(*call));
}

}  // namespace anamnesis
