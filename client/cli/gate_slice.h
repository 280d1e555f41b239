#ifndef ANAMNESIS_CLIENT_CLI_GATE_SLICE_H_
#define ANAMNESIS_CLIENT_CLI_GATE_SLICE_H_

// Decisions taken elsewhere: the verbs `gate slice` and `gate verify`, and `gate export` (gate_export.cc).

#include "client/cli/context.h"

namespace anamnesis::cli {

void AddSlice(CLI::App& gate);
void AddVerifySlice(CLI::App& gate);
void AddGateExport(CLI::App& gate);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_GATE_SLICE_H_
