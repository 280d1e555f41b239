#ifndef ANAMNESIS_NODE_SERVICE_UNAVAILABLE_SERVER_H_
#define ANAMNESIS_NODE_SERVICE_UNAVAILABLE_SERVER_H_

// Stands in for a node's services while there is no ledger to serve: every call is UNAVAILABLE and says why, and
// grpc.health.v1 says NOT_SERVING. Safe from any thread.

#include <memory>
#include <string>

#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

class UnavailableServer {
 public:
  // Listens at HOST:PORT; port 0 takes a free one. `tls` is null for no TLS. UNAVAILABLE when the address can't be
  // listened on.
  static StatusOr<std::unique_ptr<UnavailableServer>> Start(const std::string& address,
                                                            std::shared_ptr<TlsIdentity> tls, const std::string& why);
  // Stops at once.
  virtual ~UnavailableServer() = default;

  // Calls are told `why` from now on.
  virtual void Say(std::string why) = 0;
  // The port that was taken.
  virtual int port() const = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_UNAVAILABLE_SERVER_H_
