#include "ledger/note/cosignature.h"

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"

namespace anamnesis {

std::string CosignedMessage(std::string_view checkpoint_text, uint64_t unix_seconds) {
  return Text("cosignature/v1\ntime ", unix_seconds, '\n', checkpoint_text);
}

NoteSignature Cosign(std::string_view checkpoint_text, std::string_view name, const PrivateKey& key,
                     uint64_t unix_seconds) {
  CHECK(unix_seconds <= kCosignatureTimeMax);
  NoteSignature signature{std::string(name), KeyId(name, KeyType::kCosignature, key.public_key()), ""};
  AppendBigEndian64(signature.signature_bytes, unix_seconds);
  signature.signature_bytes += key.Sign(CosignedMessage(checkpoint_text, unix_seconds)).view();
  return signature;
}

StatusOr<uint64_t> VerifyCosignature(std::string_view checkpoint_text, const NoteSignature& signature,
                                     const VerifierKey& key) {
  const bool same_key = signature.name == key.name() && signature.key_id == key.key_id();
  if (!same_key || key.type() != KeyType::kCosignature) {
    return absl::UnauthenticatedError(Text("not a cosignature by key ", key.Format()));
  }
  ByteReader reader(signature.signature_bytes);
  StatusOr<uint64_t> unix_seconds = reader.BigEndian64();
  if (!unix_seconds.ok() || *unix_seconds > kCosignatureTimeMax || reader.rest().size() != Signature::kSize) {
    return absl::UnauthenticatedError(Text("malformed cosignature by \"", key.name(), "\""));
  }
  RETURN_IF_ERROR(VerifyEd25519(key.public_key(), CosignedMessage(checkpoint_text, *unix_seconds), reader.rest()));
  return *unix_seconds;
}

}  // namespace anamnesis
