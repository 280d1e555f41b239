#include "ledger/note/signed_note.h"

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

// An em dash and a space.
constexpr std::string_view kSignaturePrefix = "\xE2\x80\x94 ";

// Null when the key is not known.
StatusOr<const VerifierKey*> FindKey(std::span<const VerifierKey> known, const NoteSignature& signature) {
  const VerifierKey* found = nullptr;
  for (const VerifierKey& key : known) {
    if (key.name() != signature.name || key.key_id() != signature.key_id) continue;
    if (found != nullptr && *found != key) {
      return absl::InvalidArgumentError(Text("two known keys have the name \"", key.name(), "\" and the same key id"));
    }
    found = &key;
  }
  return found;
}

}  // namespace

StatusOr<SignedNote> ParseSignedNote(std::string_view bytes) {
  if (bytes.size() > limits::kNoteBytesMax) {
    return absl::InvalidArgumentError(Text("note: ", bytes.size(), " bytes; at most ", limits::kNoteBytesMax));
  }
  if (!IsNoteText(bytes)) return absl::InvalidArgumentError("note: not UTF-8, or with control characters");
  // The text may have blank lines of its own.
  const size_t blank = bytes.rfind("\n\n");
  if (blank == std::string_view::npos) return absl::InvalidArgumentError("note: no blank line before signatures");
  SignedNote note;
  note.text = bytes.substr(0, blank + 1);
  std::string_view rest = bytes.substr(blank + 2);
  if (rest.empty()) return absl::InvalidArgumentError("note: no signatures");
  while (!rest.empty()) {
    if (note.signatures.size() == limits::kNoteSignaturesMax) {
      return absl::InvalidArgumentError(Text("note: more than ", limits::kNoteSignaturesMax, " signatures"));
    }
    ASSIGN_OR_RETURN(std::string_view line, TakeLine(rest, "note: signature"));
    ASSIGN_OR_RETURN(NoteSignature signature, ParseSignatureLine(line));
    note.signatures.push_back(std::move(signature));
  }
  return note;
}

std::string FormatSignedNote(const SignedNote& note) {
  std::string bytes = Text(note.text, '\n');
  for (const NoteSignature& signature : note.signatures) bytes += FormatSignatureLine(signature);
  return bytes;
}

std::string FormatSignatureLine(const NoteSignature& signature) {
  std::string blob;
  AppendBigEndian32(blob, signature.key_id);
  blob += signature.signature_bytes;
  return Text(kSignaturePrefix, signature.name, ' ', Base64Encode(blob), '\n');
}

StatusOr<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) {
    return absl::InvalidArgumentError("signature line: does not start with an em dash and a space");
  }
  line.remove_prefix(kSignaturePrefix.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return absl::InvalidArgumentError("signature line: not \"name base64\"");
  NoteSignature signature;
  signature.name = line.substr(0, space);
  RETURN_IF_ERROR(WithContext(CheckKeyName(signature.name), "signature line"));
  StatusOr<std::string> blob = Base64Decode(line.substr(space + 1));
  if (!blob.ok()) return WithContext(blob.status(), "signature line");
  ByteReader reader(*blob);
  StatusOr<uint32_t> key_id = reader.BigEndian32();
  if (!key_id.ok() || reader.empty())
    return absl::InvalidArgumentError("signature line: no signature after the key id");
  signature.key_id = *key_id;
  signature.signature_bytes = reader.rest();
  return signature;
}

NoteSignature SignNote(std::string_view text, std::string_view name, const PrivateKey& key) {
  return {std::string(name), KeyId(name, KeyType::kEd25519, key.public_key()), key.Sign(text).bytes()};
}

Status VerifySignature(std::string_view text, const NoteSignature& signature, const VerifierKey& key) {
  if (signature.name != key.name() || signature.key_id != key.key_id()) {
    return absl::UnauthenticatedError(Text("the signature by \"", signature.name, "\" is not by key ", key.Format()));
  }
  Status status;
  switch (key.type()) {
    case KeyType::kEd25519:
      status = VerifyEd25519(key.public_key(), text, signature.signature_bytes);
      break;
    case KeyType::kCosignature:
      status = VerifyCosignature(text, signature, key).status();
      break;
  }
  if (!status.ok()) {
    return absl::UnauthenticatedError(
        Text("the signature by known key \"", key.name(), "\" is wrong: ", MessageOf(status)));
  }
  return OkStatus();
}

StatusOr<std::vector<VerifierKey>> VerifyNote(const SignedNote& note, std::span<const VerifierKey> known) {
  std::vector<VerifierKey> verified;
  for (const NoteSignature& signature : note.signatures) {
    ASSIGN_OR_RETURN(const VerifierKey* key, FindKey(known, signature));
    if (key == nullptr) continue;
    RETURN_IF_ERROR(VerifySignature(note.text, signature, *key));
    if (std::find(verified.begin(), verified.end(), *key) == verified.end()) verified.push_back(*key);
  }
  if (verified.empty()) return absl::UnauthenticatedError("the note has no signature by a known key");
  return verified;
}

}  // namespace anamnesis
