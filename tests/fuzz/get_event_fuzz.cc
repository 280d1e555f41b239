// ReadService.GetEvent: the event with that index or id, whole, or NOT_FOUND when there is none.

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

bool Names(const v1::GetEventRequest& request, const v1::Event& event) {
  if (request.which_case() == v1::GetEventRequest::kEventId) return event.header().event_id() == request.event_id();
  return request.which_case() == v1::GetEventRequest::kIndex && event.index() == request.index();
}

void Fuzz(const v1::GetEventRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const auto answer = Ask(ledger.read(), &ReadService::GetEvent, request);
  CheckStatus(answer.status, {grpc::StatusCode::NOT_FOUND, grpc::StatusCode::INVALID_ARGUMENT});
  const bool names_one = request.which_case() == v1::GetEventRequest::kIndex || request.event_id().size() == 16;
  CHECK(names_one == (answer.status.error_code() != grpc::StatusCode::INVALID_ARGUMENT));
  bool found = false;
  for (const v1::Event& event : ledger.events()) {
    if (!Names(request, event)) continue;
    found = true;
    CHECK(answer.status.ok() && answer.reply.SerializeAsString() == event.SerializeAsString());
  }
  CHECK(found == answer.status.ok());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetEventRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
