#ifndef ANAMNESIS_CLIENT_CLI_EXPORTS_H_
#define ANAMNESIS_CLIENT_CLI_EXPORTS_H_

// What the verbs share that write exports (client/exports), and how `verify` checks one.

#include <string>
#include <string_view>
#include <vector>

#include "client/cli/context.h"
#include "client/exports/ledger_view.h"
#include "client/exports/writer.h"

namespace anamnesis::cli {

// The verbs: design_history.cc, incident.cc, report.cc and compare.cc.
void AddDesignHistory(CLI::App& app);
void AddIncident(CLI::App& app);
void AddReport(CLI::App& app);
void AddCompare(CLI::App& app);

struct ExportOptions {
  Common common;
  std::string out;
  uint64_t known_size = 0;
  bool archive = false;
  bool pdf = false;
};

// Adds --out, --as, --known-size, --archive, --pdf and those of a ledger.
void AddExportOptions(CLI::App& verb, ExportOptions& options);

// The verifier in Python (client/python/anamnesis_verify.py) that was built in, byte for byte.
std::string_view PythonVerifier();

// Finishes the export, makes what else was asked for of it and says what was made.
StatusOr<ExitStatus> FinishExport(const ExportOptions& options, const exports::LedgerView& view,
                                  exports::ExportWriter& writer, exports::Document document);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_EXPORTS_H_
