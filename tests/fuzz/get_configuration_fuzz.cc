// QueryService.GetConfiguration: any unit, time and knowledge asked about is answered from leaves that were known, or
// refused for what the request lacks.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ledger/query/events.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

// Everything in the answer was in the first `configuration.tree_size()` leaves.
void CheckConfiguration(const v1::Configuration& configuration, uint64_t size_max) {
  CHECK(configuration.tree_size() <= size_max);
  CHECK(configuration.unit_state() != v1::UNIT_STATE_UNSPECIFIED);
  for (int i = 0; i < configuration.leaves_size(); ++i) {
    CHECK(configuration.leaves(i) < configuration.tree_size());
    CHECK(i == 0 || configuration.leaves(i) > configuration.leaves(i - 1));
  }
  bool certain = true;
  for (const v1::ConfigurationItem& item : configuration.items()) {
    CHECK(!item.surface().empty() && item.confidence() != v1::CONFIDENCE_UNSPECIFIED);
    CHECK(!item.has_since() || item.since().index() < configuration.tree_size());
    CHECK((item.confidence() == v1::UNKNOWN) == !item.unknown_because().empty());
    certain = certain && item.confidence() != v1::UNKNOWN;
  }
  if (!certain) CHECK(configuration.configuration_digest().empty());
}

void Fuzz(const v1::GetConfigurationRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const uint64_t size = ledger.events().size();
  const auto answer = Ask(ledger.query(), &QueryService::GetConfiguration, request);
  CheckStatus(answer.status, {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::OUT_OF_RANGE});
  const bool complete =
      !request.unit().empty() && request.has_at() && FromProtoTime(request.at(), "at").ok() &&
      (!request.has_known_time() || FromProtoTime(request.known_time(), "known_time").ok()) &&
      (!request.has_compare_at() || FromProtoTime(request.compare_at(), "compare_at").ok()) &&
      (!request.has_compare_known_time() || FromProtoTime(request.compare_known_time(), "compare_known_time").ok());
  const bool beyond = (request.has_known_size() && request.known_size() > size) ||
                      (request.has_compare_known_size() && request.compare_known_size() > size);
  CHECK(answer.status.ok() == (complete && !beyond));
  if (!answer.status.ok()) return;
  const v1::ConfigurationAnswer& reply = answer.reply;
  CHECK(reply.origin() == kTestOrigin && reply.unit() == request.unit());
  const bool compared =
      request.has_compare_at() || request.has_compare_known_size() || request.has_compare_known_time();
  const bool both = compared || request.known_case() == v1::GetConfigurationRequest::KNOWN_NOT_SET;
  CHECK(reply.has_now_known() && reply.has_then_known() == both && reply.has_compared_at() == compared);
  CheckConfiguration(reply.now_known(), request.has_known_size() ? request.known_size() : size);
  if (both) CheckConfiguration(reply.then_known(), compared ? size : reply.now_known().tree_size());
  CHECK(both || reply.differences().empty());
  for (const v1::ConfigurationDifference& difference : reply.differences()) {
    CHECK(difference.surface().empty() != difference.circumstance().empty());
    for (const v1::LeafReference& leaf : difference.because()) {
      CHECK(leaf.index() < std::max(reply.then_known().tree_size(), reply.now_known().tree_size()));
      CHECK(compared || leaf.index() >= reply.then_known().tree_size());
    }
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetConfigurationRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
