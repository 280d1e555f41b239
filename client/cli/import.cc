#include "client/cli/import.h"

#include <unistd.h>

#include <iostream>

#include "client/cli/interchange.h"
#include "client/cli/option_checks.h"
#include "client/importers/monai.h"

namespace anamnesis::cli {
namespace {

std::string Json(const ImportReport& report) {
  std::string by_type;
  for (const auto& [type, count] : report.added_by_type) {
    by_type += Text(by_type.empty() ? "" : ", ", Quoted(type), ": ", count);
  }
  std::string unreadable;
  for (const Unreadable& entry : report.unreadable) {
    unreadable += Text(unreadable.empty() ? "" : ", ", "{\"place\": ", Quoted(entry.place),
                       ", \"reason\": ", Quoted(entry.reason), "}");
  }
  return Text("{\"versionsRead\": ", report.versions_read, ", \"bundlesRead\": ", report.bundles_read,
              ", \"eventsAdded\": ", report.events_added, ", \"eventsAlreadyThere\": ", report.events_already_there,
              ", \"addedByType\": {", by_type, "}, \"weakDigests\": ", report.weak_digests,
              ", \"missingDigests\": ", report.missing_digests, ", \"silentChanges\": ", report.silent_changes,
              ", \"unreadable\": [", unreadable, "]}\n");
}

void Print(const ImportReport& report) {
  std::cout << "read " << report.versions_read << " versions of " << report.bundles_read << " bundles: added "
            << report.events_added << " events, " << report.events_already_there << " were there already\n";
  for (const auto& [type, count] : report.added_by_type) std::cout << "  " << count << "  " << type << "\n";
  std::cout << "weak digests (MD5, SHA-1) " << report.weak_digests << ", missing digests " << report.missing_digests;
  if (report.silent_changes > 0) std::cout << ", changes without a new version " << report.silent_changes;
  std::cout << "\n";
  for (const Unreadable& entry : report.unreadable) {
    std::cout << Bad("not imported ") << entry.place << ": " << entry.reason << "\n";
  }
}

}  // namespace

void AddImport(CLI::App& app) {
  struct Options {
    std::string path;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& import =
      *app.add_subcommand("import", "others' histories and attestations as events; a second run adds nothing");
  import.require_subcommand(1);
  AddImportCsv(import);
  AddImportInToto(import);
  CLI::App& verb = *import.add_subcommand("monai", "MONAI bundles: a Git repository, or a history in JSON lines");
  verb.footer("Example: anamnesis import monai model-zoo/ --as ada.key");
  verb.add_option("REPO-OR-JSONL", options->path, "a Git repository with */configs/metadata.json, or a .jsonl file")
      ->required()
      ->check(IsPathToRead());
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  AddWithinOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options->common.key_file));
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const StatusOr<ImportReport> report =
        ImportMonai(*client, key, options->path, [terminal](uint64_t done, uint64_t all) {
          if (terminal)
            std::cerr << "\rimporting version " << done << " of " << all << (done == all ? "\n" : "") << std::flush;
        });
    RETURN_IF_ERROR(report.status());
    if (options->common.json) {
      std::cout << Json(*report);
    } else {
      Print(*report);
    }
    return report->unreadable.empty() ? kDone : kAnswerIsNo;
  });
}

}  // namespace anamnesis::cli
