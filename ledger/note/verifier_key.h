#ifndef ANAMNESIS_LEDGER_NOTE_VERIFIER_KEY_H_
#define ANAMNESIS_LEDGER_NOTE_VERIFIER_KEY_H_

// The public half of a key that signs notes (https://c2sp.org/signed-note). Values; pure; safe from any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/crypto/ed25519.h"

namespace anamnesis {

// What a key signs with: the byte before the public key. Assigned by C2SP, so it never changes.
enum class KeyType : uint8_t {
  kEd25519 = 0x01,      // the note's text
  kCosignature = 0x04,  // a timestamped cosignature of a checkpoint
};

// The first four bytes of SHA-256(name || 0x0A || type || public key), big-endian. Short on purpose: with the name it
// finds the key that was configured, and says nothing by itself.
uint32_t KeyId(std::string_view name, KeyType type, const PublicKey& key);

// INVALID_ARGUMENT, with the reason, unless `name` can name a key: not empty, UTF-8, no Unicode space or control
// character, no "+".
Status CheckKeyName(std::string_view name);

class VerifierKey {
 public:
  // INVALID_ARGUMENT unless CheckKeyName(name).
  static StatusOr<VerifierKey> Make(std::string_view name, KeyType type, const PublicKey& key);

  // "name+hex8(key id)+base64(type || public key)". INVALID_ARGUMENT, with the reason, for anything that Format would
  // not write: a bad name, another type than those above, a key id that is not the one derived from the rest.
  static StatusOr<VerifierKey> Parse(std::string_view text);
  std::string Format() const;

  const std::string& name() const { return name_; }
  uint32_t key_id() const { return key_id_; }
  KeyType type() const { return type_; }
  const PublicKey& public_key() const { return public_key_; }

  friend bool operator==(const VerifierKey&, const VerifierKey&) = default;

 private:
  VerifierKey() = default;

  std::string name_;
  uint32_t key_id_ = 0;
  KeyType type_ = KeyType::kEd25519;
  PublicKey public_key_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_NOTE_VERIFIER_KEY_H_
