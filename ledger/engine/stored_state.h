#ifndef ANAMNESIS_LEDGER_ENGINE_STORED_STATE_H_
#define ANAMNESIS_LEDGER_ENGINE_STORED_STATE_H_

// What a ledger's store says of the ledger as a whole, for those that open it: to serve it, or to receive a copy.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/commit/apply.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// FAILED_PRECONDITION when a ledger's format is newer than this program. `whose` begins the message.
Status CheckFormat(uint32_t version, std::string_view whose);

// Whose ledger it is. `dir` is for messages. NOT_FOUND: there is none. FAILED_PRECONDITION: its format is newer than
// this program. DATA_LOSS: its identity is damaged.
StatusOr<std::string> ReadOrigin(const RowFinder& rows, const std::string& dir);

// The state after the last batch; that of an empty ledger before the first. DATA_LOSS: it is damaged, or the stored
// tree is not the one that was committed.
StatusOr<LedgerState> LoadState(const RowFinder& rows, const std::string& origin);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_STORED_STATE_H_
