#ifndef ANAMNESIS_CLIENT_CLI_RECEIPTS_H_
#define ANAMNESIS_CLIENT_CLI_RECEIPTS_H_

// Receipts as files: NAME.tlog-proof (C2SP tlog-proof), NAME.leaf (the leaf's bytes) and, when the body still exists,
// NAME.body (32-byte nonce || body bytes).

#include <string>

#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// Asks for the receipt of a leaf and writes its files. `proof_path` ends in ".tlog-proof" or gets that ending. Returns
// the proof's path.
StatusOr<std::string> WriteReceipt(LedgerClient& client, uint64_t index, std::string proof_path);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_RECEIPTS_H_
