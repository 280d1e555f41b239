#include "ledger/engine/fsck.h"

#include <unistd.h>

#include <chrono>
#include <iostream>

#include "client/cli/context.h"

namespace anamnesis::cli {
namespace {

void PrintJsonReport(const FsckReport& report, double seconds) {
  std::cout << "{\"origin\": " << Quoted(report.origin) << ", \"ok\": " << (report.ok() ? "true" : "false")
            << ", \"treeSize\": " << report.size.value << ", \"root\": \"" << report.root.hex()
            << "\", \"events\": " << report.events << ", \"seals\": " << report.seals
            << ", \"bodies\": " << report.bodies << ", \"erasedBodies\": " << report.erased_bodies
            << ", \"indexRows\": " << report.index_rows << ", \"seconds\": " << seconds;
  if (report.first_wrong_leaf.has_value()) std::cout << ", \"firstWrongLeaf\": " << report.first_wrong_leaf->value;
  std::cout << ", \"problems\": [";
  std::string_view separator;
  for (const FsckProblem& problem : report.problems) {
    std::cout << separator << Quoted(problem.what);
    separator = ", ";
  }
  std::cout << "]}\n";
}

void PrintReport(const std::string& dir, const FsckReport& report, double seconds) {
  std::cout << (report.ok() ? Good("sound ") : Bad("WRONG ")) << dir << "  (" << report.origin << ")\n"
            << "  " << report.events << " events, " << report.seals << " seals, " << report.bodies << " bodies, "
            << report.index_rows << " index rows in " << seconds << " s\n"
            << "  root " << report.root.hex() << "\n";
  if (report.first_wrong_leaf.has_value()) {
    std::cout << Bad(Text("  the first wrong leaf is ", report.first_wrong_leaf->value)) << "\n";
  }
  for (const FsckProblem& problem : report.problems) {
    std::cout << "  " << problem.what << "\n";
  }
  if (report.problems_cut_off) std::cout << "  … and more\n";
}

}  // namespace

void AddFsck(CLI::App& app) {
  struct Options {
    std::string dir;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("fsck", "recomputes a whole stopped ledger from its bytes; names what is wrong");
  verb.footer("Example: anamnesis fsck ledger\nExit status 1 when anything is wrong. Changes nothing.");
  verb.add_option("DIR", options->dir, "the ledger's directory")->required();
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    FsckOptions fsck_options;
    if (::isatty(STDERR_FILENO) == 1) {
      fsck_options.progress = [](uint64_t done, uint64_t total) {
        std::cerr << "\rchecked " << done << " of " << total << (done == total ? "\n" : "") << std::flush;
      };
    }
    const auto start = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(const FsckReport report, Fsck(options->dir, fsck_options));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (options->common.json) {
      PrintJsonReport(report, seconds);
    } else {
      PrintReport(options->dir, report, seconds);
    }
    return report.ok() ? kDone : kAnswerIsNo;
  });
}

}  // namespace anamnesis::cli
