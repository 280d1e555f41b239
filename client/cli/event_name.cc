#include "client/cli/event_name.h"

#include <charconv>
#include <system_error>

#include "ledger/base/ids.h"

namespace anamnesis::cli {

StatusOr<v1::GetEventRequest> ParseEventName(std::string_view argument, std::string_view text) {
  v1::GetEventRequest request;
  uint64_t index = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), index);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
    request.set_index(index);
    return request;
  }
  const StatusOr<EventId> id = EventId::FromText(text);
  if (!id.ok()) {
    return absl::InvalidArgumentError(Text(argument, ": \"", text, "\" is neither a leaf's index nor an event id"));
  }
  request.set_event_id(id->bytes());
  return request;
}

}  // namespace anamnesis::cli
