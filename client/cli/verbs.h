#ifndef ANAMNESIS_CLIENT_CLI_VERBS_H_
#define ANAMNESIS_CLIENT_CLI_VERBS_H_

// The whole command line, apart from the process that it is given in.

#include "CLI/CLI.hpp"

namespace anamnesis::cli {

// Makes `app` the program's command line: every verb with its options, help and action.
void AddVerbs(CLI::App& app);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_VERBS_H_
