#ifndef ANAMNESIS_CLIENT_CLI_KEY_HISTORY_H_
#define ANAMNESIS_CLIENT_CLI_KEY_HISTORY_H_

// The history of a ledger's checkpoint keys, gathered from the ledger (ledger/custody/key_history.h).

#include <string>
#include <vector>

#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"
#include "ledger/custody/custody.h"
#include "ledger/custody/key_history.h"

namespace anamnesis::cli {

// Under the ledger's newest checkpoint. `older` are signed notes that it is to be shown to continue. UNAUTHENTICATED:
// one of them is not of this ledger. Otherwise fails as the client does.
StatusOr<KeyHistory> GatherKeyHistory(LedgerClient& client, const std::vector<std::string>& older);

// As it is judged by one who trusts the key that the ledger says it signs with: so whether it will be of use.
StatusOr<KeyCustody> JudgeAsGathered(LedgerClient& client, const KeyHistory& history);

// The note in a receipt NAME.tlog-proof, or the file itself as a checkpoint.
StatusOr<std::string> ReadNoteOf(const std::string& path);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_KEY_HISTORY_H_
