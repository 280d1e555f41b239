#include <filesystem>
#include <iostream>

#include "client/cli/context.h"
#include "client/cli/key_rotation.h"
#include "client/cli/option_checks.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::cli {
namespace {

void PrintKey(const VerifierKey& key, bool json) {
  if (json) {
    std::cout << "{\"name\": " << Quoted(key.name()) << ", \"verifierKey\": " << Quoted(key.Format()) << "}\n";
  } else {
    std::cout << key.Format() << "\n";
  }
}

}  // namespace

void AddKey(CLI::App& app) {
  CLI::App& key = *app.add_subcommand("key", "makes and shows Ed25519 keys; rotates and revokes those of checkpoints");
  key.require_subcommand(1);

  struct Options {
    std::string path;
    std::string name;
    bool cosigner = false;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& make = *key.add_subcommand("new", "makes a key file (mode 0600); never overwrites");
  make.footer("Example: anamnesis key new --out ada.key --name ada");
  make.add_option("--out", options->path, "the file to make")->required()->check(IsFileToMake());
  make.add_option("--name", options->name, "the key's name; default: the file's name without its ending");
  AddJsonOption(make, options->common);
  SetAction(make, [options]() -> StatusOr<ExitStatus> {
    const std::string stem = std::filesystem::path(options->path).stem().string();
    const std::string& name = options->name.empty() ? stem : options->name;
    if (const Status fits = CheckKeyName(name); !fits.ok()) {
      return WithContext(
          fits, options->name.empty() ? "--out: the file's name is the key's; give another as --name" : "--name");
    }
    ASSIGN_OR_RETURN(const NamedKey made, NewKeyFile(options->path, name));
    PrintKey(VerifierKeyOf(made), options->common.json);
    return kDone;
  });

  CLI::App& show = *key.add_subcommand("show", "prints the verifier key of a key file");
  show.footer(
      "Example: anamnesis key show ada.key\n"
      "         anamnesis key show --cosigner ledger/cosigner.key     for the witness line of a policy");
  show.add_flag("--cosigner", options->cosigner, "as the key cosigns checkpoints of logs");
  show.add_option("FILE", options->path, "a key file")->required()->check(IsFileToRead());
  AddJsonOption(show, options->common);
  SetAction(show, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey read, ReadKeyFile(options->path));
    PrintKey(options->cosigner ? CosignerKeyOf(read) : VerifierKeyOf(read), options->common.json);
    return kDone;
  });
  AddCheckpointKeyVerbs(key);
}

}  // namespace anamnesis::cli
