#ifndef ANAMNESIS_LEDGER_CRYPTO_ED25519_H_
#define ANAMNESIS_LEDGER_CRYPTO_ED25519_H_

// Ed25519 (RFC 8032) with one pinned rule of verification: libsodium's. It refuses a non-canonical S, an A or R of
// small order and a non-canonical A, and uses the equation without cofactor. Every node and every client uses this
// function, so that no two of them can disagree about a signature. All of it is safe from any thread. No key is made
// from randomness here: a seed is an argument.

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/status.h"

namespace anamnesis {

// An encoded point, 32 bytes, as a value; zero by default, which verifies nothing. That the bytes are a usable point is
// found out at verification, not here.
class PublicKey {
 public:
  static constexpr size_t kSize = 32;

  PublicKey() = default;

  // INVALID_ARGUMENT, naming `field`, unless `bytes` is 32 bytes long.
  static StatusOr<PublicKey> FromBytes(std::string_view bytes, std::string_view field = "public_key");

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  std::string bytes() const { return std::string(view()); }
  std::string hex() const { return HexEncode(view()); }

  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const PublicKey& key) {
    return H::combine(std::move(state), key.bytes_);
  }

 private:
  friend class PrivateKey;
  std::array<uint8_t, kSize> bytes_{};
};

// R || S, 64 bytes, as a value.
class Signature {
 public:
  static constexpr size_t kSize = 64;

  Signature() = default;

  // INVALID_ARGUMENT, naming `field`, unless `bytes` is 64 bytes long.
  static StatusOr<Signature> FromBytes(std::string_view bytes, std::string_view field = "signature");

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  std::string bytes() const { return std::string(view()); }

  friend auto operator<=>(const Signature&, const Signature&) = default;

 private:
  friend class PrivateKey;
  std::array<uint8_t, kSize> bytes_{};
};

// A signing key. It can be moved, not copied, and its memory is wiped when it is destroyed or moved from; a key that
// was moved from may only be destroyed or assigned to.
class PrivateKey {
 public:
  static constexpr size_t kSeedSize = 32;

  // INVALID_ARGUMENT unless `seed` is 32 bytes long. The caller wipes its own copy (WipeMemory).
  static StatusOr<PrivateKey> FromSeed(std::string_view seed);

  PrivateKey(PrivateKey&& other) noexcept;
  PrivateKey& operator=(PrivateKey&& other) noexcept;
  PrivateKey(const PrivateKey&) = delete;
  PrivateKey& operator=(const PrivateKey&) = delete;
  ~PrivateKey();

  const PublicKey& public_key() const { return public_key_; }
  // Deterministic: the same key and message always give the same signature.
  Signature Sign(std::string_view message) const;
  // The 32 secret bytes, borrowed from the key, for writing a key file.
  std::string_view seed() const { return {reinterpret_cast<const char*>(secret_.data()), kSeedSize}; }

 private:
  PrivateKey() = default;

  // libsodium's form: seed || public key.
  std::array<uint8_t, kSeedSize + PublicKey::kSize> secret_{};
  PublicKey public_key_;
};

// INVALID_ARGUMENT unless `signature` is 64 bytes long; UNAUTHENTICATED when it is not a signature of `message` by
// `key` under the rule above.
Status VerifyEd25519(const PublicKey& key, std::string_view message, std::string_view signature);

// Overwrites secret bytes in a way that the compiler keeps.
void WipeMemory(void* data, size_t size);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_CRYPTO_ED25519_H_
