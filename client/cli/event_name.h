#ifndef ANAMNESIS_CLIENT_CLI_EVENT_NAME_H_
#define ANAMNESIS_CLIENT_CLI_EVENT_NAME_H_

// How an event is named on the command line: by its leaf's index, or by its id.

#include <string_view>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// The request for the event. INVALID_ARGUMENT naming `argument`.
StatusOr<v1::GetEventRequest> ParseEventName(std::string_view argument, std::string_view text);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_EVENT_NAME_H_
