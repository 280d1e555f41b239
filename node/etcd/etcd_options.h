#ifndef ANAMNESIS_NODE_ETCD_ETCD_OPTIONS_H_
#define ANAMNESIS_NODE_ETCD_ETCD_OPTIONS_H_

// How to reach etcd, and as whom.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

struct EtcdOptions {
  // HOST:PORT of the members' client addresses, at least one ("[::1]:2379" for IPv6).
  std::vector<std::string> endpoints;
  // Every key and every watch lies below it. Not empty.
  std::string prefix;
  // Whom we trust and, for members started with --client-cert-auth, who we are: they take the certificate's common name
  // for the user where no user is given here. Without it the connection is plain, which is refused to any endpoint but
  // localhost, 127.x.x.x and [::1].
  std::shared_ptr<TlsIdentity> tls;
  // Empty: no user; then no password either.
  std::string user;
  std::string password;

  // How long a call may take in all, on however many endpoints.
  std::chrono::milliseconds call_timeout{5000};
  // How long a read waits for one endpoint before it asks the next one.
  std::chrono::milliseconds attempt_timeout{2000};
  // How long a write that was sent waits for its answer before its outcome is unknown. A member sends it on to the
  // leader that it knows; one that has just died never answers, and the member says nothing for seven seconds.
  std::chrono::milliseconds write_timeout{500};
  // Every endpoint is asked how it is once in this interval, and taken for dead when it doesn't answer within the
  // timeout: what goes on there then goes on elsewhere.
  std::chrono::milliseconds probe_interval{1000};
  std::chrono::milliseconds probe_timeout{2000};
  // A transaction above this is refused here: etcd's own limit is 1.5 MiB unless it was started with another.
  size_t transaction_bytes_max = 1024 * 1024;
  // What one watch holds ready for its reader before it stops reading from etcd.
  size_t watch_queue_bytes_max = 4 * 1024 * 1024;
};

// INVALID_ARGUMENT, naming the option, when it is not as described above.
Status CheckOptions(const EtcdOptions& options);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_ETCD_OPTIONS_H_
