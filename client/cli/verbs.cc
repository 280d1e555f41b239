#include "client/cli/verbs.h"

#include <string>

#include "client/cli/backup.h"
#include "client/cli/context.h"
#include "client/cli/evidence.h"
#include "client/cli/exports.h"
#include "client/cli/interchange.h"
#include "client/cli/objects.h"
#include "client/cli/run.h"
#include "ledger/base/status.h"
#include "ledger/base/version.h"

namespace anamnesis::cli {
namespace {

// CLI11 takes "-1" for the largest number that there is.
void RefuseNegativeCounts(CLI::App& app) {
  const CLI::Validator not_negative(
      [](const std::string& text) {
        return text.starts_with('-') ? Text("\"", text, "\" is negative; 0 or more is needed") : std::string();
      },
      "");
  for (CLI::Option* const option : app.get_options()) {
    if (option->get_type_name().starts_with("UINT")) option->check(not_negative);
  }
  for (CLI::App* const verb : app.get_subcommands([](const CLI::App*) { return true; })) RefuseNegativeCounts(*verb);
}

}  // namespace

void AddVerbs(CLI::App& app) {
  app.description("The case history of medical AI: a provenance ledger. Every verb has --help with an example.");
  app.require_subcommand(1);
  app.set_version_flag("--version", Text("anamnesis ", ProgramVersion()), "the program's version");
  app.set_help_all_flag("--help-all", "help for every verb");
  app.footer(
      "The ledger is named by --ledger or, as the examples have it, by ANAMNESIS_LEDGER: file:DIR (embedded) or\n"
      "HOST:PORT[,HOST:PORT...].\n"
      "Exit status: 0 done; 1 the answer is no; 2 wrong usage or input, also a file or a ledger's directory that "
      "isn't\n"
      "there; 3 the ledger can't be reached or refuses service; 4 it is not known whether what was sent is recorded;\n"
      "5 it is done, or recorded, and its result is lost (a full disk, no witnesses): don't send it again.");
  for (const auto add : {AddKey,
                         AddPki,
                         AddInit,
                         AddAppend,
                         AddImport,
                         AddShow,
                         AddLog,
                         AddConfig,
                         AddStatus,
                         AddCheckpoint,
                         AddReceipt,
                         AddVerify,
                         AddFsck,
                         AddRebuild,
                         AddTypes,
                         AddFindings,
                         AddCluster,
                         AddDataset,
                         AddEnrol,
                         AddRole,
                         AddCredential,
                         AddDelegate,
                         AddErase,
                         AddPolicy,
                         AddTrace,
                         AddCompleteness,
                         AddClauseIndex,
                         AddContemporaneity,
                         AddClocks,
                         AddSpecificity,
                         AddSequencing,
                         AddClosureAudit,
                         AddCoverage,
                         AddRetention,
                         AddErasureReport,
                         AddWhoKnew,
                         AddTrainingRuns,
                         AddMonitoring,
                         AddExplain,
                         AddLineage,
                         AddDiff,
                         AddWhere,
                         AddLint,
                         AddGate,
                         AddRecertification,
                         AddAdoption,
                         AddCertify,
                         AddObject,
                         AddMaterialise,
                         AddBackup,
                         AddRestore,
                         AddRun,
                         AddDesignHistory,
                         AddIncident,
                         AddReport,
                         AddCompare,
                         AddExport,
                         AddEvidence,
                         AddBench}) {
    add(app);
  }
  RefuseNegativeCounts(app);
}

}  // namespace anamnesis::cli
