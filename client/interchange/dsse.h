#ifndef ANAMNESIS_CLIENT_INTERCHANGE_DSSE_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_DSSE_H_

// DSSE envelopes (https://github.com/secure-systems-lab/dsse): a payload of a named type and signatures over both.
// Pure; safe from any thread and for any input.

#include <string>
#include <string_view>
#include <vector>

#include "client/interchange/attestor_key.h"
#include "ledger/base/status.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::interchange {

// in-toto's payload type for DSSE.
inline constexpr std::string_view kInTotoPayloadType = "application/vnd.in-toto+json";
inline constexpr size_t kEnvelopeSignaturesMax = 32;

struct Envelope {
  struct Signature {
    // A hint, which nothing vouches for.
    std::string key_id;
    std::string bytes;
  };

  std::string payload_type;
  std::string payload;
  std::vector<Signature> signatures;
};

// The one form in which envelopes are written here: a JSON document with two spaces of indentation.
std::string FormatEnvelope(const Envelope& envelope);

// The envelope as FormatEnvelope writes it, with one Ed25519 signature; its keyid is the public key in hexadecimal
// digits.
std::string SignEnvelope(std::string_view payload_type, std::string_view payload, const NamedKey& key);

// INVALID_ARGUMENT, naming what is wrong, when it is not the JSON of an envelope with at most kEnvelopeSignaturesMax
// signatures; both alphabets of base64 are read. UNAUTHENTICATED when it has no signature. Verifies nothing.
StatusOr<Envelope> ParseEnvelope(std::string_view json);

// The first of `keys` that signed the envelope. Signatures by other keys say nothing, as anybody can add one.
// UNAUTHENTICATED, saying what each signature is, when none is by one of the keys.
StatusOr<const AttestorKey*> VerifyEnvelope(const Envelope& envelope, const std::vector<AttestorKey>& keys);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_DSSE_H_
