#ifndef ANAMNESIS_LEDGER_TLS_TLS_IDENTITY_H_
#define ANAMNESIS_LEDGER_TLS_TLS_IDENTITY_H_

// Who this process is to others over TLS, and whom it trusts: three PEM files, looked at every second on a thread of
// its own and taken over whenever they have changed and fit together. Connections that stand are not touched; every new
// one uses what is there then. Files that don't fit together (half written, a key of another certificate, garbage,
// expired) change nothing but the log, so files may be replaced one after the other and in any order.
//
// gRPC reads files by itself, but takes whatever is there and then refuses every connection until it is mended. So it
// is given copies, in memory, of files that were checked.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace grpc::experimental {
class CertificateProviderInterface;
}

namespace anamnesis {

// Names of PEM files.
struct TlsFiles {
  // Our certificate, followed by those between it and the CA if there are any, and its key; both or neither.
  std::string certificate = "";
  std::string key = "";
  // The certificates that may have signed a peer's, several while one takes another's place; empty: those that the
  // system trusts.
  std::string ca = "";
};

struct ExpiringCertificate {
  // "the certificate CN=node0 in /etc/anamnesis/node.crt".
  std::string what;
  Timestamp not_after;
};

// Safe for concurrent use. Must outlive what is made with its provider.
class TlsIdentity {
 public:
  // Gets one line for each change, and for each that is not taken over; called from the identity's thread.
  using Log = std::function<void(std::string_view)>;

  // Reads the files. NOT_FOUND: one can't be read or is empty. INVALID_ARGUMENT: one is malformed, certificate and key
  // don't belong together or only one is named, the certificate has expired or is not valid yet. UNAVAILABLE: no memory
  // or thread for it.
  static StatusOr<std::shared_ptr<TlsIdentity>> Load(TlsFiles files, Log log);
  ~TlsIdentity();

  bool has_certificate() const;
  bool has_ca() const;
  // The URIs of our certificate; a certificate with others never takes its place.
  const std::vector<std::string>& uris() const;
  // All that are in use, of our own and of CAs.
  std::vector<ExpiringCertificate> Expiring() const;
  // How often the files were taken over.
  uint64_t version() const;

  // For gRPC's TLS credentials; null when no file is named.
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider() const;

 private:
  class Impl;
  explicit TlsIdentity(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_TLS_TLS_IDENTITY_H_
