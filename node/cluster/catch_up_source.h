#ifndef ANAMNESIS_NODE_CLUSTER_CATCH_UP_SOURCE_H_
#define ANAMNESIS_NODE_CLUSTER_CATCH_UP_SOURCE_H_

// Events as the other members hold them, over the stream by which a node catches up (catch_up_server.h): it is opened
// where something is missing here and broken off when that has come.

#include <memory>
#include <optional>
#include <string>

#include "anamnesis/internal/catch_up.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "ledger/engine/repair_source.h"
#include "ledger/tls/tls_identity.h"
#include "node/replication/members.h"

namespace anamnesis {

// Used by one thread. Asks one member after the other: who can't give is passed over from then on.
class CatchUpSource : public RepairSource {
 public:
  // `node` is the caller, which isn't asked. `tls` is null for no TLS.
  CatchUpSource(std::string origin, NodeId node, Members members, std::shared_ptr<TlsIdentity> tls);
  ~CatchUpSource() override;

  // The member that is asked at present.
  std::string name() const override;
  StatusOr<internal::CopyChunk> Read(LeafIndex first, TreeSize limit) override;

 private:
  Status Open(const Member& peer, LeafIndex first);
  void Close();
  StatusOr<internal::CopyChunk> ReadFrom(const Member& peer, LeafIndex first, TreeSize limit);

  const std::string origin_;
  const NodeId node_;
  const Members members_;
  const std::shared_ptr<TlsIdentity> tls_;
  // Those that are left to ask, borrowed from members_.
  std::vector<const Member*> peers_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<internal::CatchUpService::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<internal::CatchUpResponse>> reader_;
  // What the stream goes on with: events that came and were not asked for yet, else the next to come.
  internal::CopyChunk left_;
  uint64_t next_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CATCH_UP_SOURCE_H_
