#ifndef ANAMNESIS_CLIENT_CLI_RECEIPTS_H_
#define ANAMNESIS_CLIENT_CLI_RECEIPTS_H_

// Receipts as files: NAME.tlog-proof (C2SP tlog-proof) or NAME.cose (RFC 9942), NAME.leaf (the leaf's bytes) and, when
// the body still exists, NAME.body (32-byte nonce || body bytes).

#include <chrono>
#include <memory>
#include <string>

#include "client/cli/context.h"
#include "client/cpp/ledger_client.h"
#include "client/cpp/witness_status_client.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// Writes the files of a receipt. `proof_path` ends in ".tlog-proof" or gets that ending. Returns the proof's path.
StatusOr<std::string> WriteReceipt(const v1::Receipt& receipt, const std::string& proof_path);
// Asks for it first.
StatusOr<std::string> WriteReceipt(LedgerClient& client, uint64_t index, const std::string& proof_path);

// Writes NAME.leaf and, if there is one, NAME.body.
Status WriteLeafAndBody(const v1::Receipt& receipt, const std::string& name);

// The nodes of --ledger. INVALID_ARGUMENT for a ledger embedded in the process: it asks no witnesses.
StatusOr<std::unique_ptr<WitnessStatusClient>> ConnectWitnesses(const Common& common);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_RECEIPTS_H_
