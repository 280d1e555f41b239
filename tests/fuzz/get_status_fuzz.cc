// ReadService.GetStatus: the request says nothing, so whatever else is in it, the answer is the ledger's status.

#include <cstddef>
#include <cstdint>

#include "ledger/base/limits.h"
#include "ledger/note/verifier_key.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

void Fuzz(const v1::GetStatusRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const auto answer = Ask(ledger.read(), &ReadService::GetStatus, request);
  CheckStatus(answer.status, {});
  CHECK(answer.reply.origin() == kTestOrigin);
  CHECK(answer.reply.tree_size() == ledger.events().size());
  CHECK(answer.reply.root() == ledger.RootAt(ledger.events().size()).bytes());
  CHECK(VerifierKey::Parse(answer.reply.verifier_key()).ok());
  CHECK(answer.reply.run_events_max() == limits::kRunEventsMax);
  CHECK(answer.reply.refusing_appends().empty());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetStatusRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
