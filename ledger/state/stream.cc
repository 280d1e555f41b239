#include "ledger/state/stream.h"

#include "ledger/base/digest.h"
#include "ledger/state/event_list.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {

std::string StreamOfUnit(std::string_view unit) { return Text("device_unit/", unit); }

StatusOr<internal::StreamHead> FindStreamHead(const RowFinder& rows, std::string_view stream) {
  internal::StreamHead head;
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kStreams, stream));
  if (!value.has_value()) {
    head.set_digest(Digest().bytes());
    return head;
  }
  if (!head.ParseFromString(*value)) {
    return ProjectionDamage("a stream row is damaged");
  }
  return head;
}

Status FoldStream(const RecordedEvent& event, RowOverlay& rows) {
  const v1::EventHeader& header = event.header->fields;
  internal::StreamHead head;
  head.set_position(header.stream_position());
  head.set_digest(event.header->digest.bytes());
  head.set_last_index(event.index.value);
  *head.mutable_writer() = header.actor();
  rows.Put(Family::kStreams, header.stream(), head.SerializeAsString());
  RETURN_IF_ERROR(AddToList(rows, Family::kStreamEvents, header.stream(), event.index));
  return AddToList(rows, Family::kTypeEvents, header.type(), event.index);
}

}  // namespace anamnesis
