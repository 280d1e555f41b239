#include "node/cluster/peers.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "anamnesis/internal/peer.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/limits.h"
#include "ledger/tls/agent_uri.h"
#include "ledger/tls/grpc_credentials.h"
#include "node/auth/call_guard.h"
#include "node/auth/principal.h"
#include "node/cluster/peer_credentials.h"

namespace anamnesis {
namespace {

// A batch and what is around it.
constexpr int kMessageBytesMax = static_cast<int>(limits::kBatchBytesMax) + (1 << 20);
// What waits for one peer; beyond it messages are dropped, and asked for again when they are still needed.
constexpr size_t kQueuedBytesMax = 4 * limits::kBatchBytesMax;
constexpr auto kConnectAgainAfter = std::chrono::milliseconds(200);

// The stream to one peer, on a thread of its own.
class PeerLink {
 public:
  PeerLink(const ClusterOptions& options, uint64_t incarnation, Member peer)
      : options_(options), incarnation_(incarnation), peer_(std::move(peer)), thread_([this] { Run(); }) {}
  ~PeerLink() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (context_ != nullptr) context_->TryCancel();
    }
    wake_.notify_one();
    thread_.join();
  }

  const Member& peer() const { return peer_; }

  void Send(std::shared_ptr<const internal::PeerMessage> message) {
    const size_t bytes = message->ByteSizeLong();
    {
      const std::lock_guard lock(mutex_);
      if (!connected_ || queued_bytes_ + bytes > kQueuedBytesMax) return;
      queued_bytes_ += bytes;
      queue_.push_back(std::move(message));
    }
    wake_.notify_one();
  }

 private:
  void Run() {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    const auto channel = grpc::CreateCustomChannel(
        peer_.address, PeerCredentials(options_.tls.get(), options_.origin, peer_), arguments);
    const auto stub = internal::PeerService::NewStub(channel);
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      context_ = std::make_unique<grpc::ClientContext>();
      lock.unlock();
      Serve(*stub);
      lock.lock();
      connected_ = false;
      queue_.clear();
      queued_bytes_ = 0;
      wake_.wait_for(lock, kConnectAgainAfter, [this] { return stopping_; });
    }
  }

  // One stream, until it breaks.
  void Serve(internal::PeerService::Stub& stub) {
    internal::PeerLinkEnded ended;
    const auto writer = stub.Link(context_.get(), &ended);
    internal::PeerMessage hello;
    hello.mutable_hello()->set_origin(options_.origin);
    hello.mutable_hello()->set_incarnation(incarnation_);
    hello.mutable_hello()->set_node(options_.node);
    if (writer->Write(hello)) {
      std::unique_lock lock(mutex_);
      connected_ = true;
      while (!stopping_) {
        if (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_ || !queue_.empty(); })) {
          // Nothing to send: an empty message finds out whether the stream still stands.
          lock.unlock();
          const bool stands = writer->Write(internal::PeerMessage());
          lock.lock();
          if (!stands) break;
          continue;
        }
        if (stopping_) break;
        const std::shared_ptr<const internal::PeerMessage> message = std::move(queue_.front());
        queue_.pop_front();
        queued_bytes_ -= message->ByteSizeLong();
        lock.unlock();
        const bool sent = writer->Write(*message);
        lock.lock();
        if (!sent) break;
      }
      connected_ = false;
      context_->TryCancel();
    }
    (void)writer->Finish();
  }

  const ClusterOptions& options_;
  const uint64_t incarnation_;
  const Member peer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::unique_ptr<grpc::ClientContext> context_;
  std::deque<std::shared_ptr<const internal::PeerMessage>> queue_;
  size_t queued_bytes_ = 0;
  bool connected_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

class PeersOverGrpc : public Peers, public internal::PeerService::Service {
 public:
  PeersOverGrpc(const ClusterOptions& options, OnMessage on_message)
      : options_(options), on_message_(std::move(on_message)) {}

  ~PeersOverGrpc() override { Stop(); }

  void Stop() override {
    // Not under the lock: a link's end is waited for.
    std::map<NodeId, std::shared_ptr<PeerLink>> links;
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(stopped_, true)) return;
      links.swap(links_);
    }
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  Status Listen(grpc::Service* beside) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(options_.peer_address, Credentials(), &port);
    builder.SetMaxReceiveMessageSize(kMessageBytesMax);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 2000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000);
    builder.RegisterService(this);
    if (beside != nullptr) builder.RegisterService(beside);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return absl::UnavailableError(Text("peers can't be listened for on ", options_.peer_address));
    }
    return OkStatus();
  }

  void SetMembers(const Members& members) override {
    std::map<NodeId, std::shared_ptr<PeerLink>> ended;
    options_.on_members(members);
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    incarnation_ = members.incarnation;
    ended.swap(links_);
    for (const Member* member : members.All()) {
      if (member->node == options_.node) continue;
      const auto before = ended.find(member->node);
      if (before != ended.end() && before->second->peer() == *member) {
        links_[member->node] = before->second;
      } else {
        links_[member->node] = std::make_shared<PeerLink>(options_, incarnation_, *member);
      }
    }
  }

  void Send(const NodeId& to, std::shared_ptr<const internal::PeerMessage> message) override {
    std::shared_ptr<PeerLink> link;
    {
      const std::lock_guard lock(mutex_);
      const auto found = links_.find(to);
      if (found == links_.end()) return;
      link = found->second;
    }
    link->Send(std::move(message));
  }

  grpc::Status Link(grpc::ServerContext* context, grpc::ServerReader<internal::PeerMessage>* reader,
                    internal::PeerLinkEnded*) override {
    internal::PeerMessage message;
    if (!reader->Read(&message)) return grpc::Status::OK;
    const internal::PeerMessage::Hello hello = message.hello();
    if (hello.origin() != options_.origin) {
      return {grpc::StatusCode::FAILED_PRECONDITION, Text("this is a node of the ledger ", options_.origin)};
    }
    // By what its certificate says it is, whatever it says itself.
    std::string certificate_id;
    if (options_.tls != nullptr) {
      const StatusOr<v1::Agent> principal = PrincipalOf(*context->auth_context(), options_.origin);
      if (!principal.ok()) return {grpc::StatusCode::UNAUTHENTICATED, std::string(MessageOf(principal.status()))};
      certificate_id = principal->id();
    }
    while (reader->Read(&message)) {
      if (!Is(hello, certificate_id)) return RefuseImpostor(hello, certificate_id);
      if (!IsMember(hello)) return {grpc::StatusCode::PERMISSION_DENIED, Text(hello.node(), " is no member")};
      if (message.what_case() != internal::PeerMessage::WHAT_NOT_SET) on_message_(hello.node(), std::move(message));
    }
    return grpc::Status::OK;
  }

 private:
  std::shared_ptr<grpc::ServerCredentials> Credentials() {
    if (options_.tls == nullptr) return grpc::InsecureServerCredentials();
    return MakeGuardedCredentials(
        *options_.tls, options_.origin, [this](const v1::Agent& agent) { return FindPeer(agent); },
        [this](std::string_view method, const Status& why) { NoteRefused(Text(method, ": ", MessageOf(why))); });
  }

  // Agents that are no nodes have no business here, whatever the ledger knows of them.
  Caller FindPeer(const v1::Agent& agent) {
    if (agent.kind() != kNodeKind) return {agent, "only nodes are served at this address", {}};
    const std::lock_guard lock(mutex_);
    for (const auto& [node, link] : links_) {
      if (link->peer().CertificateId() == agent.id()) return {agent, "", {}};
    }
    return {agent, "it is no other member of this node's cluster", {}};
  }

  // At most one line a second: what is refused is tried again and again.
  void NoteRefused(const std::string& line) {
    {
      const std::lock_guard lock(mutex_);
      const auto now = std::chrono::steady_clock::now();
      if (now - noted_ < std::chrono::seconds(1)) return;
      noted_ = now;
    }
    options_.log(Text("refused a peer: ", line));
  }

  // Whether the one who says hello is the member whose certificate it showed; anyone is without TLS.
  bool Is(const internal::PeerMessage::Hello& hello, const std::string& certificate_id) {
    if (options_.tls == nullptr) return true;
    const std::lock_guard lock(mutex_);
    const auto found = links_.find(hello.node());
    return found != links_.end() && found->second->peer().CertificateId() == certificate_id;
  }

  grpc::Status RefuseImpostor(const internal::PeerMessage::Hello& hello, const std::string& certificate_id) {
    const std::string why = Text("\"", hello.node(), "\" is not the node that has a certificate for ", certificate_id);
    NoteRefused(why);
    return {grpc::StatusCode::PERMISSION_DENIED, why};
  }

  bool IsMember(const internal::PeerMessage::Hello& hello) {
    const std::lock_guard lock(mutex_);
    return hello.incarnation() == incarnation_ && links_.contains(hello.node());
  }

  const ClusterOptions& options_;
  const OnMessage on_message_;
  std::mutex mutex_;
  // Guarded by mutex_.
  bool stopped_ = false;
  uint64_t incarnation_ = 0;
  std::map<NodeId, std::shared_ptr<PeerLink>> links_;
  // When a refusal was last said.
  std::chrono::steady_clock::time_point noted_{};
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

StatusOr<std::unique_ptr<Peers>> Peers::Start(const ClusterOptions& options, OnMessage on_message,
                                              grpc::Service* beside) {
  auto peers = std::make_unique<PeersOverGrpc>(options, std::move(on_message));
  RETURN_IF_ERROR(peers->Listen(beside));
  return std::unique_ptr<Peers>(std::move(peers));
}

}  // namespace anamnesis
