#include "ledger/engine/rebuild.h"

#include <chrono>
#include <filesystem>
#include <iostream>

#include "anamnesis/internal/state.pb.h"
#include "client/cli/context.h"
#include "client/cli/option_checks.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/layout.h"

namespace anamnesis::cli {

void AddRebuild(CLI::App& app) {
  struct Options {
    std::string dir;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("rebuild", "derives all projections of a stopped ledger from its log again");
  verb.footer("Example: anamnesis rebuild ledger");
  verb.add_option("DIR", options->dir, "the ledger's directory")->required()->check(IsDirectoryToRead());
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    const StatusOr<std::unique_ptr<Store>> opened = OpenStoreOf(options->dir, StoreOptions());
    if (!opened.ok()) return NotOpened(opened.status());
    Store& store = **opened;
    ASSIGN_OR_RETURN(const std::optional<std::string> row, store.Get(Family::kMeta, kAppliedKey));
    internal::AppliedState applied;
    if (!row.has_value() || !applied.ParseFromString(*row)) {
      return absl::DataLossError(Text(options->dir, ": the applied state is missing or damaged; run fsck"));
    }
    const auto start = std::chrono::steady_clock::now();
    RETURN_IF_ERROR(RebuildProjections(store, TreeSize(applied.tree_size()), [&](uint64_t done) {
      std::cerr << "rebuilt " << done << " of " << applied.tree_size() << " events\n";
    }));
    std::error_code ignored;
    std::filesystem::remove(DamagedProjectionsPath(options->dir), ignored);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (options->common.json) {
      std::cout << "{\"directory\": " << Quoted(options->dir) << ", \"events\": " << applied.tree_size()
                << ", \"seconds\": " << seconds << "}\n";
      return kDone;
    }
    std::cout << "rebuilt the projections of " << applied.tree_size() << " events in " << seconds << " s ("
              << static_cast<uint64_t>(static_cast<double>(applied.tree_size()) / seconds) << " events/s)\n";
    return kDone;
  });
}

}  // namespace anamnesis::cli
