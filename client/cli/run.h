#ifndef ANAMNESIS_CLIENT_CLI_RUN_H_
#define ANAMNESIS_CLIENT_CLI_RUN_H_

#include "client/cli/context.h"

namespace anamnesis::cli {

// `run`: a training script and its record.
void AddRun(CLI::App& app);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_RUN_H_
