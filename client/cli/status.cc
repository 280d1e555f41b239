#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "ledger/base/bytes.h"

namespace anamnesis::cli {

void AddStatus(CLI::App& app) {
  auto options = std::make_shared<Common>();
  CLI::App& verb = *app.add_subcommand("status", "what the ledger is and how large");
  verb.footer("Example: anamnesis status --ledger 127.0.0.1:7420");
  AddLedgerOption(verb, *options);
  AddConsistencyOptions(verb, *options);
  AddJsonOption(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(*options));
    ASSIGN_OR_RETURN(const v1::LedgerStatus status, client->GetStatus());
    if (options->json) {
      RETURN_IF_ERROR(PrintJson(status));
      return kDone;
    }
    std::cout << Bold(status.origin()) << "\n"
              << "  events         " << status.tree_size() << "\n"
              << "  root           " << HexEncode(status.root()) << "\n"
              << "  last recorded  " << TimeText(status.last_recorded()) << "\n"
              << "  verifier key   " << status.verifier_key() << "\n"
              << "  appends        "
              << (status.refusing_appends().empty() ? Good("taken") : Bad("refused: " + status.refusing_appends()))
              << "\n";
    return kDone;
  });
}

}  // namespace anamnesis::cli
