#ifndef ANAMNESIS_LEDGER_NOTE_COSIGNATURE_H_
#define ANAMNESIS_LEDGER_NOTE_COSIGNATURE_H_

// Timestamped Ed25519 cosignatures of checkpoints (https://c2sp.org/tlog-cosignature, cosignature/v1). A cosignature
// states that at its time this was the largest consistent tree that the cosigner had seen of the log. Pure: the time is
// an argument. Safe from any thread and for any input.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

// The format's bound on the time, in Unix seconds.
inline constexpr uint64_t kCosignatureTimeMax = INT64_MAX;

// What a cosigner signs: "cosignature/v1\ntime <seconds>\n" and the checkpoint's whole text with its last newline.
std::string CosignedMessage(std::string_view checkpoint_text, uint64_t unix_seconds);

// A KeyType::kCosignature signature by the key called `name`. `unix_seconds` is in [0, kCosignatureTimeMax] (checked).
NoteSignature Cosign(std::string_view checkpoint_text, std::string_view name, const PrivateKey& key,
                     uint64_t unix_seconds);

// The time of the cosignature, in Unix seconds, when it is one of this text by `key`. Whether that time is recent or in
// the future is for the caller to judge. UNAUTHENTICATED when name, key id, key type, length, time or signature are
// wrong.
StatusOr<uint64_t> VerifyCosignature(std::string_view checkpoint_text, const NoteSignature& signature,
                                     const VerifierKey& key);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_NOTE_COSIGNATURE_H_
