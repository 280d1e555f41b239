// An event header and the schema of its type: whatever is accepted is within the limits and can be stored in a leaf.

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/base/limits.h"
#include "ledger/event/header.h"
#include "ledger/event/vocabulary.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace anamnesis;
  google::protobuf::SetLogHandler(nullptr);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const StatusOr<ParsedHeader> header = ParseHeader(bytes);
  if (header.ok()) {
    CHECK(size <= limits::kHeaderBytesMax);
    CHECK(header->position().value > 0);
    CHECK(header->occurred_earliest() <= header->occurred_latest());
    CHECK(IsStreamName(header->fields.stream()));
    const EventType* type = Vocabulary::Get().Find(header->fields.type(), header->fields.schema_version());
    if (type != nullptr) (void)ValidateHeader(*type, header->fields);
  }
  // The same bytes as every type's body.
  for (const EventType* type : Vocabulary::Get().All()) (void)ParseBody(*type, bytes);
  return 0;
}
