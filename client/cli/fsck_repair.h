#ifndef ANAMNESIS_CLIENT_CLI_FSCK_REPAIR_H_
#define ANAMNESIS_CLIENT_CLI_FSCK_REPAIR_H_

// fsck --repair: good bytes from a node of the same ledger.

#include <string>

#include "client/cli/context.h"
#include "client/cli/trust.h"

namespace anamnesis::cli {

struct RepairArguments {
  std::string dir;
  // Of a node that holds the same ledger, as --ledger is said; what TLS it wants, and --json.
  Common peer;
  // A checkpoint that is trusted besides, in a file, by TrustOptions; empty for none.
  std::string checkpoint;
  TrustOptions trust;
};

// Repairs, and prints a line for each thing that was found. kAnswerIsNo: something stays wrong.
StatusOr<ExitStatus> RepairAndPrint(const RepairArguments& arguments);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_FSCK_REPAIR_H_
