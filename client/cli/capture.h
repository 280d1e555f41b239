#ifndef ANAMNESIS_CLIENT_CLI_CAPTURE_H_
#define ANAMNESIS_CLIENT_CLI_CAPTURE_H_

// What can be found out about a training run without asking anybody: the code it runs and where it runs; what
// it was told is command_options.h's.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis::cli {

struct Ended {
  // What ended it: 0 for a program that ended well.
  int exit_status = 0;
  // The signal that killed it; 0 for none.
  int signal = 0;
};

// Runs a program, found in PATH, with this process's environment, and waits for its end. With `on_output` its standard
// output goes there, piece by piece, and what it says on standard error is dropped. NOT_FOUND: there is no such
// program.
using OnOutput = std::function<void(std::string_view)>;
StatusOr<Ended> RunProgram(const std::vector<std::string>& arguments, const OnOutput& on_output = nullptr);

struct CodeState {
  // The work tree's name, and the commit that is checked out.
  std::string repository;
  std::string commit;
  // There were changes that the commit does not hold; then the version has a digest of them all, with the content of
  // files that Git doesn't know and doesn't ignore.
  bool dirty = false;
  std::string version;
};

// The Git work tree that `directory` is in. FAILED_PRECONDITION when it is in none, there is no git, or git or a file
// can't say what the code is.
StatusOr<CodeState> FindCode(const std::string& directory);

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// What was found, and the names of what could not or must not be recorded, as `missing` of an event takes them.
struct CapturedTexts {
  NamedTexts values;
  std::vector<std::string> missing;
};

// The operating system, and the packages of the Python that the command starts, if it starts one.
CapturedTexts EnvironmentOf(const std::vector<std::string>& command);

// Processor, memory and graphics cards in one line.
std::string HardwareText();

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_CAPTURE_H_
