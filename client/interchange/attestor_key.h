#ifndef ANAMNESIS_CLIENT_INTERCHANGE_ATTESTOR_KEY_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_ATTESTOR_KEY_H_

// The public keys of those whose attestations are taken in: Ed25519, as everywhere here, and ECDSA on P-256 with
// SHA-256, which is what cosign makes by default. Values; safe from any thread and for any input.

#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis::interchange {

class AttestorKey {
 public:
  // "NAME+ID+BASE64", as `anamnesis key show` prints it. INVALID_ARGUMENT otherwise.
  static StatusOr<AttestorKey> FromVerifierKey(std::string_view text);
  // A PEM "PUBLIC KEY" (cosign.pub). INVALID_ARGUMENT, naming `name`, when it is none, or of another kind than the two.
  static StatusOr<AttestorKey> FromPem(std::string_view pem, std::string name);

  // For a person: the verifier key's name, or the PEM file's.
  const std::string& name() const { return name_; }
  // "ed25519:" or "ecdsa-p256:" and the digits of the raw key, or of the SHA-256 of its SubjectPublicKeyInfo.
  const std::string& fingerprint() const { return fingerprint_; }

  // UNAUTHENTICATED unless `signature` (64 bytes for Ed25519, DER for ECDSA) is one of `message` by this key.
  Status Verify(std::string_view message, std::string_view signature) const;

 private:
  AttestorKey() = default;

  std::string name_;
  std::string fingerprint_;
  // Ed25519: the 32 bytes. ECDSA: the SubjectPublicKeyInfo in DER.
  std::string bytes_;
  bool ecdsa_ = false;
};

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_ATTESTOR_KEY_H_
