#ifndef ANAMNESIS_LEDGER_NOTE_CHECKPOINT_H_
#define ANAMNESIS_LEDGER_NOTE_CHECKPOINT_H_

// A tree head as the text of a signed note (https://c2sp.org/tlog-checkpoint). Pure; safe from any thread and for any
// input.

#include <span>
#include <string>
#include <string_view>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

struct Checkpoint {
  // The ledger's name: not empty, no newline, at most limits::kOriginBytesMax bytes.
  std::string origin;
  TreeSize size;
  Digest root;

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// "origin\nsize\nbase64(root)\n", without extension lines.
std::string FormatCheckpointText(const Checkpoint& checkpoint);

// Reads the three lines. Extension lines of others are admitted, as C2SP has it, and ignored: they are covered by
// signatures but no monitor audits them. INVALID_ARGUMENT, naming the line, when one is missing, empty or not in its
// only spelling, or when the text has control characters.
StatusOr<Checkpoint> ParseCheckpointText(std::string_view text);

// The checkpoint in a signed note, after verification: all signatures by known keys must verify, and one of them must
// be a KeyType::kEd25519 key whose name is the origin. INVALID_ARGUMENT when the note or its text is malformed;
// UNAUTHENTICATED when the signatures are not as said. Cosignatures count for nothing here: see Policy.
StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, std::span<const VerifierKey> keys);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_NOTE_CHECKPOINT_H_
