#ifndef ANAMNESIS_NODE_SERVICE_CONTEXT_H_
#define ANAMNESIS_NODE_SERVICE_CONTEXT_H_

// What every service of a node works with, and how it answers a call that needs one look at the ledger.

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
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

// Another node may have time: that is no matter of what was asked, as RESOURCE_EXHAUSTED is of an answer too large.
inline Status TooBusy() { return absl::UnavailableError("too many requests wait at this node; ask another, or again"); }

// The result of a run that the ledger was not asked about.
inline v1::RunResult RefusedRun(const Status& why) {
  v1::RunResult result;
  *result.mutable_refused() = ToRpcStatus(why);
  return result;
}

// Until when a call may wait for what it asks to be included: a little less than its deadline, so that its caller hears
// why it was not.
inline std::chrono::steady_clock::time_point WaitDeadline(const grpc::CallbackServerContext& call) {
  constexpr std::chrono::hours kLong(1);
  const auto now = std::chrono::system_clock::now();
  // A call without a deadline has the last time there is.
  const std::chrono::nanoseconds left = call.deadline() > now + kLong ? kLong : call.deadline() - now;
  return std::chrono::steady_clock::now() + left - left / 10;
}

// Answers a unary call with `ask()`, a StatusOr<Reply>, run on a worker once the ledger has what the request's
// `consistency` asks for; no worker waits for that. Holds itself until gRPC is done with it.
template <typename Reply, typename Ask>
class UnaryAnswer : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<UnaryAnswer<Reply, Ask>> {
 public:
  UnaryAnswer(const ServiceContext& context, grpc::CallbackServerContext* call, std::string_view method, Reply* reply,
              Ask ask)
      : context_(context), call_(call), method_(method), reply_(reply), ask_(std::move(ask)) {}

  void Start(const v1::Consistency& consistency) {
    self_ = this->shared_from_this();
    const uint64_t token = context_.ledger.AwaitConsistency(
        consistency, WaitDeadline(*call_), [held = self_](const Status& status) { held->OnReady(status); });
    const std::lock_guard lock(mutex_);
    token_ = token;
    if (cancelled_) context_.ledger.CancelAwait(token_);
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    context_.ledger.CancelAwait(token_);
  }
  void OnDone() override { const std::shared_ptr<UnaryAnswer> last = std::move(self_); }

 private:
  void OnReady(const Status& status) {
    if (!status.ok()) return this->Finish(context_.failures.Answer(method_, status));
    const auto work = [held = this->shared_from_this()] { held->AskNow(); };
    if (!context_.workers.TrySubmit(work)) this->Finish(context_.failures.Answer(method_, TooBusy()));
  }

  void AskNow() {
    if (call_->IsCancelled()) return this->Finish(grpc::Status::CANCELLED);
    StatusOr<Reply> answer = ask_();
    if (answer.ok()) *reply_ = *std::move(answer);
    this->Finish(context_.failures.Answer(method_, answer.status()));
  }

  const ServiceContext context_;
  grpc::CallbackServerContext* const call_;
  const std::string_view method_;
  Reply* const reply_;
  const Ask ask_;
  std::shared_ptr<UnaryAnswer> self_;
  std::mutex mutex_;
  // Guarded by mutex_.
  uint64_t token_ = 0;
  bool cancelled_ = false;
};

// Answers a unary call; `method` is a literal. A request without a `consistency` asks for none. gRPC keeps `reply` and
// the request until the reactor is finished.
template <typename Request, typename Reply, typename Ask>
grpc::ServerUnaryReactor* AnswerOnWorker(const ServiceContext& context, grpc::CallbackServerContext* call,
                                         std::string_view method, const Request* request, Reply* reply, Ask ask) {
  const auto answer = std::make_shared<UnaryAnswer<Reply, Ask>>(context, call, method, reply, std::move(ask));
  if constexpr (requires { request->consistency(); }) {
    answer->Start(request->consistency());
  } else {
    answer->Start({});
  }
  return answer.get();
}

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_CONTEXT_H_
