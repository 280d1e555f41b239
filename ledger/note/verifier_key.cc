#include "ledger/note/verifier_key.h"

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/note/text.h"

namespace anamnesis {

uint32_t KeyId(std::string_view name, KeyType type, const PublicKey& key) {
  const char prefix[] = {'\n', static_cast<char>(type)};
  const Digest digest = Sha256({name, std::string_view(prefix, sizeof(prefix)), key.view()});
  return ByteReader(digest.view()).BigEndian32().value();
}

Status CheckKeyName(std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("key name: empty");
  if (!IsNoteText(name)) return absl::InvalidArgumentError("key name: not UTF-8, or with control characters");
  if (name.find('+') != std::string_view::npos || HasUnicodeSpace(name)) {
    return absl::InvalidArgumentError(Text("key name: \"", name, "\" has a blank or a \"+\""));
  }
  return OkStatus();
}

StatusOr<VerifierKey> VerifierKey::Make(std::string_view name, KeyType type, const PublicKey& key) {
  RETURN_IF_ERROR(CheckKeyName(name));
  VerifierKey made;
  made.name_ = name;
  made.key_id_ = KeyId(name, type, key);
  made.type_ = type;
  made.public_key_ = key;
  return made;
}

StatusOr<VerifierKey> VerifierKey::Parse(std::string_view text) {
  // Base64 may have further plus signs.
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) {
    return absl::InvalidArgumentError("verifier key: not <name>+<key id>+<base64>");
  }
  const std::string_view name = text.substr(0, first);
  StatusOr<std::string> key = Base64Decode(text.substr(second + 1));
  if (!key.ok()) return WithContext(key.status(), "verifier key");
  if (key->size() != 1 + PublicKey::kSize) {
    return absl::InvalidArgumentError(
        Text("verifier key: ", key->size(), " bytes; a type and an Ed25519 key have ", 1 + PublicKey::kSize));
  }
  const auto type = static_cast<KeyType>(static_cast<uint8_t>((*key)[0]));
  if (type != KeyType::kEd25519 && type != KeyType::kCosignature) {
    return absl::InvalidArgumentError(Text("verifier key: signature type ", static_cast<int>(type),
                                           " is not supported (1 Ed25519, 4 Ed25519 cosignature)"));
  }
  ASSIGN_OR_RETURN(PublicKey public_key, PublicKey::FromBytes(std::string_view(*key).substr(1)));
  ASSIGN_OR_RETURN(VerifierKey made, Make(name, type, public_key));
  if (made.Format() != text) {
    return absl::InvalidArgumentError(
        Text("verifier key: the key id does not belong to this name and key; \"", made.Format(), "\" would be right"));
  }
  return made;
}

std::string VerifierKey::Format() const {
  std::string id;
  AppendBigEndian32(id, key_id_);
  return Text(name_, '+', HexEncode(id), '+', Base64Encode(Text(static_cast<char>(type_), public_key_.view())));
}

}  // namespace anamnesis
