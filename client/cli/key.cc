#include <filesystem>
#include <iostream>

#include "client/cli/context.h"
#include "client/cli/key_rotation.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::cli {

void AddKey(CLI::App& app) {
  CLI::App& key = *app.add_subcommand("key", "makes and shows Ed25519 keys; rotates and revokes those of checkpoints");
  key.require_subcommand(1);

  struct Options {
    std::string path;
    std::string name;
    bool cosigner = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& make = *key.add_subcommand("new", "makes a key file (mode 0600); never overwrites");
  make.footer("Example: anamnesis key new --out ada.key --name ada");
  make.add_option("--out", options->path, "the file to make")->required();
  make.add_option("--name", options->name, "the key's name; default: the file's name without its ending");
  SetAction(make, [options]() -> StatusOr<ExitStatus> {
    if (options->name.empty()) options->name = std::filesystem::path(options->path).stem().string();
    ASSIGN_OR_RETURN(const NamedKey made, NewKeyFile(options->path, options->name));
    std::cout << VerifierKeyOf(made).Format() << "\n";
    return kDone;
  });

  CLI::App& show = *key.add_subcommand("show", "prints the verifier key of a key file");
  show.footer(
      "Example: anamnesis key show ada.key\n"
      "         anamnesis key show --cosigner ledger/cosigner.key     for the witness line of a policy");
  show.add_flag("--cosigner", options->cosigner, "as the key cosigns checkpoints of logs");
  show.add_option("FILE", options->path, "a key file")->required();
  SetAction(show, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey read, ReadKeyFile(options->path));
    std::cout << (options->cosigner ? CosignerKeyOf(read) : VerifierKeyOf(read)).Format() << "\n";
    return kDone;
  });
  AddCheckpointKeyVerbs(key);
}

}  // namespace anamnesis::cli
