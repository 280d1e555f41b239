// A receipt: whatever can be parsed is written back byte for byte, and none verifies without a key that signed it.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"

namespace anamnesis {
namespace {

void CheckProof(std::string_view bytes) {
  const StatusOr<TlogProof> proof = ParseTlogProof(bytes);
  if (!proof.ok()) return;
  CHECK(FormatTlogProof(*proof) == bytes);
  CHECK(!VerifyTlogProof(*proof, "leaf", std::span<const VerifierKey>()).ok());
  const SignedNote note = ParseSignedNote(proof->checkpoint_note).value();
  const Checkpoint checkpoint = ParseCheckpointText(note.text).value();
  const Digest leaf_hash = LeafHash("leaf");
  const StatusOr<Digest> root = RootFromInclusionProof(leaf_hash, proof->index, checkpoint.size, proof->hashes);
  if (root.ok()) CHECK(VerifyInclusion(leaf_hash, proof->index, checkpoint.size, proof->hashes, *root).ok());
  // The same hashes as a consistency proof: any numbers are safe.
  (void)VerifyConsistency(TreeSize(proof->index.value), checkpoint.size, proof->hashes, leaf_hash, checkpoint.root);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckProof({reinterpret_cast<const char*>(data), size});
  return 0;
}
