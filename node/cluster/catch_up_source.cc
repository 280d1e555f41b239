#include "node/cluster/catch_up_source.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "node/cluster/catch_up_server.h"
#include "node/cluster/peer_credentials.h"

namespace anamnesis {
namespace {

// For all that one stream gives.
constexpr std::chrono::seconds kStreamDeadline(60);

}  // namespace

CatchUpSource::CatchUpSource(std::string origin, NodeId node, Members members, std::shared_ptr<TlsIdentity> tls)
    : origin_(std::move(origin)), node_(std::move(node)), members_(std::move(members)), tls_(std::move(tls)) {
  for (const Member* member : members_.All()) {
    if (member->node != node_) peers_.push_back(member);
  }
}

CatchUpSource::~CatchUpSource() { Close(); }

std::string CatchUpSource::name() const {
  return peers_.empty() ? std::string("the other nodes")
                        : Text("node ", peers_.front()->node, " at ", peers_.front()->address);
}

void CatchUpSource::Close() {
  if (reader_ != nullptr) {
    context_->TryCancel();
    (void)reader_->Finish();
  }
  reader_.reset();
  stub_.reset();
  context_.reset();
  left_.Clear();
}

Status CatchUpSource::Open(const Member& peer, LeafIndex first) {
  Close();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kCatchUpMessageBytesMax);
  const auto channel = grpc::CreateCustomChannel(peer.address, PeerCredentials(tls_.get(), origin_, peer), arguments);
  stub_ = internal::CatchUpService::NewStub(channel);
  context_ = std::make_unique<grpc::ClientContext>();
  context_->set_deadline(std::chrono::system_clock::now() + kStreamDeadline);
  internal::CatchUpRequest request;
  request.set_origin(origin_);
  request.set_node(node_);
  request.set_tree_size(first.value);
  reader_ = stub_->CatchUp(context_.get(), request);
  internal::CatchUpResponse response;
  if (reader_->Read(&response) && response.has_manifest()) {
    next_ = first.value;
    return OkStatus();
  }
  const grpc::Status ended = reader_->Finish();
  reader_.reset();
  return absl::UnavailableError(ended.ok() ? "it gives nothing" : ended.error_message());
}

StatusOr<internal::CopyChunk> CatchUpSource::ReadFrom(const Member& peer, LeafIndex first, TreeSize limit) {
  if (reader_ == nullptr || next_ != first.value) RETURN_IF_ERROR(Open(peer, first));
  if (left_.events_size() == 0) {
    internal::CatchUpResponse response;
    if (!reader_->Read(&response)) {
      const grpc::Status ended = reader_->Finish();
      reader_.reset();
      return absl::UnavailableError(ended.ok() ? Text("it has no leaf ", first.value) : ended.error_message());
    }
    left_ = std::move(*response.mutable_chunk());
  }
  internal::CopyChunk chunk;
  chunk.set_first_index(left_.first_index());
  const auto wanted =
      static_cast<int>(std::min<uint64_t>(limit.value - first.value, static_cast<uint64_t>(left_.events_size())));
  for (int i = 0; i < wanted; ++i) *chunk.add_events() = std::move(*left_.mutable_events(i));
  left_.mutable_events()->DeleteSubrange(0, wanted);
  next_ += static_cast<uint64_t>(wanted);
  left_.set_first_index(next_);
  return chunk;
}

StatusOr<internal::CopyChunk> CatchUpSource::Read(LeafIndex first, TreeSize limit) {
  Status last = absl::UnavailableError("there is no other member");
  while (!peers_.empty()) {
    StatusOr<internal::CopyChunk> chunk = ReadFrom(*peers_.front(), first, limit);
    if (chunk.ok()) return chunk;
    last = WithContext(chunk.status(), name());
    Close();
    peers_.erase(peers_.begin());
  }
  return last;
}

}  // namespace anamnesis
