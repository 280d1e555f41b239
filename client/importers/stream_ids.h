#ifndef ANAMNESIS_CLIENT_IMPORTERS_STREAM_IDS_H_
#define ANAMNESIS_CLIENT_IMPORTERS_STREAM_IDS_H_

#include <set>
#include <string>

#include "client/cpp/ledger_client.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

// The ids of the stream's events up to `head`, read without bodies: what an import need not append again. Fails as
// reading does.
StatusOr<std::set<EventId>> IdsInStream(LedgerClient& client, const std::string& stream, StreamPosition head);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_STREAM_IDS_H_
