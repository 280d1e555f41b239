#ifndef ANAMNESIS_LEDGER_TLS_CERTIFICATE_H_
#define ANAMNESIS_LEDGER_TLS_CERTIFICATE_H_

// What is written in X.509 certificates, and whether a key belongs to one. Proves nothing about who signed: that is the
// handshake's business. Pure; any thread. The only room beside client/pki that knows OpenSSL's X.509.

#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis {

struct CertificateFacts {
  // For a person: "CN=ada".
  std::string subject;
  // The URIs among the subject alternative names.
  std::vector<std::string> uris;
  // Valid in [not_before, not_after], to the second.
  Timestamp not_before;
  Timestamp not_after;
};

// Every certificate of a PEM text, in its order; text between them is skipped. INVALID_ARGUMENT when there is none, or
// when one of them is cut off or no certificate.
StatusOr<std::vector<CertificateFacts>> ReadCertificates(std::string_view pem);

// OK when `key_pem` holds the private key, without passphrase, of the first certificate of `certificate_pem`;
// INVALID_ARGUMENT otherwise, without any part of the key.
Status CheckKeyBelongs(std::string_view key_pem, std::string_view certificate_pem);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_TLS_CERTIFICATE_H_
