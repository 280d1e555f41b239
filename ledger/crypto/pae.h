#ifndef ANAMNESIS_LEDGER_CRYPTO_PAE_H_
#define ANAMNESIS_LEDGER_CRYPTO_PAE_H_

#include <string>
#include <string_view>

namespace anamnesis {

// DSSE's pre-authentication encoding (https://github.com/secure-systems-lab/dsse), version 1:
// "DSSEv1" SP len(type) SP type SP len(payload) SP payload, lengths in decimal. What is signed in place of a payload,
// so that a signature over one type of payload is never one over another. Injective; pure; safe from any thread.
std::string DssePae(std::string_view payload_type, std::string_view payload);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_CRYPTO_PAE_H_
