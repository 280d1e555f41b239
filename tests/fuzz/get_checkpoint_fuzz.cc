// ProofService.GetCheckpoint: the request says nothing, so whatever else is in it, the answer is a note that the
// ledger's key signed over its size and root.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/verifier_key.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

void Fuzz(const v1::GetCheckpointRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const auto answer = Ask(ledger.proof(), &ProofService::GetCheckpoint, request);
  CheckStatus(answer.status, {});
  const StatusOr<SignedNote> note = ParseSignedNote(answer.reply.note());
  CHECK(note.ok());
  const std::vector<VerifierKey> keys = {VerifierKey::Parse(ledger.ledger().GetStatus().verifier_key()).value()};
  CHECK(VerifyNote(*note, keys).ok());
  const StatusOr<Checkpoint> checkpoint = ParseCheckpointText(note->text);
  CHECK(checkpoint.ok() && checkpoint->origin == kTestOrigin);
  CHECK(checkpoint->size.value == ledger.events().size());
  CHECK(checkpoint->root == ledger.RootAt(ledger.events().size()));
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetCheckpointRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
