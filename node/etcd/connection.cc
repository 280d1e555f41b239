#include "node/etcd/connection.h"

#include <limits>
#include <thread>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "ledger/tls/grpc_credentials.h"
#include "node/etcd/call.h"

namespace anamnesis {
namespace {

grpc::ChannelArguments MakeArguments() {
  grpc::ChannelArguments arguments;
  // etcd sends what lay ready before a watch was announced in one piece, however large, whatever was asked for.
  arguments.SetMaxReceiveMessageSize(std::numeric_limits<int>::max());
  // gRPC must never send a write twice, not even where it believes that it may.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A member that comes back is used again within a second, not within two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Two clients of one process share no connection, so that one's trouble is not the other's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

bool HasAlarm(const etcdserverpb::StatusResponse& response, std::string_view alarm) {
  for (const std::string& error : response.errors()) {
    if (error.find(Text("alarm:", alarm)) != error.npos) return true;
  }
  return false;
}

struct StatusProbe : InFlight {
  void Cancel() override { context.TryCancel(); }

  grpc::ClientContext context;
  const etcdserverpb::StatusRequest request;
  etcdserverpb::StatusResponse response;
};

}  // namespace

StatusOr<std::shared_ptr<EtcdConnection>> EtcdConnection::Open(EtcdOptions options) {
  RETURN_IF_ERROR(CheckOptions(options));
  const std::shared_ptr<EtcdConnection> connection(new EtcdConnection(std::move(options)));
  connection->MakeEndpoints();
  for (const std::unique_ptr<Endpoint>& endpoint : connection->endpoints_) connection->Probe(*endpoint);
  return connection;
}

void EtcdConnection::MakeEndpoints() {
  const std::shared_ptr<grpc::ChannelCredentials> credentials =
      options_.tls == nullptr ? grpc::InsecureChannelCredentials() : MakeChannelCredentials(*options_.tls, AnyServer());
  for (const std::string& address : options_.endpoints) {
    auto endpoint = std::make_unique<Endpoint>();
    endpoint->place = endpoints_.size();
    endpoint->address = address;
    endpoint->channel = grpc::CreateCustomChannel(Text("dns:///", address), credentials, MakeArguments());
    endpoint->kv = etcdserverpb::KV::NewStub(endpoint->channel);
    endpoint->watch = etcdserverpb::Watch::NewStub(endpoint->channel);
    endpoint->lease = etcdserverpb::Lease::NewStub(endpoint->channel);
    endpoint->maintenance = etcdserverpb::Maintenance::NewStub(endpoint->channel);
    endpoint->auth = etcdserverpb::Auth::NewStub(endpoint->channel);
    health_[endpoint->place].address = address;
    endpoints_.push_back(std::move(endpoint));
  }
}

Endpoint* EtcdConnection::Choose() {
  const size_t first = current_.load();
  Endpoint* down = nullptr;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    Endpoint& endpoint = *endpoints_[(first + i) % endpoints_.size()];
    // Asking makes a channel without a connection look for one.
    if (endpoint.channel->GetState(true) != GRPC_CHANNEL_READY) continue;
    if (!endpoint.down) {
      current_ = endpoint.place;
      return &endpoint;
    }
    if (down == nullptr) down = &endpoint;
  }
  return down;
}

void EtcdConnection::MoveOnFrom(const Endpoint& endpoint) {
  size_t place = endpoint.place;
  current_.compare_exchange_strong(place, (place + 1) % endpoints_.size());
}

std::vector<EtcdEndpointHealth> EtcdConnection::Health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

std::string EtcdConnection::Token() const {
  const std::lock_guard lock(mutex_);
  return token_;
}

void EtcdConnection::RenewToken(const std::string& refused, std::function<void(Status)> done) {
  std::unique_lock lock(mutex_);
  if (token_ != refused) {
    lock.unlock();
    return done(OkStatus());
  }
  token_waiters_.push_back(std::move(done));
  if (std::exchange(renewing_, true)) return;
  lock.unlock();
  etcdserverpb::AuthenticateRequest request;
  request.set_name(options_.user);
  request.set_password(options_.password);
  using Call = EtcdCall<etcdserverpb::AuthenticateRequest, etcdserverpb::AuthenticateResponse>;
  Call::Run(
      shared_from_this(), CallKind::kAuthenticate, CallTimeOf(options_),
      [](Endpoint& endpoint, grpc::ClientContext* context, const auto* sent, auto* response, auto finished) {
        endpoint.auth->async()->Authenticate(context, sent, response, std::move(finished));
      },
      std::move(request),
      [self = shared_from_this()](const StatusOr<etcdserverpb::AuthenticateResponse>& response) {
        self->TakeToken(response);
      });
}

void EtcdConnection::TakeToken(const StatusOr<etcdserverpb::AuthenticateResponse>& response) {
  std::vector<std::function<void(Status)>> waiters;
  {
    const std::lock_guard lock(mutex_);
    if (response.ok()) token_ = response->token();
    renewing_ = false;
    waiters.swap(token_waiters_);
  }
  for (const std::function<void(Status)>& done : waiters) done(response.status());
}

void EtcdConnection::Dress(grpc::ClientContext& context, const std::string& token) const {
  // A member that knows no leader then refuses calls, and ends streams, instead of going on by itself.
  context.AddMetadata("hasleader", "true");
  if (!token.empty()) context.AddMetadata("token", token);
}

Status EtcdConnection::CheckCluster(const etcdserverpb::ResponseHeader& header) {
  // Some answers have an empty header.
  if (header.cluster_id() == 0) return OkStatus();
  uint64_t known = 0;
  if (cluster_id_.compare_exchange_strong(known, header.cluster_id()) || known == header.cluster_id()) {
    return OkStatus();
  }
  return absl::FailedPreconditionError(
      Text("etcd cluster ", header.cluster_id(), " answered, after ", known, ": the endpoints are of two clusters"));
}

void EtcdConnection::Probe(Endpoint& endpoint) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
  }
  // Waiting until the channel is connected is not idle: gRPC moves a connection on only while a call waits for it.
  const auto probe = std::make_shared<StatusProbe>();
  probe->context.set_deadline(std::chrono::system_clock::now() + options_.probe_timeout);
  probe->context.set_wait_for_ready(true);
  const std::string token = Token();
  if (!token.empty()) probe->context.AddMetadata("token", token);
  if (!Add(probe)) return;
  endpoint.maintenance->async()->Status(&probe->context, &probe->request, &probe->response,
                                        [self = shared_from_this(), &endpoint, probe](const grpc::Status& status) {
                                          self->TakeProbe(endpoint, status, probe->response);
                                          self->Remove(probe);
                                        });
}

void EtcdConnection::TakeProbe(Endpoint& endpoint, const grpc::Status& status,
                               const etcdserverpb::StatusResponse& response) {
  const Status same = status.ok() ? CheckCluster(response.header()) : OkStatus();
  std::vector<std::shared_ptr<InFlight>> affected;
  bool down = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    EtcdEndpointHealth& known = health_[endpoint.place];
    if (status.ok()) {
      known.version = response.version();
      known.member_id = response.header().member_id();
      known.is_leader = response.leader() != 0 && response.leader() == known.member_id;
      known.store_bytes = response.dbsize();
      known.store_bytes_in_use = response.dbsizeinuse();
      known.no_space = HasAlarm(response, "NOSPACE");
      known.corrupt = HasAlarm(response, "CORRUPT");
      down = response.leader() == 0;
      known.status = same;
      if (down) known.status = absl::UnavailableError(Text("etcd at ", endpoint.address, " knows no leader"));
      down = down || !same.ok();
    } else {
      // Whatever else a member refuses, it lives.
      known.status = JudgeRead(status, endpoint.address).status;
      known.is_leader = false;
      down = absl::IsUnavailable(known.status);
    }
    endpoint.down = down;
    // At every probe: while no endpoint was better, something may have begun on one that was down already.
    if (down) affected.assign(in_flight_.begin(), in_flight_.end());
  }
  for (const std::shared_ptr<InFlight>& call : affected) call->OnEndpointDown(endpoint);
  ProbeLater(endpoint, BootClock::now() + options_.probe_interval);
}

void EtcdConnection::ProbeLater(Endpoint& endpoint, BootClock::time_point due) {
  // A lost connection is looked for sooner than the next probe is due, since it is the probe that brings it back.
  constexpr BootClock::duration kLook = std::chrono::milliseconds(50);
  timers_.After(std::min<BootClock::duration>(kLook, options_.probe_interval),
                [weak = weak_from_this(), &endpoint, due] {
                  const auto self = weak.lock();
                  if (!self) return;
                  const bool connected = endpoint.channel->GetState(true) == GRPC_CHANNEL_READY;
                  if (connected && BootClock::now() < due) return self->ProbeLater(endpoint, due);
                  self->Probe(endpoint);
                });
}

bool EtcdConnection::Add(const std::shared_ptr<InFlight>& call) {
  const std::lock_guard lock(mutex_);
  return !closed_ && in_flight_.insert(call).second;
}

void EtcdConnection::Remove(const std::shared_ptr<InFlight>& call) {
  {
    const std::lock_guard lock(mutex_);
    in_flight_.erase(call);
  }
  list_changes_.notify_all();
}

void EtcdConnection::Close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  std::vector<std::shared_ptr<InFlight>> calls(in_flight_.begin(), in_flight_.end());
  lock.unlock();
  for (const std::shared_ptr<InFlight>& call : calls) call->Cancel();
  calls.clear();
  lock.lock();
  list_changes_.wait(lock, [this] { return in_flight_.empty(); });
  lock.unlock();
  timers_.Stop();
  // A call that has left the list still drops what it holds, on a thread of gRPC. Such a thread must not drop the last
  // channel of the process: gRPC 1.51 then joins all its threads, this one included, and aborts.
  for (const std::unique_ptr<Endpoint>& endpoint : endpoints_) {
    endpoint->kv = nullptr;
    endpoint->watch = nullptr;
    endpoint->lease = nullptr;
    endpoint->maintenance = nullptr;
    endpoint->auth = nullptr;
    while (endpoint->channel.use_count() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    endpoint->channel = nullptr;
  }
}

}  // namespace anamnesis
