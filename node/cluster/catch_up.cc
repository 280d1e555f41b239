#include "node/cluster/catch_up.h"

#include <sys/resource.h>

#include <thread>
#include <utility>

#include "anamnesis/internal/catch_up.grpc.pb.h"
#include "node/cluster/catch_up_server.h"
#include "node/cluster/etcd_members.h"
#include "node/cluster/peer_credentials.h"
#include "node/cluster/wire.h"
#include "node/etcd/etcd_client.h"

namespace anamnesis {
namespace {

// Verifying takes processors from whatever else the machine does; it needn't be faster than what a peer gives.
constexpr size_t kThreads = 1;
constexpr int kNice = 5;

// How a peer's call ended. Whatever it says is the peer's trouble, not this disk's.
Status FromPeer(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  return absl::UnavailableError(
      Text(status.error_code() == grpc::StatusCode::PERMISSION_DENIED ? "refused: " : "", status.error_message()));
}

// Whether another peer may do better: this disk or this process isn't what failed.
bool IsThePeers(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

}  // namespace

StatusOr<Members> CatchUp::FindMembers(const CopyIn& copy) const {
  // Whoever was a member at the state that is here may still be one, if etcd can't be asked.
  const auto from_etcd = [&]() -> StatusOr<Members> {
    ASSIGN_OR_RETURN(const std::unique_ptr<EtcdClient> client, EtcdClient::Connect(options_.etcd));
    return ReadMembers(*client);
  };
  const StatusOr<Members> members = from_etcd();
  if (members.ok() && !members->IsMember(options_.node)) {
    return absl::UnavailableError(
        Text("node ", options_.node, " is no member of the cluster: add it with anamnesis cluster add, or stop it"));
  }
  if (members.ok()) return members;
  if (copy.note().has_value()) return ParseMembers(*copy.note());
  return absl::UnavailableError(Text("nobody to copy from is known: ", MessageOf(members.status())));
}

Status CatchUp::Run(Revision at_least) {
  Status done;
  // On a thread of its own, which gives way to whatever else the machine does, and whose own threads do too.
  std::thread copying([&] {
    (void)::setpriority(PRIO_PROCESS, 0, kNice);
    done = CopyFromAny(at_least);
  });
  copying.join();
  return done;
}

Status CatchUp::CopyFromAny(Revision at_least) {
  CopyOptions copy_options;
  copy_options.threads = kThreads;
  copy_options.cancelled = [this] { return stopping_.load(); };
  copy_options.log = options_.log;
  ASSIGN_OR_RETURN(std::unique_ptr<CopyIn> copy, CopyIn::Open(dir_, copy_options));
  ASSIGN_OR_RETURN(const Members members, FindMembers(*copy));
  Status last = absl::UnavailableError("there is no other member");
  for (const Member* peer : members.All()) {
    if (stopping_) return absl::CancelledError("this node is stopping");
    if (peer->node == options_.node) continue;
    last = CopyFrom(*peer, at_least, *copy);
    if (!IsThePeers(last)) return last;
    options_.log(Text("node ", peer->node, " at ", peer->address, " gives no copy: ", MessageOf(last)));
    // What came from it stays only if the next one can go on with it.
    if (absl::IsInvalidArgument(last)) RETURN_IF_ERROR(copy->Abandon());
    copy.reset();
    ASSIGN_OR_RETURN(copy, CopyIn::Open(dir_, copy_options));
  }
  return absl::UnavailableError(Text("no member gives a copy now; the last one: ", MessageOf(last)));
}

Status CatchUp::CopyFrom(const Member& peer, Revision at_least, CopyIn& copy) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kCatchUpMessageBytesMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000);
  const auto channel =
      grpc::CreateCustomChannel(peer.address, PeerCredentials(options_.tls.get(), copy.origin(), peer), arguments);
  const auto stub = internal::CatchUpService::NewStub(channel);
  internal::CatchUpRequest request;
  request.set_origin(copy.origin());
  request.set_node(options_.node);
  request.set_tree_size(copy.size().value);
  grpc::ClientContext* context = nullptr;
  {
    const std::lock_guard lock(mutex_);
    context_ = std::make_unique<grpc::ClientContext>();
    context = context_.get();
    if (stopping_) context->TryCancel();
  }
  const auto reader = stub->CatchUp(context, request);
  const Status received = Receive(*reader, at_least, copy);
  if (!received.ok()) context->TryCancel();
  const Status ended = FromPeer(reader->Finish());
  if (stopping_) return absl::CancelledError("this node is stopping");
  if (!received.ok()) return absl::IsAborted(received) ? ended : received;
  RETURN_IF_ERROR(ended);
  return copy.Finish();
}

Status CatchUp::Receive(grpc::ClientReader<internal::CatchUpResponse>& reader, Revision at_least, CopyIn& copy) {
  // What ended the stream says its status.
  const Status broken = absl::AbortedError("the stream ended");
  internal::CatchUpResponse response;
  if (!reader.Read(&response)) return broken;
  const internal::CopyManifest manifest = response.manifest();
  if (Revision(manifest.applied().revision()) < at_least) {
    return absl::FailedPreconditionError(
        Text("it has applied revision ", manifest.applied().revision(), ", not yet ", at_least.value));
  }
  const uint64_t first = copy.size().value;
  const uint64_t size = manifest.applied().tree_size();
  RETURN_IF_ERROR(copy.Begin(manifest));
  options_.log(Text("copying events ", first, " to ", size, ", the state at revision ", manifest.applied().revision()));
  while (copy.size().value < size) {
    if (!reader.Read(&response)) return broken;
    RETURN_IF_ERROR(copy.Add(response.chunk()));
  }
  return reader.Read(&response) ? absl::InvalidArgumentError("more came than the manifest said") : OkStatus();
}

void CatchUp::Stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace anamnesis
