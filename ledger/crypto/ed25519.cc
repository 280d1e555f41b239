#include "ledger/crypto/ed25519.h"

#include <sodium.h>

#include "ledger/base/check.h"

namespace anamnesis {
namespace {

static_assert(PublicKey::kSize == crypto_sign_PUBLICKEYBYTES);
static_assert(PrivateKey::kSeedSize == crypto_sign_SEEDBYTES);
static_assert(PrivateKey::kSeedSize + PublicKey::kSize == crypto_sign_SECRETKEYBYTES);
static_assert(Signature::kSize == crypto_sign_BYTES);

// libsodium chooses its implementations for this processor once; the static makes that safe from any thread.
void InitSodium() {
  static const int result = sodium_init();
  CHECK(result >= 0);
}

const uint8_t* Bytes(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

}  // namespace

StatusOr<PublicKey> PublicKey::FromBytes(std::string_view bytes, std::string_view field) {
  if (bytes.size() != kSize) {
    return absl::InvalidArgumentError(Text(field, ": ", bytes.size(), " bytes; an Ed25519 public key has ", kSize));
  }
  PublicKey key;
  std::memcpy(key.bytes_.data(), bytes.data(), kSize);
  return key;
}

StatusOr<Signature> Signature::FromBytes(std::string_view bytes, std::string_view field) {
  if (bytes.size() != kSize) {
    return absl::InvalidArgumentError(Text(field, ": ", bytes.size(), " bytes; an Ed25519 signature has ", kSize));
  }
  Signature signature;
  std::memcpy(signature.bytes_.data(), bytes.data(), kSize);
  return signature;
}

StatusOr<PrivateKey> PrivateKey::FromSeed(std::string_view seed) {
  if (seed.size() != kSeedSize) {
    return absl::InvalidArgumentError(Text("seed: ", seed.size(), " bytes; an Ed25519 seed has ", kSeedSize));
  }
  InitSodium();
  PrivateKey key;
  CHECK(crypto_sign_seed_keypair(key.public_key_.bytes_.data(), key.secret_.data(), Bytes(seed)) == 0);
  return key;
}

PrivateKey::PrivateKey(PrivateKey&& other) noexcept : secret_(other.secret_), public_key_(other.public_key_) {
  WipeMemory(other.secret_.data(), other.secret_.size());
}

PrivateKey& PrivateKey::operator=(PrivateKey&& other) noexcept {
  if (this != &other) {
    secret_ = other.secret_;
    public_key_ = other.public_key_;
    WipeMemory(other.secret_.data(), other.secret_.size());
  }
  return *this;
}

PrivateKey::~PrivateKey() { WipeMemory(secret_.data(), secret_.size()); }

Signature PrivateKey::Sign(std::string_view message) const {
  Signature signature;
  CHECK(crypto_sign_detached(signature.bytes_.data(), nullptr, Bytes(message), message.size(), secret_.data()) == 0);
  return signature;
}

Status VerifyEd25519(const PublicKey& key, std::string_view message, std::string_view signature) {
  if (signature.size() != Signature::kSize) {
    return absl::InvalidArgumentError(
        Text("signature: ", signature.size(), " bytes; an Ed25519 signature has ", Signature::kSize));
  }
  InitSodium();
  if (crypto_sign_verify_detached(Bytes(signature), Bytes(message), message.size(), Bytes(key.view())) != 0) {
    return absl::UnauthenticatedError(Text("signature does not verify with public key ", key.hex()));
  }
  return OkStatus();
}

void WipeMemory(void* data, size_t size) { sodium_memzero(data, size); }

}  // namespace anamnesis
