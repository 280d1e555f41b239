#include "ledger/state/checkpoint_keys.h"

#include <optional>
#include <utility>

#include "ledger/state/authority.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {

StatusOr<std::vector<CheckpointCredential>> ListCheckpointCredentials(const RowReader& rows) {
  // A damaged row is found when it is looked up.
  std::vector<std::string> public_keys;
  const std::string issued = HoldersPrefix("node");
  RETURN_IF_ERROR(rows.Scan(Family::kAuthority, issued, issued, [&](std::string_view, std::string_view public_key) {
    public_keys.emplace_back(public_key);
    return true;
  }));
  std::vector<CheckpointCredential> credentials;
  for (std::string& public_key : public_keys) {
    ASSIGN_OR_RETURN(std::optional<internal::CredentialState> state, FindCredential(rows, public_key));
    if (!state.has_value()) return ProjectionDamage("an authority row is damaged");
    if (state->purpose() != v1::CredentialIssued::CHECKPOINT) continue;
    credentials.push_back({std::move(public_key), *std::move(state)});
  }
  return credentials;
}

std::string WhyCannotSignCheckpoint(const internal::CredentialState& credential, TreeSize size, Timestamp now) {
  if (credential.purpose() != v1::CredentialIssued::CHECKPOINT) return "is for sealing events, not for checkpoints";
  if (credential.issued_index() >= size.value) {
    return Text("is named by leaf ", credential.issued_index(), ", which a checkpoint over ", size.value,
                " events doesn't cover");
  }
  return WhyNotInForce(credential, now);
}

}  // namespace anamnesis
