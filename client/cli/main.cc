// The command line: parses and hands over to a verb, one file each.

#include "client/cli/backup.h"
#include "client/cli/context.h"
#include "client/cli/evidence.h"
#include "client/cli/exports.h"
#include "client/cli/interchange.h"
#include "client/cli/objects.h"
#include "client/cli/run.h"

int main(int argc, char** argv) {
  CLI::App app("The case history of medical AI: a provenance ledger. Every verb has --help with an example.",
               "anamnesis");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help for every verb");
  for (const auto add : {anamnesis::cli::AddKey,         anamnesis::cli::AddPki,
                         anamnesis::cli::AddInit,        anamnesis::cli::AddAppend,
                         anamnesis::cli::AddImport,      anamnesis::cli::AddShow,
                         anamnesis::cli::AddLog,         anamnesis::cli::AddConfig,
                         anamnesis::cli::AddStatus,      anamnesis::cli::AddCheckpoint,
                         anamnesis::cli::AddReceipt,     anamnesis::cli::AddVerify,
                         anamnesis::cli::AddFsck,        anamnesis::cli::AddRebuild,
                         anamnesis::cli::AddTypes,       anamnesis::cli::AddFindings,
                         anamnesis::cli::AddCluster,     anamnesis::cli::AddDataset,
                         anamnesis::cli::AddEnrol,       anamnesis::cli::AddRole,
                         anamnesis::cli::AddCredential,  anamnesis::cli::AddDelegate,
                         anamnesis::cli::AddErase,       anamnesis::cli::AddPolicy,
                         anamnesis::cli::AddTrace,       anamnesis::cli::AddCompleteness,
                         anamnesis::cli::AddClauseIndex, anamnesis::cli::AddContemporaneity,
                         anamnesis::cli::AddClocks,      anamnesis::cli::AddSpecificity,
                         anamnesis::cli::AddSequencing,  anamnesis::cli::AddClosureAudit,
                         anamnesis::cli::AddCoverage,    anamnesis::cli::AddRetention,
                         anamnesis::cli::AddWhoKnew,     anamnesis::cli::AddTrainingRuns,
                         anamnesis::cli::AddMonitoring,  anamnesis::cli::AddExplain,
                         anamnesis::cli::AddLineage,     anamnesis::cli::AddDiff,
                         anamnesis::cli::AddWhere,       anamnesis::cli::AddLint,
                         anamnesis::cli::AddGate,        anamnesis::cli::AddRecertification,
                         anamnesis::cli::AddAdoption,    anamnesis::cli::AddCertify,
                         anamnesis::cli::AddObject,      anamnesis::cli::AddMaterialise,
                         anamnesis::cli::AddBackup,      anamnesis::cli::AddRestore,
                         anamnesis::cli::AddRun,         anamnesis::cli::AddDesignHistory,
                         anamnesis::cli::AddIncident,    anamnesis::cli::AddReport,
                         anamnesis::cli::AddCompare,     anamnesis::cli::AddExport,
                         anamnesis::cli::AddEvidence,    anamnesis::cli::AddBench}) {
    add(app);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help is no error; everything else that the parser finds is wrong usage.
    return app.exit(error) == 0 ? anamnesis::cli::kDone : anamnesis::cli::kBadUsage;
  }
  return anamnesis::cli::LastExitStatus();
}
