#ifndef ANAMNESIS_CLIENT_CLI_EMBEDDED_CLIENT_H_
#define ANAMNESIS_CLIENT_CLI_EMBEDDED_CLIENT_H_

// A ledger opened in this process, behind the same calls as a remote one.

#include <memory>
#include <string>
#include <string_view>

#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"
#include "ledger/engine/ledger.h"

namespace anamnesis {

// What a ledger embedded in the process is named with: "file:DIR".
inline constexpr std::string_view kFilePrefix = "file:";

// Opens the ledger in `dir`; fails as Ledger::Open does. Every read must include what `consistency` asks for, and what
// its request does. All that is acknowledged is here, so that nothing has to be waited for: a read that asks for more
// than there is is UNAVAILABLE.
StatusOr<std::unique_ptr<LedgerClient>> OpenEmbedded(const std::string& dir, const LedgerOptions& options,
                                                     const v1::Consistency& consistency = {});

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CLI_EMBEDDED_CLIENT_H_
