// ProofService.GetReceipt: a proof of the leaf that verifies with the ledger's key alone, or NOT_FOUND when there is no
// such leaf.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ledger/note/tlog_proof.h"
#include "ledger/note/verifier_key.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

void Fuzz(const v1::GetReceiptRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const auto answer = Ask(ledger.proof(), &ProofService::GetReceipt, request);
  CheckStatus(answer.status, {grpc::StatusCode::NOT_FOUND, grpc::StatusCode::OUT_OF_RANGE});
  const uint64_t size = request.tree_size() == 0 ? ledger.events().size() : request.tree_size();
  CHECK(answer.status.ok() == (request.index() < size && size <= ledger.events().size()));
  if (!answer.status.ok()) return;
  const v1::Event& event = ledger.events()[request.index()];
  CHECK(answer.reply.index() == request.index());
  CHECK(answer.reply.leaf() == event.leaf());
  CHECK(answer.reply.body().SerializeAsString() == event.body().SerializeAsString());
  const StatusOr<TlogProof> proof = ParseTlogProof(answer.reply.tlog_proof());
  CHECK(proof.ok() && proof->index.value == request.index());
  const std::vector<VerifierKey> keys = {VerifierKey::Parse(ledger.ledger().GetStatus().verifier_key()).value()};
  const StatusOr<Checkpoint> checkpoint = VerifyTlogProof(*proof, answer.reply.leaf(), keys);
  CHECK(checkpoint.ok() && checkpoint->size.value == answer.reply.tree_size());
  CHECK(request.tree_size() == 0 || checkpoint->size.value == size);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetReceiptRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
