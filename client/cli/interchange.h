#ifndef ANAMNESIS_CLIENT_CLI_INTERCHANGE_H_
#define ANAMNESIS_CLIENT_CLI_INTERCHANGE_H_

// Exports in the field's own formats, and attestations of others taken in (client/interchange).

#include <string>

#include "client/cli/question.h"

namespace anamnesis::cli {

// `export in-toto|prov|cyclonedx|fhir`.
void AddExport(CLI::App& app);
// `import in-toto`, a verb of `import`.
void AddImportInToto(CLI::App& import);

// Prints an event or a decision as an in-toto Statement in a DSSE envelope, signed by the key of `options`.
Status PrintAttestation(const QuestionOptions& options, const std::string& name);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_INTERCHANGE_H_
