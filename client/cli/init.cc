#include <iostream>

#include "client/cli/context.h"
#include "ledger/engine/ledger.h"

namespace anamnesis::cli {

void AddInit(CLI::App& app) {
  struct Options {
    std::string dir;
    std::string origin;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("init", "makes a new ledger with its founding events");
  verb.footer("Example: anamnesis init ledger --origin acme-cardio.example/ledger --as ada.key");
  verb.add_option("DIR", options->dir, "the directory to make")->required();
  verb.add_option("--origin", options->origin, "the ledger's name for ever, e.g. acme-cardio.example/ledger")
      ->required();
  AddKeyOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey founder, ReadKeyFile(options->common.key_file));
    RETURN_IF_ERROR(CreateLedger(options->dir, options->origin, founder, LedgerOptions()));
    std::cout << "made " << options->dir << ", founded by person:" << founder.name << "\n";
    return kDone;
  });
}

}  // namespace anamnesis::cli
