#ifndef ANAMNESIS_NODE_CLUSTER_CATCH_UP_H_
#define ANAMNESIS_NODE_CLUSTER_CATCH_UP_H_

// Brings the ledger in this node's directory, which nobody has open, up to what another member holds: see copy_in.h for
// what is verified.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "anamnesis/internal/catch_up.pb.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/copy_in.h"
#include "node/cluster/cluster_options.h"

namespace anamnesis {

// Run is called by one thread; Stop from any.
class CatchUp {
 public:
  // Of `options` node, etcd and log count. The origin is the directory's own.
  CatchUp(const ClusterOptions& options, std::string dir) : options_(options), dir_(std::move(dir)) {}

  // Asks the members, as etcd or else the directory names them, one after the other, until a copy at `at_least` or
  // later is made. Goes on with what an earlier call received. UNAVAILABLE: nobody could give one now; try again.
  // CANCELLED after Stop. Otherwise fails as CopyIn does, and then the directory needs a person.
  Status Run(Revision at_least);
  // Ends Run soon, and every later one.
  void Stop();

 private:
  StatusOr<Members> FindMembers(const CopyIn& copy) const;
  Status CopyFrom(const Member& peer, Revision at_least, CopyIn& copy);
  Status Receive(grpc::ClientReader<internal::CatchUpResponse>& reader, Revision at_least, CopyIn& copy);

  const ClusterOptions& options_;
  const std::string dir_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  // Guarded by mutex_: of the call under way.
  std::unique_ptr<grpc::ClientContext> context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CATCH_UP_H_
