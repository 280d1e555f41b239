#include <filesystem>
#include <iostream>
#include <system_error>

#include "client/cli/context.h"
#include "ledger/engine/ledger.h"

namespace anamnesis::cli {
namespace {

// What else lies in a directory would be kept, copied and erased as part of the ledger.
Status CheckEmpty(const std::string& dir) {
  std::error_code error;
  if (!std::filesystem::exists(dir, error)) return OkStatus();
  const bool empty = std::filesystem::is_directory(dir, error) && std::filesystem::is_empty(dir, error);
  if (empty && !error) return OkStatus();
  return absl::AlreadyExistsError(
      Text("DIR: there is something in \"", dir, "\" already; a ledger is made in a new directory or an empty one"));
}

}  // namespace

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
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey founder, ReadKeyFile(options->common.key_file));
    RETURN_IF_ERROR(CheckEmpty(options->dir));
    RETURN_IF_ERROR(CreateLedger(options->dir, options->origin, founder, LedgerOptions()));
    if (options->common.json) {
      std::cout << "{\"directory\": " << Quoted(options->dir) << ", \"origin\": " << Quoted(options->origin)
                << ", \"founder\": " << Quoted(founder.name) << "}\n";
    } else {
      std::cout << "made " << options->dir << ", founded by person:" << founder.name << "\n";
    }
    return kDone;
  });
}

}  // namespace anamnesis::cli
