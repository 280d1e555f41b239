#ifndef ANAMNESIS_CLIENT_CLI_CAPTURE_H_
#define ANAMNESIS_CLIENT_CLI_CAPTURE_H_

// What can be found out about a training run without asking anybody: the code it runs and where it runs; what
// it was told is command_options.h's.

#include <string>
#include <utility>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis::cli {

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
