#ifndef ANAMNESIS_CLIENT_CPP_CLUSTER_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_CLUSTER_CLIENT_H_

// A cluster as its operators see it: proto/anamnesis/v1/cluster.proto as C++ calls, with the codes stated there, plus
// UNAVAILABLE when a node can't be reached. Safe for concurrent use.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/cluster.pb.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

class ClusterClient {
 public:
  virtual ~ClusterClient() = default;

  // As given to ConnectCluster.
  virtual const std::vector<std::string>& addresses() const = 0;
  // What the node at addresses()[place] says.
  virtual StatusOr<v1::ClusterStatus> GetStatus(size_t place) = 0;
  // Asks one node after another until one answers other than UNAVAILABLE.
  virtual StatusOr<v1::ClusterStatus> GetStatus() = 0;
  // Asks one node after another until one answers. UNKNOWN also when one was asked and did not answer, and no other
  // says what came of it: the change may have been made. ALREADY_EXISTS when it has, by this call or before it.
  virtual StatusOr<v1::ChangeMembersResponse> ChangeMembers(const v1::ChangeMembersRequest& request) = 0;
};

// `addresses` is HOST:PORT[,HOST:PORT...]. INVALID_ARGUMENT when one has not this form, or as LoadIdentity fails
// (channel.h); nothing is connected yet.
StatusOr<std::unique_ptr<ClusterClient>> ConnectCluster(std::string_view addresses, const TlsFiles& tls = {});

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_CLUSTER_CLIENT_H_
