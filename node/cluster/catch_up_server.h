#ifndef ANAMNESIS_NODE_CLUSTER_CATCH_UP_SERVER_H_
#define ANAMNESIS_NODE_CLUSTER_CATCH_UP_SERVER_H_

// Lets another node copy this node's ledger, one at a time and at a bounded rate, so that appends go on.

#include <mutex>
#include <string>

#include "anamnesis/internal/catch_up.grpc.pb.h"
#include "ledger/engine/copy_out.h"
#include "node/replication/members.h"

namespace anamnesis {

// What a message of the stream is at most: a chunk with one event and the largest body, or a manifest, which names
// every session that ever ordered something.
inline constexpr int kCatchUpMessageBytesMax = 256 << 20;

// Safe for concurrent use.
class CatchUpServer : public internal::CatchUpService::Service {
 public:
  // `store` outlives the server that this is registered with.
  CatchUpServer(std::string origin, const Store& store) : origin_(std::move(origin)), copy_(store) {}

  // Who may copy.
  void SetMembers(const Members& members);

  grpc::Status CatchUp(grpc::ServerContext* context, const internal::CatchUpRequest* request,
                       grpc::ServerWriter<internal::CatchUpResponse>* writer) override;

 private:
  Status Check(const internal::CatchUpRequest& request);
  Status Give(grpc::ServerContext& context, const internal::CatchUpRequest& request,
              grpc::ServerWriter<internal::CatchUpResponse>& writer);

  const std::string origin_;
  const CopyOut copy_;
  std::mutex mutex_;
  // Guarded by mutex_.
  Members members_;
  bool busy_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CATCH_UP_SERVER_H_
