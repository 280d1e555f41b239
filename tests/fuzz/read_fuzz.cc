// ReadService.Read: the events that the request asks for and no others, in its order, up to its limit; then, if the
// limit was not reached, one caught_up. A client that hangs up ends the call.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ledger/base/limits.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

struct Expected {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::vector<uint64_t> indexes;
  bool caught_up = false;
  // The call goes on until the client leaves.
  bool waits = false;
};

Expected Expect(const v1::ReadRequest& request, const std::vector<v1::Event>& events) {
  const uint64_t size = events.size();
  const bool backwards = request.direction() == v1::ReadRequest::BACKWARDS;
  Expected expected;
  if ((!request.stream().empty() && !request.type().empty()) || (backwards && request.follow())) {
    expected.code = grpc::StatusCode::INVALID_ARGUMENT;
    return expected;
  }
  if (request.has_from() && request.from() > (backwards ? size - 1 : size)) {
    expected.code = grpc::StatusCode::OUT_OF_RANGE;
    return expected;
  }
  const uint64_t limit = request.limit() > 0 ? request.limit()
                         : request.follow()  ? UINT64_MAX
                                             : limits::kReadEventsDefault;
  const uint64_t from = request.has_from() ? request.from() : (backwards ? size - 1 : 0);
  const uint64_t count = backwards ? from + 1 : size - from;
  for (uint64_t i = 0; i < count && expected.indexes.size() < limit; ++i) {
    const uint64_t index = backwards ? from - i : from + i;
    const v1::EventHeader& header = events[index].header();
    if (!request.stream().empty() && header.stream() != request.stream()) continue;
    if (!request.type().empty() && header.type() != request.type()) continue;
    expected.indexes.push_back(index);
  }
  expected.caught_up = expected.indexes.size() < limit;
  expected.waits = expected.caught_up && request.follow();
  return expected;
}

void CheckEvent(const v1::Event& event, const v1::Event& stored, bool with_body) {
  CHECK(event.leaf() == stored.leaf());
  CHECK(event.body_state() == (with_body ? v1::BODY_PRESENT : v1::BODY_NOT_INCLUDED));
  CHECK(event.has_body() == with_body && event.has_content() == with_body);
  if (with_body) CHECK(event.SerializeAsString() == stored.SerializeAsString());
}

void Fuzz(const v1::ReadRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const Expected expected = Expect(request, ledger.events());
  std::vector<uint64_t> indexes;
  std::optional<uint64_t> caught_up;
  const auto on_message = [&](const v1::ReadResponse& message) {
    CHECK(!caught_up.has_value());
    if (message.has_caught_up()) {
      caught_up = message.caught_up().tree_size();
      return !expected.waits;
    }
    CHECK(message.has_event() && message.event().index() < ledger.events().size());
    indexes.push_back(message.event().index());
    CheckEvent(message.event(), ledger.events()[message.event().index()], request.include_bodies());
    return true;
  };
  grpc::CallbackServerContext call;
  grpc::Status status = WriteCall<v1::ReadResponse>().Run(ledger.read().Read(&call, &request), on_message);
  CheckStatus(status,
              {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::OUT_OF_RANGE, grpc::StatusCode::CANCELLED});
  CHECK(status.error_code() == (expected.waits ? grpc::StatusCode::CANCELLED : expected.code));
  CHECK(indexes == expected.indexes);
  CHECK(caught_up.has_value() == expected.caught_up);
  if (caught_up.has_value()) CHECK(*caught_up == ledger.events().size());

  if (indexes.size() < 2) return;
  size_t received = 0;
  grpc::CallbackServerContext hung_up;
  status = WriteCall<v1::ReadResponse>().Run(ledger.read().Read(&hung_up, &request),
                                             [&](const v1::ReadResponse&) { return ++received < 1; });
  CHECK(received == 1 && status.error_code() == grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::ReadRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
