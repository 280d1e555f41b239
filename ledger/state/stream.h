#ifndef ANAMNESIS_LEDGER_STATE_STREAM_H_
#define ANAMNESIS_LEDGER_STATE_STREAM_H_

// Where each stream stands. Rows of kStreams: name -> StreamHead.

#include <string>
#include <string_view>

#include "anamnesis/internal/state.pb.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The stream that a unit's own events are in.
std::string StreamOfUnit(std::string_view unit);

// The head of a stream; position 0, a digest of 32 zero bytes and no writer when it has no events.
StatusOr<internal::StreamHead> FindStreamHead(const RowFinder& rows, std::string_view stream);

// Moves the head, and adds the event to the lists of its stream and type.
Status FoldStream(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_STREAM_H_
