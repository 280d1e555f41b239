#ifndef ANAMNESIS_CLIENT_CLI_IMPORT_H_
#define ANAMNESIS_CLIENT_CLI_IMPORT_H_

#include "client/cli/context.h"

namespace anamnesis::cli {

// `import csv`: import_csv.cc.
void AddImportCsv(CLI::App& import);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_IMPORT_H_
