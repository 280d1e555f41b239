// A signed note, and the checkpoint and signature lines in it: whatever can be parsed is written back byte for byte,
// and verifying it with keys that signed nothing of it never succeeds.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ledger/base/check.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {
namespace {

void CheckKeyText(std::string_view bytes) {
  const StatusOr<VerifierKey> key = VerifierKey::Parse(bytes);
  if (key.ok()) CHECK(key->Format() == bytes);
}

void CheckNote(std::string_view bytes) {
  const StatusOr<SignedNote> note = ParseSignedNote(bytes);
  if (!note.ok()) return;
  CHECK(FormatSignedNote(*note) == bytes);
  std::vector<VerifierKey> known;
  for (const NoteSignature& signature : note->signatures) {
    // A small-order key, for which signatures could be made up if it were accepted.
    for (KeyType type : {KeyType::kEd25519, KeyType::kCosignature}) {
      const StatusOr<VerifierKey> key = VerifierKey::Make(signature.name, type, PublicKey());
      CHECK(key.ok());
      known.push_back(*key);
    }
  }
  CHECK(!VerifyNote(*note, known).ok());
  const StatusOr<Checkpoint> checkpoint = ParseCheckpointText(note->text);
  if (!checkpoint.ok()) return;
  const std::string text = FormatCheckpointText(*checkpoint);
  CHECK(note->text.starts_with(text));
  CHECK(ParseCheckpointText(text).value() == *checkpoint);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  anamnesis::CheckKeyText(bytes);
  anamnesis::CheckNote(bytes);
  return 0;
}
