#ifndef ANAMNESIS_NODE_CLUSTER_PEER_CREDENTIALS_H_
#define ANAMNESIS_NODE_CLUSTER_PEER_CREDENTIALS_H_

#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "ledger/tls/grpc_credentials.h"
#include "node/replication/members.h"

namespace anamnesis {

// For a channel to a member, which has to show the certificate that the members name. `tls` is null for no TLS, and
// outlives the channel.
inline std::shared_ptr<grpc::ChannelCredentials> PeerCredentials(const TlsIdentity* tls, const std::string& origin,
                                                                 const Member& peer) {
  if (tls == nullptr) return grpc::InsecureChannelCredentials();
  return MakeChannelCredentials(*tls, NodeOf(origin, peer.CertificateId()));
}

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_PEER_CREDENTIALS_H_
