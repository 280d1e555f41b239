#ifndef ANAMNESIS_LEDGER_STATE_CHECKPOINT_KEYS_H_
#define ANAMNESIS_LEDGER_STATE_CHECKPOINT_KEYS_H_

// The keys that sign or cosign checkpoints, as the ledger's own events name them: credentials with the purpose
// CHECKPOINT that a node holds. Whether one signs as the log or cosigns: ledger/event/checkpoint_key_name.h.

#include <string>
#include <vector>

#include "anamnesis/internal/state.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/rows.h"

namespace anamnesis {

struct CheckpointCredential {
  // 32 bytes.
  std::string public_key;
  internal::CredentialState state;
};
// All of them, by holder and then in the order of the log.
StatusOr<std::vector<CheckpointCredential>> ListCheckpointCredentials(const RowReader& rows);

// Why the key may not sign a checkpoint over the first `size` leaves at `now`, for a person to read; empty when it may:
// from the checkpoint that covers the event naming it until it ends.
std::string WhyCannotSignCheckpoint(const internal::CredentialState& credential, TreeSize size, Timestamp now);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_CHECKPOINT_KEYS_H_
