#ifndef ANAMNESIS_CLIENT_CLI_UTC_OFFSET_H_
#define ANAMNESIS_CLIENT_CLI_UTC_OFFSET_H_

// The option --utc-offset: where the days are that count. A bare number is refused: in minutes and in hours it would be
// taken for the other without a word.

#include <cstdint>
#include <string>

#include "CLI/CLI.hpp"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// Minutes east of UTC. INVALID_ARGUMENT unless it is "Z" or like "+02:00".
StatusOr<int32_t> ParseUtcOffset(const std::string& text);

// Adds it; `help` says which days.
void AddUtcOffsetOption(CLI::App& verb, int32_t& minutes, const std::string& help);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_UTC_OFFSET_H_
