#include "node/cluster/catch_up_server.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/cleanup/cleanup.h"

namespace anamnesis {
namespace {

constexpr size_t kChunkBytes = 256u << 10;
// After each chunk a pause so many times as long as reading and sending it took, up to a bound: a copy has an eighth of
// one thread's time here, and less the busier disk and processors are, for then reading takes longer. What is left over
// still gives more on a quiet machine than one receiver can verify.
constexpr int kPauseTimes = 7;
constexpr auto kPauseMax = std::chrono::milliseconds(250);

}  // namespace

void CatchUpServer::SetMembers(const Members& members) {
  const std::lock_guard lock(mutex_);
  members_ = members;
}

Status CatchUpServer::Check(const internal::CatchUpRequest& request) {
  if (request.origin() != origin_) {
    return absl::FailedPreconditionError(Text("this is a node of the ledger ", origin_));
  }
  const std::lock_guard lock(mutex_);
  if (!members_.IsMember(request.node())) {
    return absl::PermissionDeniedError(Text(request.node(), " is no member"));
  }
  if (busy_) return absl::UnavailableError("another node copies from this one; ask another, or later");
  busy_ = true;
  return OkStatus();
}

Status CatchUpServer::Give(grpc::ServerContext& context, const internal::CatchUpRequest& request,
                           grpc::ServerWriter<internal::CatchUpResponse>& writer) {
  internal::CatchUpResponse response;
  ASSIGN_OR_RETURN(*response.mutable_manifest(), copy_.Manifest());
  const TreeSize size(response.manifest().applied().tree_size());
  if (request.tree_size() > size.value) {
    return absl::FailedPreconditionError(Text("here are ", size.value, " events, fewer than there"));
  }
  bool connected = writer.Write(response);
  for (uint64_t next = request.tree_size(); connected && next < size.value;) {
    const auto began = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(*response.mutable_chunk(), copy_.Chunk(LeafIndex(next), size, kChunkBytes));
    next += static_cast<uint64_t>(response.chunk().events_size());
    connected = writer.Write(response);
    const auto took = std::chrono::steady_clock::now() - began;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(kPauseTimes * took, kPauseMax));
    if (context.IsCancelled()) connected = false;
  }
  return connected ? OkStatus() : absl::CancelledError("the caller has gone");
}

grpc::Status CatchUpServer::CatchUp(grpc::ServerContext* context, const internal::CatchUpRequest* request,
                                    grpc::ServerWriter<internal::CatchUpResponse>* writer) {
  Status status = Check(*request);
  if (status.ok()) {
    const absl::Cleanup free = [this] {
      const std::lock_guard lock(mutex_);
      busy_ = false;
    };
    status = Give(*context, *request, *writer);
  }
  return {static_cast<grpc::StatusCode>(status.code()), std::string(MessageOf(status))};
}

}  // namespace anamnesis
