#ifndef ANAMNESIS_LEDGER_CRYPTO_SHA256_H_
#define ANAMNESIS_LEDGER_CRYPTO_SHA256_H_

// SHA-256 (FIPS 180-4). Nothing here fails. The functions are pure and safe from any thread; a Sha256Hasher is a
// value that one thread uses at a time.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "ledger/base/digest.h"

namespace anamnesis {

Digest Sha256(std::string_view data);
// The digest of the concatenation of `parts`, without concatenating them.
Digest Sha256(std::initializer_list<std::string_view> parts);

// Hashes what arrives in pieces. Copying forks the state: both copies go on from the same bytes.
class Sha256Hasher {
 public:
  Sha256Hasher();
  void Update(std::string_view data);
  // The digest of everything given so far. Afterwards the hasher is as newly made.
  Digest Finish();

 private:
  // libcrypto's context in place: no allocation for a hash, and no OpenSSL header in ours.
  alignas(8) std::array<std::byte, 112> context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_CRYPTO_SHA256_H_
