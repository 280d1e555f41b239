#ifndef ANAMNESIS_CLIENT_CLI_EVIDENCE_H_
#define ANAMNESIS_CLIENT_CLI_EVIDENCE_H_

// The verbs that find, judge and record evidence that somebody signed two things that can't both be true
// (ledger/evidence/).

#include "client/cli/context.h"

namespace anamnesis::cli {

void AddEvidence(CLI::App& app);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_EVIDENCE_H_
