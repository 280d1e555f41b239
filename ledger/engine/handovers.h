#ifndef ANAMNESIS_LEDGER_ENGINE_HANDOVERS_H_
#define ANAMNESIS_LEDGER_ENGINE_HANDOVERS_H_

// DIR/checkpoint.handovers: the last note by each set of keys that signed as the log before others did, a line of
// base64 each, oldest first. Whoever trusts an old key follows it from there.

#include <string>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis {

// None when there is no such file. INVALID_ARGUMENT: it is malformed. Otherwise fails as ReadSmallFile does.
StatusOr<std::vector<std::string>> ReadHandovers(const std::string& dir);

// Replaces the file; without notes there is none. FAILED_PRECONDITION: they are too many to keep. Otherwise fails as
// WriteSmallFile does.
Status WriteHandovers(const std::string& dir, const std::vector<std::string>& notes);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_HANDOVERS_H_
