#ifndef ANAMNESIS_CLIENT_PKI_CERTIFICATE_AUTHORITY_H_
#define ANAMNESIS_CLIENT_PKI_CERTIFICATE_AUTHORITY_H_

// A CA that signs certificates for tests and trials: its key lies beside what it signs, and it keeps no list of it.
// Keys are ECDSA on P-256, which every TLS library takes, etcd 3.4's and gRPC's among them. Reads the clock and
// randomness; used by one thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis {

// A certificate and its private key, as PEM.
struct KeyPair {
  std::string certificate;
  std::string key;
};

struct CertificateRequest {
  std::string common_name;
  // Names of agents (ledger/tls/agent_uri.h).
  std::vector<std::string> uris;
  // DNS names and IP addresses under which it serves; none for who only calls.
  std::vector<std::string> hosts;
};

class CertificateAuthority {
 public:
  // A new CA; its certificate is valid for `days`, at least 1.
  static StatusOr<CertificateAuthority> Make(std::string_view common_name, int days);
  // The first certificate of `pair` and its key. INVALID_ARGUMENT when they are not that.
  static StatusOr<CertificateAuthority> Parse(const KeyPair& pair);
  ~CertificateAuthority();
  CertificateAuthority(CertificateAuthority&&) noexcept;

  // As PEM; the certificate is that of the CA alone.
  StatusOr<KeyPair> Pair() const;

  // A certificate with a key of its own, valid from a minute ago for `days`, at least 1; for servers too when there are
  // hosts. INVALID_ARGUMENT: a host is neither a DNS name nor an IP address.
  StatusOr<KeyPair> Issue(const CertificateRequest& request, int days) const;
  // The same names and uses as `certificate_pem` has, with a new key and validity.
  StatusOr<KeyPair> IssueAgain(std::string_view certificate_pem, int days) const;

 private:
  class Impl;
  explicit CertificateAuthority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_PKI_CERTIFICATE_AUTHORITY_H_
