#include "ledger/engine/rebuild.h"

#include <chrono>
#include <iostream>

#include "anamnesis/internal/state.pb.h"
#include "client/cli/context.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/layout.h"

namespace anamnesis::cli {

void AddRebuild(CLI::App& app) {
  auto dir = std::make_shared<std::string>();
  CLI::App& verb = *app.add_subcommand("rebuild", "derives all projections of a stopped ledger from its log again");
  verb.footer("Example: anamnesis rebuild ledger");
  verb.add_option("DIR", *dir, "the ledger's directory")->required();
  SetAction(verb, [dir]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenRocksStore(DatabasePath(*dir), StoreOptions()));
    ASSIGN_OR_RETURN(const std::optional<std::string> row, store->Get(Family::kMeta, kAppliedKey));
    internal::AppliedState applied;
    if (!row.has_value() || !applied.ParseFromString(*row)) {
      return absl::DataLossError(Text(*dir, ": the applied state is missing or damaged; run fsck"));
    }
    const auto start = std::chrono::steady_clock::now();
    RETURN_IF_ERROR(RebuildProjections(*store, TreeSize(applied.tree_size()), [&](uint64_t done) {
      std::cerr << "rebuilt " << done << " of " << applied.tree_size() << " events\n";
    }));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::cout << "rebuilt the projections of " << applied.tree_size() << " events in " << seconds << " s ("
              << static_cast<uint64_t>(static_cast<double>(applied.tree_size()) / seconds) << " events/s)\n";
    return kDone;
  });
}

}  // namespace anamnesis::cli
