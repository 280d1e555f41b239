// A run as a writer sends it: whatever is admitted is what its seal covers, and every refusal says why.

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>

#include "ledger/base/check.h"
#include "ledger/event/refusal.h"
#include "ledger/rules/admit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace anamnesis;
  google::protobuf::SetLogHandler(nullptr);
  v1::Run run;
  if (!run.ParseFromArray(data, static_cast<int>(size))) return 0;
  const StatusOr<AdmittedRun> admitted = AdmitRun(std::move(run), "acme-cardio.example/ledger");
  if (!admitted.ok()) {
    CHECK(RefusalDetailOf(admitted.status()).has_value());
    return 0;
  }
  CHECK(VerifySeal({admitted->run.seal().statement(), admitted->run.seal().signature()}).ok());
  CHECK(admitted->events.size() == static_cast<size_t>(admitted->run.headers_size()));
  for (const AdmittedEvent& event : admitted->events) CHECK(event.body != nullptr && event.type != nullptr);
  return 0;
}
