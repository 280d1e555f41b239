#include "ledger/crypto/sha256.h"

// The low-level calls are deprecated since OpenSSL 3.0 in favour of EVP, which costs about 40 ns more for each message
// even with a fetched algorithm and a reused context: a third of the price of a Merkle node. They are part of every
// OpenSSL 3 and choose SHA-NI by themselves.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <new>

#include "ledger/base/check.h"

namespace anamnesis {
namespace {

// The calls return 0 only in FIPS builds of the past; a wrong digest would be worse than stopping.
void Start(SHA256_CTX* context) { CHECK(SHA256_Init(context) == 1); }

void Add(SHA256_CTX* context, std::string_view data) { CHECK(SHA256_Update(context, data.data(), data.size()) == 1); }

Digest End(SHA256_CTX* context) {
  Digest digest;
  CHECK(SHA256_Final(digest.data(), context) == 1);
  return digest;
}

template <typename Storage>
SHA256_CTX* ContextIn(Storage& storage) {
  static_assert(sizeof(SHA256_CTX) <= sizeof(Storage));
  static_assert(alignof(SHA256_CTX) <= 8);
  return std::launder(reinterpret_cast<SHA256_CTX*>(storage.data()));
}

}  // namespace

Digest Sha256(std::string_view data) {
  SHA256_CTX context;
  Start(&context);
  Add(&context, data);
  return End(&context);
}

Digest Sha256(std::initializer_list<std::string_view> parts) {
  SHA256_CTX context;
  Start(&context);
  for (std::string_view part : parts) Add(&context, part);
  return End(&context);
}

Sha256Hasher::Sha256Hasher() {
  // Zeroed so that copying never reads bytes that nobody wrote.
  context_.fill(std::byte{0});
  Start(ContextIn(context_));
}

void Sha256Hasher::Update(std::string_view data) { Add(ContextIn(context_), data); }

Digest Sha256Hasher::Finish() {
  Digest digest = End(ContextIn(context_));
  Start(ContextIn(context_));
  return digest;
}

}  // namespace anamnesis
