#ifndef ANAMNESIS_CLIENT_CLI_SIGNATURE_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_SIGNATURE_TEXT_H_

#include <string>

#include "anamnesis/v1/ledger.pb.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// What 21 CFR 11.50(b) asks a person to be shown of a signed event: the signer's printed name, when it was signed and
// what the signature means, in one line; empty for an event without an electronic signature. Asks for the name as it
// was enrolled last, which may have been erased.
StatusOr<std::string> SignatureText(LedgerClient& client, const v1::Event& event);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_SIGNATURE_TEXT_H_
