#ifndef ANAMNESIS_CLIENT_SANDBOX_SUPERVISION_H_
#define ANAMNESIS_CLIENT_SANDBOX_SUPERVISION_H_

// One run of bubblewrap from its start until nothing of it is alive: limits set while the sandbox's first process
// waits, output gathered, everything killed when a limit is reached. When the object goes, so does the run. One thread.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "client/sandbox/cgroup.h"
#include "client/sandbox/file_descriptor.h"
#include "client/sandbox/launch.h"
#include "client/sandbox/limits.h"
#include "client/sandbox/sandbox.h"

namespace anamnesis {

class Supervision {
 public:
  explicit Supervision(const SandboxLimits& limits) : limits_(limits) {}
  ~Supervision();
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;

  // Starts `plan`, whose descriptors are filled in here, and stops before the program itself starts.
  Status Start(LaunchPlan plan, const std::string& filter);
  // Sets the limits, and puts all into `cgroup` unless that is null.
  Status Limit(const Cgroup* cgroup);
  // Lets the program run, to its end or a limit's.
  StatusOr<SandboxOutcome> Finish();

 private:
  using Clock = std::chrono::steady_clock;

  Status AwaitFirstProcess();
  Status SetAllLimits(const Cgroup* cgroup) const;
  // What bubblewrap wrote on standard error, as FAILED_PRECONDITION.
  Status WhyNotStarted();
  // Reads what there is until `deadline`; true once both outputs and the status are at their ends.
  bool Gather(Clock::time_point deadline, bool ends_with_bubblewrap);
  void TakeFrom(FileDescriptor& pipe, std::string& into, uint64_t max_bytes);
  // Kills all, and waits until the kernel has.
  void KillAll();
  int ExitCode();

  SandboxLimits limits_;
  std::optional<uid_t> identity_;
  pid_t bubblewrap_ = 0;
  int wait_status_ = 0;
  pid_t first_ = 0;
  // The first process of the namespace: with it dies every other.
  FileDescriptor first_fd_;
  FileDescriptor bubblewrap_fd_;
  FileDescriptor output_, errors_, status_, block_;
  std::string output_text_, errors_text_, status_text_;
  bool too_much_output_ = false;
  FileDescriptor results_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_SUPERVISION_H_
