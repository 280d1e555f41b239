#include "client/cli/fsck_text.h"

#include <unistd.h>

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

FsckOptions FsckShowingProgress() {
  FsckOptions options;
  if (::isatty(STDERR_FILENO) == 1) {
    options.progress = [](uint64_t done, uint64_t total) {
      std::cerr << "\rchecked " << done << " of " << total << (done == total ? "\n" : "") << std::flush;
    };
  }
  return options;
}

void PrintFsckReport(const std::string& place, const FsckReport& report, double seconds, bool json) {
  if (json) {
    PrintJsonReport(report, seconds);
  } else {
    PrintReport(place, report, seconds);
  }
}

}  // namespace anamnesis::cli
