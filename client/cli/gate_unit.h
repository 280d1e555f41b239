#ifndef ANAMNESIS_CLIENT_CLI_GATE_UNIT_H_
#define ANAMNESIS_CLIENT_CLI_GATE_UNIT_H_

// What a unit, or whoever acts for it, appends about what runs on it.

#include <string>

#include "client/cli/context.h"
#include "client/cpp/ledger_client.h"
#include "client/cpp/writer.h"
#include "ledger/base/status.h"
#include "ledger/event/run_builder.h"

namespace anamnesis::cli {

// What is appended by a unit, in its own stream unless told otherwise.
struct UnitOptions {
  Common common;
  std::string stream;
};

void AddUnitOptions(CLI::App& verb, UnitOptions& options);

// Appends the draft as of now. Fails as reading the key and appending do.
StatusOr<Appended> AppendAs(LedgerClient& client, const UnitOptions& options, const std::string& unit,
                            EventDraft draft);

// anamnesis gate rollback.
void AddRollback(CLI::App& gate);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_GATE_UNIT_H_
