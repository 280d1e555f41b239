#ifndef ANAMNESIS_CLIENT_IMPORTERS_STREAM_IDS_H_
#define ANAMNESIS_CLIENT_IMPORTERS_STREAM_IDS_H_

#include <functional>
#include <string>

#include "anamnesis/v1/event.pb.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

using OnHeader = std::function<void(const EventId& id, const v1::EventHeader& header)>;

// Calls with each of the stream's events up to `head`, in their order, read without bodies. Fails as reading does.
Status ReadHeaders(LedgerClient& client, const std::string& stream, StreamPosition head, const OnHeader& on_header);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_STREAM_IDS_H_
