#ifndef ANAMNESIS_LEDGER_QUERY_EVENTS_H_
#define ANAMNESIS_LEDGER_QUERY_EVENTS_H_

// Events read back from rows, as the API shows them. Pure over a RowReader; each call is bounded by a tree size.

#include <functional>

#include "anamnesis/v1/ledger.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/rows.h"

namespace anamnesis {

google::protobuf::Timestamp ToProtoTime(Timestamp time);
// INVALID_ARGUMENT, naming `field`, when it lies outside the years 1900 to 2199.
StatusOr<Timestamp> FromProtoTime(const google::protobuf::Timestamp& time, std::string_view field);

// One event. NOT_FOUND: no such leaf; DATA_LOSS: its bytes don't parse.
StatusOr<v1::Event> ReadEvent(const RowReader& rows, LeafIndex index, bool include_body);

// What a reader needs to cite an event.
StatusOr<v1::LeafReference> CiteEvent(const RowReader& rows, LeafIndex index);

// ReadService.Read without following, over the leaves [0, size): events, then caught_up unless the limit ended it.
// Whether the ledger has what request.consistency asks for is the caller's business.
Status ReadEvents(const RowReader& rows, TreeSize size, const v1::ReadRequest& request,
                  const std::function<bool(v1::ReadResponse)>& on_read);

// How many leaves were recorded at or before `time`, of the first `size`: what was known then.
StatusOr<TreeSize> SizeKnownAt(const RowReader& rows, TreeSize size, Timestamp time);

// When a leaf was recorded.
StatusOr<Timestamp> RecordedAt(const RowReader& rows, LeafIndex index);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_EVENTS_H_
