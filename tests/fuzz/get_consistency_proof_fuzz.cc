// ProofService.GetConsistencyProof: a proof that verifies against the roots of both sizes, or OUT_OF_RANGE unless
// 0 < from <= to <= tree size.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ledger/merkle/verify.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

void Fuzz(const v1::GetConsistencyProofRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const auto answer = Ask(ledger.proof(), &ProofService::GetConsistencyProof, request);
  CheckStatus(answer.status, {grpc::StatusCode::OUT_OF_RANGE});
  const uint64_t from = request.from_size();
  const uint64_t to = request.to_size();
  CHECK(answer.status.ok() == (0 < from && from <= to && to <= ledger.events().size()));
  if (!answer.status.ok()) return;
  std::vector<Digest> hashes;
  for (const std::string& hash : answer.reply.hashes()) hashes.push_back(Digest::FromBytes(hash).value());
  CHECK(VerifyConsistency(TreeSize(from), TreeSize(to), hashes, ledger.RootAt(from), ledger.RootAt(to)).ok());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetConsistencyProofRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
