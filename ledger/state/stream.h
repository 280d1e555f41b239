#ifndef ANAMNESIS_LEDGER_STATE_STREAM_H_
#define ANAMNESIS_LEDGER_STATE_STREAM_H_

// Where each stream stands, and which events it, and each type, has.
//
// Rows: kStreams: name -> StreamHead; kStreamEvents: name 0 be64 index; kTypeEvents: type 0 be64 index.

#include <string>
#include <string_view>

#include "anamnesis/internal/state.pb.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The head of a stream; position 0, a digest of 32 zero bytes and no writer when it has no events.
StatusOr<internal::StreamHead> FindStreamHead(const RowFinder& rows, std::string_view stream);

// The prefix of the rows that list a stream's or a type's events; be64 index follows.
std::string ListPrefix(std::string_view name);

void FoldStream(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_STREAM_H_
