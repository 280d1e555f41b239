#include "ledger/engine/stored_state.h"

#include <optional>

#include "anamnesis/internal/state.pb.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/store/store.h"

namespace anamnesis {

Status CheckFormat(uint32_t version, std::string_view whose) {
  if (version <= kFormatVersion) return OkStatus();
  return absl::FailedPreconditionError(
      Text(whose, " has format ", version, "; this program reads up to ", kFormatVersion, ": upgrade it"));
}

StatusOr<std::string> ReadOrigin(const RowFinder& rows, const std::string& dir) {
  ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(Family::kMeta, kIdentityKey));
  internal::LedgerIdentity identity;
  if (!row.has_value()) return absl::NotFoundError(Text("no ledger in ", dir));
  if (!identity.ParseFromString(*row)) return absl::DataLossError("the ledger's identity is damaged");
  RETURN_IF_ERROR(CheckFormat(identity.format_version(), Text("the ledger in ", dir)));
  return identity.origin();
}

StatusOr<LedgerState> LoadState(const RowFinder& rows, const std::string& origin) {
  LedgerState state;
  state.origin = origin;
  ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(Family::kMeta, kAppliedKey));
  if (!row.has_value()) return state;
  internal::AppliedState applied;
  if (!applied.ParseFromString(*row)) return absl::DataLossError("the applied state is damaged; run fsck");
  state.revision = Revision(applied.revision());
  state.last_recorded = Timestamp(applied.last_recorded_us());
  const StoredTiles tiles(rows);
  ASSIGN_OR_RETURN(state.frontier, Frontier::Load(tiles, TreeSize(applied.tree_size())));
  const Digest root = state.frontier.Root();
  if (root.view() != applied.root()) {
    return absl::DataLossError("the stored tree doesn't have the root that was committed; run fsck");
  }
  state.digest = {Revision(applied.digest_revision()), {}, state.size(), root};
  if (!applied.state_digest().empty()) {
    ASSIGN_OR_RETURN(state.digest.digest, Digest::FromBytes(applied.state_digest(), "the applied state's digest"));
  }
  return state;
}

}  // namespace anamnesis
