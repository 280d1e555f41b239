#ifndef ANAMNESIS_CLIENT_CLI_VERB_OF_H_
#define ANAMNESIS_CLIENT_CLI_VERB_OF_H_

// Verbs below one parent that take the same type of options.

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "client/cli/context.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

template <typename Options>
struct VerbOf {
  CLI::App& app;
  // Its own, which live as long as the verb: see AddLedgerOption.
  Options& options;
};

// Adds the verb `name`, which runs `action`.
template <typename Options>
VerbOf<Options> AddVerbOf(CLI::App& parent, const std::string& name, const std::string& what, const std::string& footer,
                          StatusOr<ExitStatus> (*action)(const Options&)) {
  const auto options = std::make_shared<Options>();
  CLI::App& app = *parent.add_subcommand(name, what);
  app.footer(footer);
  SetAction(app, [options, action] { return action(*options); });
  return {app, *options};
}

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_VERB_OF_H_
