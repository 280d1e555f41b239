#include "client/importers/stream_ids.h"

namespace anamnesis {

Status ReadHeaders(LedgerClient& client, const std::string& stream, StreamPosition head, const OnHeader& on_header) {
  uint64_t read = 0;
  v1::ReadRequest request;
  request.set_stream(stream);
  while (read < head.value) {
    const uint64_t before = read;
    Status malformed;
    uint64_t next = 0;
    request.set_limit(head.value - read);
    RETURN_IF_ERROR(client.Read(request, [&](const v1::ReadResponse& response) {
      if (!response.has_event()) return true;
      const v1::EventHeader& header = response.event().header();
      const StatusOr<EventId> id = EventId::FromBytes(header.event_id());
      if (!id.ok()) {
        malformed = id.status();
        return false;
      }
      on_header(*id, header);
      ++read;
      next = response.event().index() + 1;
      return true;
    }));
    RETURN_IF_ERROR(malformed);
    request.set_from(next);
    if (read == before) {
      return absl::InternalError(Text("stream \"", stream, "\" has ", head.value, " events and shows ", before));
    }
  }
  return OkStatus();
}

}  // namespace anamnesis
