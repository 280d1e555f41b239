// A leaf has one spelling: whatever parses is written back byte for byte.

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/event/leaf.h"
#include "ledger/state/recorded_event.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace anamnesis;
  google::protobuf::SetLogHandler(nullptr);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const StatusOr<LeafView> view = ParseLeaf(bytes);
  if (view.ok()) CHECK(EncodeLeaf(view->recorded, view->header, view->seal) == bytes);
  const StatusOr<LoadedEvent> event = ParseStoredEvent(LeafIndex(0), bytes, "");
  CHECK(view.ok() || event.status().code() == absl::StatusCode::kDataLoss);
  return 0;
}
