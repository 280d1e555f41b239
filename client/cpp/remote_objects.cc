#include <algorithm>
#include <thread>
#include <utility>

#include "anamnesis/v1/object.grpc.pb.h"
#include "client/cpp/backoff.h"
#include "client/cpp/channel.h"
#include "client/cpp/object_client.h"
#include "client/cpp/object_transfer.h"
#include "client/cpp/unary_call.h"
#include "grpcpp/grpcpp.h"

namespace anamnesis {
namespace {

constexpr std::chrono::seconds kStatDeadline(10);
// Reading an object of the largest size back takes minutes.
constexpr std::chrono::seconds kVerifyDeadline(3600);

// For how long a transfer goes on that doesn't move.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds within) : within_(within) { Moved(); }
  void Moved() {
    give_up_ = std::chrono::steady_clock::now() + within_;
    tries_ = 1;
  }
  // Waits before the next try; false when there is none.
  bool Wait() {
    const auto wait = backoff_.WaitBeforeTry(++tries_);
    if (std::chrono::steady_clock::now() + wait > give_up_) return false;
    std::this_thread::sleep_for(wait);
    return true;
  }

 private:
  const std::chrono::milliseconds within_;
  const Backoff backoff_;
  std::chrono::steady_clock::time_point give_up_;
  int tries_ = 1;
};

class RemoteObjects : public ObjectClient {
 public:
  RemoteObjects(std::vector<std::string> addresses, ClientIdentity identity, ObjectClientOptions options)
      : addresses_(std::move(addresses)), identity_(std::move(identity)), options_(std::move(options)) {
    for (const std::string& address : addresses_)
      stubs_.push_back(ObjectService::NewStub(MakeChannel(address, identity_)));
  }

  const std::vector<std::string>& places() const override { return addresses_; }
  Status Put(size_t place, const HashedFile& file) override;
  Status Get(const Digest& digest, ObjectSink& sink) override;
  StatusOr<ObjectState> Stat(size_t place, const Digest& digest, uint64_t size) override;
  StatusOr<uint64_t> Verify(size_t place, const Digest& digest) override;

 private:
  using ObjectService = v1::ObjectService;
  using Stub = ObjectService::Stub;

  // Sends what is missing after `there`; how much is there after that.
  StatusOr<ObjectState> Send(size_t place, const HashedFile& file, const ObjectSource& source, uint64_t there);
  // Takes what comes from a place in one call.
  Status Receive(size_t place, ObjectDownload& download);
  // Goes on with one place while that gets further.
  Status GetFrom(size_t place, ObjectDownload& download, Patience& patience);

  const std::vector<std::string> addresses_;
  // Outlives the channels.
  const ClientIdentity identity_;
  const ObjectClientOptions options_;
  std::vector<std::unique_ptr<Stub>> stubs_;
};

// --- Looking ---

StatusOr<ObjectState> RemoteObjects::Stat(size_t place, const Digest& digest, uint64_t size) {
  v1::StatObjectRequest request;
  request.set_sha256(digest.bytes());
  request.set_size_bytes(size);
  ASSIGN_OR_RETURN(
      const v1::StatObjectResponse reply,
      CallOnce<v1::StatObjectResponse>(addresses_[place], *stubs_[place], &Stub::Stat, request, kStatDeadline));
  return ObjectState{reply.stored(), reply.stored() ? reply.size_bytes() : reply.bytes_there()};
}

StatusOr<uint64_t> RemoteObjects::Verify(size_t place, const Digest& digest) {
  v1::VerifyObjectRequest request;
  request.set_sha256(digest.bytes());
  ASSIGN_OR_RETURN(
      const v1::VerifyObjectResponse reply,
      CallOnce<v1::VerifyObjectResponse>(addresses_[place], *stubs_[place], &Stub::Verify, request, kVerifyDeadline));
  return reply.size_bytes();
}

// --- Putting ---

Status RemoteObjects::Put(size_t place, const HashedFile& file) {
  ASSIGN_OR_RETURN(const ObjectSource source, ObjectSource::Open(file));
  Patience patience(options_.within);
  uint64_t furthest = 0;
  bool again = false;
  while (true) {
    StatusOr<ObjectState> state = Stat(place, file.digest, file.size);
    // Also when it is stored: whoever stored it may not have been answered yet, and this call waits for that.
    const uint64_t there = state.ok() ? std::min(state->bytes, file.size) : 0;
    if (state.ok()) state = Send(place, file, source, there);
    if (state.ok() && state->stored) return OkStatus();
    const Status failed = state.status();
    // The part that was there may have been of an upload of other bytes. It is removed by now.
    if (absl::IsInvalidArgument(failed) && there > 0 && !std::exchange(again, true)) continue;
    if (!failed.ok() && !Unanswered(failed) && !absl::IsAborted(failed)) return failed;
    // Another upload of the same object that is at work moves this one too.
    if (absl::IsAborted(failed) || (failed.ok() && state->bytes > furthest)) patience.Moved();
    if (failed.ok()) furthest = std::max(furthest, state->bytes);
    if (!patience.Wait()) {
      return failed.ok() ? absl::UnavailableError(Text(addresses_[place], ": the upload doesn't get further"))
                         : absl::UnavailableError(Text(MessageOf(failed)));
    }
  }
}

StatusOr<ObjectState> RemoteObjects::Send(size_t place, const HashedFile& file, const ObjectSource& source,
                                          uint64_t there) {
  grpc::ClientContext context;
  v1::PutObjectResponse reply;
  const auto writer = stubs_[place]->Put(&context, &reply);
  v1::PutObjectRequest message;
  message.mutable_start()->set_sha256(file.digest.bytes());
  message.mutable_start()->set_size_bytes(file.size);
  message.mutable_start()->set_offset(there);
  Status unread;
  bool open = writer->Write(message);
  while (open && there < file.size && unread.ok()) {
    StatusOr<std::string> chunk = source.ChunkAt(there);
    unread = chunk.status();
    if (!chunk.ok()) break;
    there += chunk->size();
    message.set_chunk(*std::move(chunk));
    open = writer->Write(message);
  }
  writer->WritesDone();
  const Status sent = FromGrpcStatus(writer->Finish());
  RETURN_IF_ERROR(unread);
  if (!sent.ok()) return WithContext(sent, addresses_[place]);
  return ObjectState{reply.stored(), reply.bytes_there()};
}

// --- Getting ---

Status RemoteObjects::Get(const Digest& digest, ObjectSink& sink) {
  ObjectDownload download(digest, sink);
  Patience patience(options_.within);
  while (true) {
    Status worst;
    bool any_unanswered = false;
    for (size_t place = 0; place < addresses_.size(); ++place) {
      const Status got = GetFrom(place, download, patience);
      if (got.ok() || !download.sink_status().ok()) return got;
      any_unanswered |= Unanswered(got);
      // That one is damaged says more than that another doesn't have it.
      if (worst.ok() || absl::IsNotFound(worst) || absl::IsDataLoss(got)) worst = got;
    }
    if (!any_unanswered || !patience.Wait()) return worst;
  }
}

Status RemoteObjects::GetFrom(size_t place, ObjectDownload& download, Patience& patience) {
  while (true) {
    RETURN_IF_ERROR(download.From(addresses_[place]));
    const uint64_t before = download.offset();
    const Status received = Receive(place, download);
    if (download.offset() > before) patience.Moved();
    if (!Unanswered(received) || download.offset() == before) return received;
    if (!patience.Wait()) return received;
  }
}

Status RemoteObjects::Receive(size_t place, ObjectDownload& download) {
  v1::GetObjectRequest request;
  request.set_sha256(download.digest().bytes());
  request.set_offset(download.offset());
  grpc::ClientContext context;
  const auto reader = stubs_[place]->Get(&context, request);
  v1::GetObjectResponse response;
  uint64_t size = 0;
  bool any = false;
  while (reader->Read(&response)) {
    if (!download.sink_status().ok()) continue;
    any = true;
    size = response.size_bytes();
    if (!download.Take(response.chunk()).ok()) context.TryCancel();
  }
  const Status ended = FromGrpcStatus(reader->Finish());
  RETURN_IF_ERROR(download.sink_status());
  // It had more before.
  if (absl::IsOutOfRange(ended)) return absl::DataLossError(Text(addresses_[place], ": ", MessageOf(ended)));
  if (!ended.ok()) return WithContext(ended, addresses_[place]);
  if (any && download.offset() == size) return download.Check();
  return absl::UnavailableError(Text(addresses_[place], ": the object ended early"));
}

}  // namespace

StatusOr<std::unique_ptr<ObjectClient>> ConnectObjects(std::string_view addresses, ObjectClientOptions options) {
  ASSIGN_OR_RETURN(std::vector<std::string> split, SplitAddresses(addresses));
  ASSIGN_OR_RETURN(ClientIdentity identity, LoadIdentity(options.tls));
  return std::unique_ptr<ObjectClient>(
      std::make_unique<RemoteObjects>(std::move(split), std::move(identity), std::move(options)));
}

}  // namespace anamnesis
