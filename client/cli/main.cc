// The command line: parses and hands over to a verb, one file each.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "client/cli/context.h"
#include "client/cli/plain_text.h"
#include "client/cli/program.h"
#include "client/cli/verbs.h"

namespace {

using namespace anamnesis::cli;

// Without a file behind each of the three, the next file that is opened, perhaps the ledger's own, would be taken for
// standard output and written to. What stands in for one that is closed fails as a closed one does.
void HoldStandardFiles() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest number that is free, which is this one.
    (void)::open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

// The verb that there isn't, where CLI11 says only that one is needed; empty when none was given.
std::string UnknownVerb(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) return "";
  if (std::string_view(error.what()).find("subcommand") == std::string_view::npos) return "";
  const std::vector<std::string> rest = app.remaining(true);
  return rest.empty() || rest.front().starts_with('-') ? "" : rest.front();
}

int BadUsage(const CLI::App& app, const CLI::ParseError& error) {
  if (std::string_view(error.what()) == "--ledger is required") {
    std::cerr << "--ledger is required, unless ANAMNESIS_LEDGER is set: file:DIR or HOST:PORT[,HOST:PORT...]\n"
              << "Run with --help for more information.\n";
    return kBadUsage;
  }
  const std::string unknown = UnknownVerb(app, error);
  // Help is no error; everything else that the parser finds is wrong usage.
  if (unknown.empty()) return app.exit(error) == 0 ? kDone : kBadUsage;
  const CLI::App* in = &app;
  std::string command = app.get_name();
  while (!in->get_subcommands().empty()) {
    in = in->get_subcommands().front();
    command += " " + in->get_name();
  }
  std::cerr << command << ": \"" << unknown << "\" is no verb; see " << command << " --help\n";
  return kBadUsage;
}

// Whether nobody reads standard output any more.
bool ReaderIsGone() {
  pollfd out = {STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

// A verb whose answer did not get out did not answer, whatever it would have been.
int AfterWriting(int exit_status) {
  errno = 0;
  std::cout.flush();
  if (std::cout) return exit_status;
  const int lost = exit_status == kDone || exit_status == kAnswerIsNo ? kResultLost : exit_status;
  // Whoever has read enough of an answer, as `| head` does, wants no complaint; what was recorded is another matter.
  if (ReaderIsGone() && !LastVerbHadKey()) return lost;
  std::cerr << "anamnesis: standard output can't be written" << (errno == 0 ? "" : ": ")
            << (errno == 0 ? "" : std::strerror(errno)) << "\n";
  return lost;
}

}  // namespace

int main(int argc, char** argv) {
  HoldStandardFiles();
  IgnoreClosedPipes();
  const PlainOutput plain;
  CLI::App app("", "anamnesis");
  AddVerbs(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return AfterWriting(BadUsage(app, error));
  }
  return AfterWriting(LastExitStatus());
}
