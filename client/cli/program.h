#ifndef ANAMNESIS_CLIENT_CLI_PROGRAM_H_
#define ANAMNESIS_CLIENT_CLI_PROGRAM_H_

// Other programs, run and waited for.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis::cli {

// From here on a pipe that is closed fails what is written to it, and no more ends this process in the middle of its
// work. The programs that it runs don't inherit that.
void IgnoreClosedPipes();

struct Ended {
  // What ended it: 0 for a program that ended well.
  int exit_status = 0;
  // The signal that killed it; 0 for none.
  int signal = 0;

  bool well() const { return exit_status == 0 && signal == 0; }
};

// Runs a program, found in PATH, with this process's environment, and waits for its end. With `on_output` its standard
// output goes there, piece by piece, and what it says on standard error is dropped. NOT_FOUND: there is no such
// program.
using OnOutput = std::function<void(std::string_view)>;
StatusOr<Ended> RunProgram(const std::vector<std::string>& arguments, const OnOutput& on_output = nullptr);

// While one exists, a signal that asks this process to end (SIGINT, SIGTERM, SIGHUP, SIGQUIT) does not: it is passed on
// to the program that Run waits for, if there is one, and counted. One that this process was told to ignore stays
// ignored. One at a time in a process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // As RunProgram without `on_output`; with `output_to_error` the program's standard output is this process's standard
  // error.
  StatusOr<Ended> Run(const std::vector<std::string>& arguments, bool output_to_error) const;

  // The last that came, 0 for none, and how many did.
  int last() const;
  int count() const;
};

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_PROGRAM_H_
