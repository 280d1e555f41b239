#include "node/etcd/lease_keeper.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "node/etcd/call.h"
#include "node/etcd/connection.h"

namespace anamnesis {
namespace {

// One renewal: LeaseKeepAlive with one request. A stream of its own costs little at this rate, and fails over to
// another endpoint as every call does.
class Renewal
    : public grpc::ClientBidiReactor<etcdserverpb::LeaseKeepAliveRequest, etcdserverpb::LeaseKeepAliveResponse> {
 public:
  static void Start(Endpoint& endpoint, grpc::ClientContext* context,
                    const etcdserverpb::LeaseKeepAliveRequest* request, etcdserverpb::LeaseKeepAliveResponse* response,
                    std::function<void(grpc::Status)> finished) {
    auto* const renewal = new Renewal(std::move(finished));
    endpoint.lease->async()->LeaseKeepAlive(context, renewal);
    renewal->StartWriteLast(request, grpc::WriteOptions());
    renewal->StartRead(response);
    renewal->StartCall();
  }

  void OnReadDone(bool ok) override { answered_ = ok; }
  void OnDone(const grpc::Status& status) override {
    const std::unique_ptr<Renewal> last(this);
    const bool silent = status.ok() && !answered_;
    finished_(silent ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream ended without an answer") : status);
  }

 private:
  explicit Renewal(std::function<void(grpc::Status)> finished) : finished_(std::move(finished)) {}

  const std::function<void(grpc::Status)> finished_;
  bool answered_ = false;
};

}  // namespace

class LeaseKeeper::State : public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<EtcdConnection> connection, EtcdLease lease, BootClock::time_point sent, OnLost on_lost)
      : connection_(std::move(connection)),
        lease_(lease),
        on_lost_(std::move(on_lost)),
        deadline_(sent + std::chrono::seconds(lease.ttl_seconds)) {}

  const EtcdLease& lease() const { return lease_; }

  void Start() {
    connection_->timers().At(deadline_, [self = shared_from_this()] { self->CheckDeadline(); });
    RenewAfter(ThirdOfLife());
  }

  void Stop() {
    std::unique_lock lock(mutex_);
    over_ = true;
    call_ends_.wait(lock, [this] { return !calling_; });
  }

  bool alive() {
    const std::lock_guard lock(mutex_);
    // Read under the lock, so that no thread sees a lease that another has seen to be past.
    if (BootClock::now() >= deadline_) expired_ = true;
    return !lost_ && !expired_;
  }

  BootClock::time_point deadline() const {
    const std::lock_guard lock(mutex_);
    return deadline_;
  }

 private:
  BootClock::duration ThirdOfLife() const { return BootClock::duration(std::chrono::seconds(lease_.ttl_seconds)) / 3; }

  void RenewAfter(BootClock::duration delay) {
    connection_->timers().After(delay, [self = shared_from_this()] { self->Renew(); });
  }

  void Renew() {
    {
      const std::lock_guard lock(mutex_);
      if (over_) return;
    }
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(lease_.id);
    using Call = EtcdCall<etcdserverpb::LeaseKeepAliveRequest, etcdserverpb::LeaseKeepAliveResponse>;
    // An endpoint that hangs leaves time for another one.
    const CallTime time = {ThirdOfLife(), ThirdOfLife() / 2};
    Call::Run(
        connection_, CallKind::kRead, time, &Renewal::Start, std::move(request),
        [self = shared_from_this(), sent = BootClock::now()](
            const StatusOr<etcdserverpb::LeaseKeepAliveResponse>& response) { self->TakeRenewal(sent, response); });
  }

  void TakeRenewal(BootClock::time_point sent, const StatusOr<etcdserverpb::LeaseKeepAliveResponse>& response) {
    if (!response.ok()) {
      // The call has tried every endpoint; CheckDeadline ends this.
      const BootClock::duration delay = std::min<BootClock::duration>(ThirdOfLife(), std::chrono::milliseconds(200));
      return RenewAfter(delay);
    }
    if (response->ttl() <= 0) return Lose(absl::NotFoundError(Text("etcd has no lease ", lease_.id)));
    {
      const std::lock_guard lock(mutex_);
      // An answer that comes after the deadline does not bring the lease back: its holder was told, or may have seen.
      if (over_ || expired_ || BootClock::now() >= deadline_) return;
      deadline_ = std::max(deadline_, sent + std::chrono::seconds(response->ttl()));
    }
    RenewAfter(sent + ThirdOfLife() - BootClock::now());
  }

  void CheckDeadline() {
    {
      const std::lock_guard lock(mutex_);
      if (over_) return;
      if (!expired_ && BootClock::now() < deadline_) {
        connection_->timers().At(deadline_, [self = shared_from_this()] { self->CheckDeadline(); });
        return;
      }
      expired_ = true;
    }
    Lose(absl::DeadlineExceededError(Text("etcd lease ", lease_.id, " was not renewed before its deadline")));
  }

  void Lose(const Status& why) {
    {
      const std::lock_guard lock(mutex_);
      if (over_) return;
      over_ = true;
      lost_ = true;
      calling_ = true;
    }
    if (on_lost_) on_lost_(why);
    {
      const std::lock_guard lock(mutex_);
      calling_ = false;
    }
    call_ends_.notify_all();
  }

  const std::shared_ptr<EtcdConnection> connection_;
  const EtcdLease lease_;
  const OnLost on_lost_;

  mutable std::mutex mutex_;
  std::condition_variable call_ends_;
  // All below are guarded by mutex_.
  BootClock::time_point deadline_;
  bool expired_ = false;
  bool lost_ = false;
  bool over_ = false;
  bool calling_ = false;
};

LeaseKeeper::LeaseKeeper(std::shared_ptr<EtcdConnection> connection, EtcdLease lease, BootClock::time_point sent,
                         OnLost on_lost)
    : state_(std::make_shared<State>(std::move(connection), lease, sent, std::move(on_lost))) {
  state_->Start();
}

LeaseKeeper::~LeaseKeeper() { state_->Stop(); }

const EtcdLease& LeaseKeeper::lease() const { return state_->lease(); }
bool LeaseKeeper::alive() const { return state_->alive(); }
BootClock::time_point LeaseKeeper::deadline() const { return state_->deadline(); }

}  // namespace anamnesis
