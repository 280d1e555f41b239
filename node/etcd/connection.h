#ifndef ANAMNESIS_NODE_ETCD_CONNECTION_H_
#define ANAMNESIS_NODE_ETCD_CONNECTION_H_

// What all calls of one EtcdClient share: a channel to every endpoint and how each is, the token, the timers, and the
// list of what is going on. Not for users of the room, who have EtcdClient. Safe from any thread; calls nobody back and
// never calls gRPC while it holds a lock.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "etcd/rpc.grpc.pb.h"
#include "ledger/base/status.h"
#include "node/etcd/etcd_options.h"
#include "node/etcd/etcd_types.h"
#include "node/etcd/timers.h"

namespace anamnesis {

struct Endpoint {
  size_t place = 0;
  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<etcdserverpb::KV::Stub> kv;
  std::unique_ptr<etcdserverpb::Watch::Stub> watch;
  std::unique_ptr<etcdserverpb::Lease::Stub> lease;
  std::unique_ptr<etcdserverpb::Maintenance::Stub> maintenance;
  std::unique_ptr<etcdserverpb::Auth::Stub> auth;
  // The last probe failed, or said that the member knows no leader.
  std::atomic<bool> down{false};
};

// A call or stream that goes on. Cancel makes it end soon; it then leaves the list.
class InFlight {
 public:
  virtual ~InFlight() = default;
  virtual void Cancel() = 0;
  // The probes found `endpoint` down.
  virtual void OnEndpointDown(const Endpoint&) {}
};

class EtcdConnection : public std::enable_shared_from_this<EtcdConnection> {
 public:
  // INVALID_ARGUMENT, naming the option. Starts connecting and probing.
  static StatusOr<std::shared_ptr<EtcdConnection>> Open(EtcdOptions options);

  const EtcdOptions& options() const { return options_; }
  Timers& timers() { return timers_; }

  // A connected endpoint, by preference the one used so far and one that is not down; null when none is connected.
  Endpoint* Choose();
  // From now on Choose prefers another endpoint, if it would have chosen `endpoint`.
  void MoveOnFrom(const Endpoint& endpoint);
  std::vector<EtcdEndpointHealth> Health() const;

  // The token to send, empty when there is no user or none was got yet.
  std::string Token() const;
  bool WantsToken() const { return !options_.user.empty(); }
  // Gets another token than `refused` and then calls `done`, possibly at once. Several who ask share one call.
  void RenewToken(const std::string& refused, std::function<void(Status)> done);
  // Adds what every call carries: `token` unless it is empty, and that the member must know a leader.
  void Dress(grpc::ClientContext& context, const std::string& token) const;

  // FAILED_PRECONDITION when `header` is from another cluster than the headers before.
  Status CheckCluster(const etcdserverpb::ResponseHeader& header);

  // Puts a call on the list; false when the client is closed.
  bool Add(const std::shared_ptr<InFlight>& call);
  // Takes it off: the last thing that a call does.
  void Remove(const std::shared_ptr<InFlight>& call);
  // Cancels what goes on, returns when all of it is off the list, no timer runs and the channels are gone. Not from a
  // callback.
  void Close();

 private:
  explicit EtcdConnection(EtcdOptions options) : options_(std::move(options)), health_(options_.endpoints.size()) {}
  void MakeEndpoints();
  void Probe(Endpoint& endpoint);
  void ProbeLater(Endpoint& endpoint, BootClock::time_point due);
  void TakeProbe(Endpoint& endpoint, const grpc::Status& status, const etcdserverpb::StatusResponse& response);
  void TakeToken(const StatusOr<etcdserverpb::AuthenticateResponse>& response);

  const EtcdOptions options_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::atomic<size_t> current_{0};
  std::atomic<uint64_t> cluster_id_{0};

  mutable std::mutex mutex_;
  std::condition_variable list_changes_;
  // All below are guarded by mutex_.
  std::vector<EtcdEndpointHealth> health_;
  std::string token_;
  bool renewing_ = false;
  std::vector<std::function<void(Status)>> token_waiters_;
  std::set<std::shared_ptr<InFlight>> in_flight_;
  bool closed_ = false;

  Timers timers_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_CONNECTION_H_
