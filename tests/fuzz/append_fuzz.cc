// AppendService.Append: each run is refused for a documented reason and leaves no trace, or is in the ledger byte for
// byte; a retry of the whole request gets the same places.

#include <cstddef>
#include <cstdint>

#include "ledger/engine/ledger.h"
#include "tests/fuzz/appends.h"

namespace anamnesis {
namespace {

v1::AppendResponse CheckAppend(SmallLedger& ledger, const v1::AppendRequest& request) {
  AppendWatch watch(ledger.ledger());
  auto answer = Ask(ledger.append(), &AppendService::Append, request);
  CheckStatus(answer.status, {grpc::StatusCode::INVALID_ARGUMENT});
  CHECK(answer.status.ok() == CheckAppendRequest(request).ok());
  if (answer.status.ok()) CHECK(answer.reply.results_size() == request.runs_size());
  for (int i = 0; i < answer.reply.results_size(); ++i) {
    watch.Check(request.runs(i), answer.reply.results(i), static_cast<uint32_t>(i));
  }
  watch.CheckGrowth();
  return std::move(answer.reply);
}

void Fuzz(v1::AppendRequest request) {
  SmallLedger& ledger = GrowingLedger();
  for (v1::Run& run : *request.mutable_runs()) SealForFounder(ledger.ledger(), run);
  const v1::AppendResponse first = CheckAppend(ledger, request);
  const v1::AppendResponse second = CheckAppend(ledger, request);
  for (int i = 0; i < first.results_size(); ++i) {
    if (first.results(i).has_refused()) continue;
    CHECK(second.results(i).already_recorded());
    for (int j = 0; j < first.results(i).indexes_size(); ++j) {
      CHECK(second.results(i).indexes(j) == first.results(i).indexes(j));
      CHECK(second.results(i).recorded_us(j) == first.results(i).recorded_us(j));
    }
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto request = anamnesis::ParseRequest<anamnesis::v1::AppendRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*std::move(request));
  return 0;
}
