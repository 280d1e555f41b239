#ifndef ANAMNESIS_LEDGER_COSE_COSE_KEY_H_
#define ANAMNESIS_LEDGER_COSE_COSE_KEY_H_

// Keys that receipts verify with, as COSE has them (RFC 9052, section 7), in deterministic CBOR:
//
//   {1: 1 (OKP), 2: kid, 3: -8 (EdDSA), -1: 6 (Ed25519), -2: public key}
//
// `kid` is that of a receipt: the C2SP key id, four bytes, which says nothing without the key's name. Pure.

#include <span>
#include <string>

#include "ledger/note/verifier_key.h"

namespace anamnesis {

// The `kid` of this key's receipts.
std::string CoseKeyId(const VerifierKey& key);

// A COSE_Key, and a COSE_KeySet of at least one.
std::string FormatCoseKey(const VerifierKey& key);
std::string FormatCoseKeySet(std::span<const VerifierKey> keys);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_COSE_COSE_KEY_H_
