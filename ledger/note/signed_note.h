#ifndef ANAMNESIS_LEDGER_NOTE_SIGNED_NOTE_H_
#define ANAMNESIS_LEDGER_NOTE_SIGNED_NOTE_H_

// C2SP signed notes (https://c2sp.org/signed-note): text, a blank line, and a line for each signature. The text means
// nothing until a signature by a known key has been verified. Pure; safe from any thread and for any input.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

// One line "— name base64(be32 key id || signature bytes)".
struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  // 64 bytes for KeyType::kEd25519, 8 bytes of time before them for kCosignature, anything for a type we don't know.
  std::string signature_bytes;

  friend bool operator==(const NoteSignature&, const NoteSignature&) = default;
};

struct SignedNote {
  // With its last newline, without the blank line.
  std::string text;
  std::vector<NoteSignature> signatures;

  friend bool operator==(const SignedNote&, const SignedNote&) = default;
};

// INVALID_ARGUMENT, with the reason, unless `bytes` is a note within limits::kNoteBytesMax with 1 to
// limits::kNoteSignaturesMax well-formed signature lines. Verifies nothing.
StatusOr<SignedNote> ParseSignedNote(std::string_view bytes);
// The note's bytes. What comes out can be parsed again if the text ends with a newline and has no control characters,
// and the names pass CheckKeyName.
std::string FormatSignedNote(const SignedNote& note);

// One signature line with its newline, as a witness answers; and its inverse, without newline. INVALID_ARGUMENT when
// the line is malformed.
std::string FormatSignatureLine(const NoteSignature& signature);
StatusOr<NoteSignature> ParseSignatureLine(std::string_view line);

// A KeyType::kEd25519 signature of `text`, which ends with a newline, by the key called `name`.
NoteSignature SignNote(std::string_view text, std::string_view name, const PrivateKey& key);

// Checks one signature of `text` by the key that it names. UNAUTHENTICATED when name, key id, form or signature are not
// the key's.
Status VerifySignature(std::string_view text, const NoteSignature& signature, const VerifierKey& key);

// The keys among `known` that signed, each once, in the order of their first signature. A signature is by the known key
// with its name and key id; others are ignored, as C2SP has it.
// UNAUTHENTICATED when a signature by a known key does not verify, or when there is none that does.
// INVALID_ARGUMENT when two different keys in `known` share name and key id.
StatusOr<std::vector<VerifierKey>> VerifyNote(const SignedNote& note, std::span<const VerifierKey> known);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_NOTE_SIGNED_NOTE_H_
