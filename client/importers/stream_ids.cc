#include "client/importers/stream_ids.h"

namespace anamnesis {

StatusOr<std::set<EventId>> IdsInStream(LedgerClient& client, const std::string& stream, StreamPosition head) {
  std::set<EventId> ids;
  v1::ReadRequest request;
  request.set_stream(stream);
  while (ids.size() < head.value) {
    const size_t before = ids.size();
    Status malformed;
    uint64_t next = 0;
    request.set_limit(head.value - ids.size());
    RETURN_IF_ERROR(client.Read(request, [&](const v1::ReadResponse& response) {
      if (!response.has_event()) return true;
      const StatusOr<EventId> id = EventId::FromBytes(response.event().header().event_id());
      if (!id.ok()) {
        malformed = id.status();
        return false;
      }
      ids.insert(*id);
      next = response.event().index() + 1;
      return true;
    }));
    RETURN_IF_ERROR(malformed);
    request.set_from(next);
    if (ids.size() == before) {
      return absl::InternalError(Text("stream \"", stream, "\" has ", head.value, " events and shows ", before));
    }
  }
  return ids;
}

}  // namespace anamnesis
