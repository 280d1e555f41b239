#ifndef ANAMNESIS_NODE_ETCD_CALL_H_
#define ANAMNESIS_NODE_ETCD_CALL_H_

// One call to etcd with one answer: waits for a connected endpoint, sends, judges a failure, and where that is safe
// goes on to another endpoint or gets another token, until its deadline. A write is sent again only when it is certain
// that it did nothing. Not for users of the room, who have EtcdClient.

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "node/etcd/connection.h"
#include "node/etcd/outcome.h"

namespace anamnesis {

enum class CallKind {
  // May be repeated.
  kRead,
  kWrite,
  // May be repeated and carries no token: it asks for one.
  kAuthenticate,
};

// How long a call may take in all, and on one endpoint once it was sent.
struct CallTime {
  BootClock::duration total;
  BootClock::duration attempt;
};

inline CallTime CallTimeOf(const EtcdOptions& options) { return {options.call_timeout, options.attempt_timeout}; }

template <typename Request, typename Response>
class EtcdCall : public InFlight, public std::enable_shared_from_this<EtcdCall<Request, Response>> {
 public:
  // Starts the call on an endpoint; gRPC calls the last argument back, once.
  using Start = std::function<void(Endpoint&, grpc::ClientContext*, const Request*, Response*,
                                   std::function<void(grpc::Status)>)>;
  using Done = std::function<void(StatusOr<Response>)>;

  // `done` is called once: from a thread of gRPC or of the timers, or from this one before Run returns, with no lock
  // held. It must not block.
  static void Run(std::shared_ptr<EtcdConnection> connection, CallKind kind, CallTime time, Start start,
                  Request request, Done done) {
    const std::shared_ptr<EtcdCall> call(
        new EtcdCall(std::move(connection), kind, time, std::move(start), std::move(request), std::move(done)));
    if (!call->connection_->Add(call)) return call->done_(absl::CancelledError("the etcd client is closed"));
    call->Attempt();
  }

  void Cancel() override {
    std::shared_ptr<grpc::ClientContext> context;
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
      context = context_;
    }
    if (context) context->TryCancel();
  }

 private:
  EtcdCall(std::shared_ptr<EtcdConnection> connection, CallKind kind, CallTime time, Start start, Request request,
           Done done)
      : connection_(std::move(connection)),
        kind_(kind),
        start_(std::move(start)),
        request_(std::move(request)),
        done_(std::move(done)),
        attempt_time_(time.attempt),
        deadline_(BootClock::now() + time.total) {}

  // Sends the request, now or later. Nothing that may have an effect is under way when it is called.
  void Attempt() {
    const BootClock::duration left = deadline_ - BootClock::now();
    if (left <= BootClock::duration::zero()) return Finish(failure_);
    Endpoint* const endpoint = connection_->Choose();
    // What is not sent to a channel without connection is certainly not applied; and once one is connected, the choice
    // is not limited to the endpoint at which the call happens to wait.
    if (endpoint == nullptr) return AttemptLater();
    token_ = connection_->Token();
    if (kind_ != CallKind::kAuthenticate && connection_->WantsToken() && token_.empty()) return RenewToken();
    const auto context = std::make_shared<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::duration_cast<std::chrono::microseconds>(std::min(left, attempt_time_)));
    // A stale token would have etcd refuse to give another one.
    connection_->Dress(*context, kind_ == CallKind::kAuthenticate ? "" : token_);
    {
      const std::lock_guard lock(mutex_);
      if (!cancelled_) context_ = context;
    }
    if (!context_) return Finish(absl::CancelledError("the etcd client is closed; nothing was sent"));
    ++attempts_;
    response_.Clear();
    start_(*endpoint, context.get(), &request_, &response_,
           [self = this->shared_from_this(), endpoint, context](const grpc::Status& status) {
             self->TakeAnswer(*endpoint, status);
           });
  }

  void AttemptLater() {
    connection_->timers().After(std::chrono::milliseconds(10), [self = this->shared_from_this()] {
      {
        const std::lock_guard lock(self->mutex_);
        if (self->cancelled_) self->deadline_ = BootClock::now();
      }
      self->Attempt();
    });
  }

  void TakeAnswer(Endpoint& endpoint, const grpc::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      context_ = nullptr;
      if (cancelled_) deadline_ = BootClock::now();
    }
    if (status.ok()) return TakeResponse();
    const bool write = kind_ == CallKind::kWrite;
    CallFailure failure = write ? JudgeWrite(status, endpoint.address) : JudgeRead(status, endpoint.address);
    if (failure.try_elsewhere || absl::IsUnknown(failure.status)) connection_->MoveOnFrom(endpoint);
    failure_ = failure.status;
    const bool renewable = kind_ != CallKind::kAuthenticate && connection_->WantsToken() && renewals_ < kRenewalsMax;
    if (failure.token_refused && renewable) return RenewToken();
    if (!failure.try_elsewhere) return Finish(failure_);
    // After each endpoint had its turn they all lack a leader, or the like, which takes a while to change.
    if (attempts_ % connection_->options().endpoints.size() == 0) return AttemptLater();
    Attempt();
  }

  void TakeResponse() {
    const Status same = connection_->CheckCluster(response_.header());
    if (same.ok()) return Finish(std::move(response_));
    Finish(kind_ == CallKind::kWrite ? absl::UnknownError(Text("outcome unknown: ", MessageOf(same))) : same);
  }

  void RenewToken() {
    ++renewals_;
    connection_->RenewToken(token_, [self = this->shared_from_this()](const Status& status) {
      if (!status.ok()) return self->Finish(WithContext(status, "no token from etcd"));
      self->Attempt();
    });
  }

  void Finish(StatusOr<Response> result) {
    const Done done = std::move(done_);
    done(std::move(result));
    connection_->Remove(this->shared_from_this());
  }

  static constexpr int kRenewalsMax = 3;

  const std::shared_ptr<EtcdConnection> connection_;
  const CallKind kind_;
  const Start start_;
  const Request request_;
  Done done_;
  const BootClock::duration attempt_time_;

  // One thread at a time goes on with the call; these are its.
  Response response_;
  std::string token_;
  BootClock::time_point deadline_;
  size_t attempts_ = 0;
  int renewals_ = 0;
  // Why the last attempt did nothing.
  Status failure_ =
      absl::UnavailableError("no endpoint of etcd could be connected to before the deadline; nothing was sent");

  std::mutex mutex_;
  // Guarded by mutex_, but for reading by the thread that goes on with the call.
  std::shared_ptr<grpc::ClientContext> context_;
  bool cancelled_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_CALL_H_
