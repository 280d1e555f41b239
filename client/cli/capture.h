#ifndef ANAMNESIS_CLIENT_CLI_CAPTURE_H_
#define ANAMNESIS_CLIENT_CLI_CAPTURE_H_

// What can be found out about a training run without asking anybody: the code it runs, where it runs, what it was told.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis::cli {

struct Ended {
  // What ended it: 0 for a program that ended well.
  int exit_status = 0;
  // The signal that killed it; 0 for none.
  int signal = 0;
  // What it wrote to its standard output, if that was asked for.
  std::string output;
};

// Runs a program, found in PATH, with this process's environment, and waits for its end. With `capture` its standard
// output is kept, up to a mebibyte, and what it says on standard error is dropped. NOT_FOUND: there is no such program.
StatusOr<Ended> RunProgram(const std::vector<std::string>& arguments, bool capture);

struct CodeState {
  // The work tree's name, and the commit that is checked out.
  std::string repository;
  std::string commit;
  // There were changes that the commit does not hold; then the version has a digest of them.
  bool dirty = false;
  std::string version;
};

// The Git work tree that `directory` is in; nullopt when it is in none, or there is no git.
std::optional<CodeState> FindCode(const std::string& directory);

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// "--learning-rate 0.1", "--epochs=5" and "--amp" as learning_rate, epochs and amp ("true").
NamedTexts OptionsOf(const std::vector<std::string>& command);

// The operating system, and the packages of the Python that the command starts, if it starts one.
NamedTexts EnvironmentOf(const std::vector<std::string>& command);

// Processor, memory and graphics cards in one line.
std::string HardwareText();

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_CAPTURE_H_
