#ifndef ANAMNESIS_CLIENT_CLI_FSCK_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_FSCK_TEXT_H_

// What a check of a ledger found, for a person or as JSON on stdout.

#include <string>

#include "ledger/engine/fsck.h"

namespace anamnesis::cli {

// Shows on a terminal how far it is.
FsckOptions FsckShowingProgress();

// `place` is what was checked.
void PrintFsckReport(const std::string& place, const FsckReport& report, double seconds, bool json);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_FSCK_TEXT_H_
