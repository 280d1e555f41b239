#ifndef ANAMNESIS_CLIENT_CLI_TIME_OPTION_H_
#define ANAMNESIS_CLIENT_CLI_TIME_OPTION_H_

// Times on the command line.

#include <string>
#include <string_view>

#include "google/protobuf/timestamp.pb.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// RFC 3339 with a zone; empty is this machine's present. INVALID_ARGUMENT naming `argument`.
StatusOr<google::protobuf::Timestamp> TimeOrNow(std::string_view argument, const std::string& text);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_TIME_OPTION_H_
