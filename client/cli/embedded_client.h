#ifndef ANAMNESIS_CLIENT_CLI_EMBEDDED_CLIENT_H_
#define ANAMNESIS_CLIENT_CLI_EMBEDDED_CLIENT_H_

// A ledger opened in this process, behind the same calls as a remote one.

#include <memory>
#include <string>

#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"
#include "ledger/engine/ledger.h"

namespace anamnesis {

// Opens the ledger in `dir`; fails as Ledger::Open does.
StatusOr<std::unique_ptr<LedgerClient>> OpenEmbedded(const std::string& dir, const LedgerOptions& options);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CLI_EMBEDDED_CLIENT_H_
