#include "ledger/state/project.h"

#include "ledger/state/authority.h"
#include "ledger/state/configuration.h"
#include "ledger/state/edges.h"
#include "ledger/state/stream.h"

namespace anamnesis {

Status Project(const RecordedEvent& event, RowOverlay& rows) {
  rows.Put(Family::kEventIds, event.header->event_id.bytes(), LeafKey(event.index));
  FoldStream(event, rows);
  FoldEdges(event, rows);
  RETURN_IF_ERROR(FoldAuthority(event, rows));
  return FoldConfiguration(event, rows);
}

}  // namespace anamnesis
