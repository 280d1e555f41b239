#ifndef ANAMNESIS_LEDGER_NOTE_TLOG_PROOF_H_
#define ANAMNESIS_LEDGER_NOTE_TLOG_PROOF_H_

// The receipt of one leaf (https://c2sp.org/tlog-proof): its index, its audit path and a checkpoint with signatures.
// Whoever has the leaf, the receipt and the keys needs nothing else to verify. Pure; safe from any thread and for any
// input.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

struct TlogProof {
  LeafIndex index;
  // From the leaf's sibling upwards, at most limits::kProofHashesMax.
  std::vector<Digest> hashes;
  // The signed note, byte for byte.
  std::string checkpoint_note;
  // Opaque and not authenticated; empty when there is none. We write none.
  std::string extra;

  friend bool operator==(const TlogProof&, const TlogProof&) = default;
};

std::string FormatTlogProof(const TlogProof& proof);
// INVALID_ARGUMENT, naming the line, unless `bytes` is a proof within limits::kProofBytesMax whose checkpoint is a
// well-formed note with a well-formed checkpoint text. Verifies nothing.
StatusOr<TlogProof> ParseTlogProof(std::string_view bytes);

// The lines of base64 hashes in front of `rest` up to a blank line, as proofs are written in C2SP's formats; they and
// the blank line are taken off. INVALID_ARGUMENT, naming the hash, when one is malformed or there are more than
// `hashes_max`.
StatusOr<std::vector<Digest>> TakeHashLines(std::string_view& rest, size_t hashes_max);

// The checkpoint under which `leaf`, the whole leaf as it is in the log, is number proof.index. `opened` is what the
// proof's note was opened as, by keys, a policy or whatever else the verifier trusts; its failure is passed on.
// INVALID_ARGUMENT when the path has the wrong length; UNAUTHENTICATED when it does not lead to the checkpoint's root.
StatusOr<Checkpoint> VerifyTlogProofUnder(const TlogProof& proof, std::string_view leaf, StatusOr<Checkpoint> opened);
// The same by keys, with the codes of OpenCheckpoint: the log's signature is enough.
StatusOr<Checkpoint> VerifyTlogProof(const TlogProof& proof, std::string_view leaf, std::span<const VerifierKey> keys);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_NOTE_TLOG_PROOF_H_
