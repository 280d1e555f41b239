#include <chrono>

#include "client/cli/context.h"
#include "client/cli/fsck_repair.h"
#include "client/cli/fsck_text.h"
#include "client/cli/option_checks.h"

namespace anamnesis::cli {

void AddFsck(CLI::App& app) {
  struct Options {
    RepairArguments arguments;
    bool repair = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("fsck", "recomputes a whole stopped ledger from its bytes; names what is wrong");
  verb.footer(
      "Examples: anamnesis fsck ledger\n"
      "          anamnesis fsck ledger --repair --from 10.0.0.2:7420\n"
      "Exit status 1 when anything is wrong, or stays so. Changes nothing but with --repair, which writes only what "
      "verifies.");
  RepairArguments& arguments = options->arguments;
  verb.add_option("DIR", arguments.dir, "the ledger's directory")->required()->check(IsDirectoryToRead());
  CLI::Option* const repair = verb.add_flag(
      "--repair", options->repair, "fetch what is damaged from a node of the same ledger, and compute the rest again");
  CLI::Option* const from =
      verb.add_option("--from", arguments.peer.ledger, "HOST:PORT[,HOST:PORT...] of that node, or file:DIR of a copy");
  from->needs(repair);
  repair->needs(from);
  AddTlsOptions(verb, arguments.peer);
  verb.add_option("--checkpoint", arguments.checkpoint,
                  "a checkpoint that the ledger has to agree with besides its own")
      ->needs(repair);
  AddTrustOptions(verb, arguments.trust);
  AddJsonOption(verb, arguments.peer);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    if (options->repair) return RepairAndPrint(options->arguments);
    const auto start = std::chrono::steady_clock::now();
    const StatusOr<FsckReport> fsck = Fsck(options->arguments.dir, FsckShowingProgress());
    if (!fsck.ok()) return NotOpened(fsck.status());
    const FsckReport& report = *fsck;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    PrintFsckReport(options->arguments.dir, report, seconds, options->arguments.peer.json);
    return report.ok() ? kDone : kAnswerIsNo;
  });
}

}  // namespace anamnesis::cli
