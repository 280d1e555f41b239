#include "ledger/engine/repair_source.h"

#include <utility>

namespace anamnesis {

Status ReadAll(RepairSource& source, LeafIndex first, TreeSize limit,
               const std::function<Status(uint64_t index, internal::CopiedEvent event)>& take) {
  for (uint64_t next = first.value; next < limit.value;) {
    StatusOr<internal::CopyChunk> chunk = source.Read(LeafIndex(next), limit);
    if (!chunk.ok()) return WithContext(chunk.status(), source.name());
    const auto count = static_cast<uint64_t>(chunk->events_size());
    if (chunk->first_index() != next || count == 0 || count > limit.value - next) {
      return absl::DataLossError(Text(source.name(), " gave ", count, " events from ", chunk->first_index(),
                                      " when asked for those from ", next, " to ", limit.value));
    }
    for (internal::CopiedEvent& event : *chunk->mutable_events()) RETURN_IF_ERROR(take(next++, std::move(event)));
  }
  return OkStatus();
}

}  // namespace anamnesis
