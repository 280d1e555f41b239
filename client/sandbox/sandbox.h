#ifndef ANAMNESIS_CLIENT_SANDBOX_SANDBOX_H_
#define ANAMNESIS_CLIENT_SANDBOX_SANDBOX_H_

// Runs one program that nobody trusts, in an environment of its own: bubblewrap's namespaces (user, process, network,
// IPC, host name, cgroup, mount), a root that holds the bound paths and nothing else and can't be written, no network,
// no capability, an allow-list of system calls, and limits on everything. What the program sees:
//
//   /usr/bin /usr/lib ...   the runtime, read-only
//   the inputs              read-only, where the caller puts them
//   /result                 empty, of bounded size: all that is left of the run, beside its output
//   /tmp /dev/shm           empty, of bounded size, gone with the run
//   /proc /dev              its own processes; null, zero, full, random, urandom, tty
//
// Root gives up its identity for one that has no other process; a plain user stays who he is. That the limits hold on
// this machine is not assumed: client/sandbox/isolation.h. One thread at a time; a run blocks its caller.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/sandbox/cgroup.h"
#include "client/sandbox/limits.h"
#include "client/sandbox/result_directory.h"
#include "client/sandbox/staging.h"
#include "ledger/base/status.h"

namespace anamnesis {

struct SandboxSettings {
  SandboxLimits limits;
  // Directories of the host that programs in the sandbox run with, bound read-only under the same path.
  std::vector<std::string> runtime;
  // The static program anamnesis-sandbox-probe, for the self-test.
  std::string probe;
  // Empty: bwrap as PATH finds it.
  std::string bubblewrap;
  bool use_cgroup = true;
};

// Those of /usr/bin, /usr/lib and /usr/lib64 that this machine has: what packages installed, without /usr/local.
std::vector<std::string> DefaultRuntime();

struct SandboxInput {
  // A file or directory of the host that the sandbox's identity may read.
  std::string source;
  // An absolute path in the sandbox, not below the runtime.
  std::string target;
};

struct SandboxCommand {
  // The first is the program: an absolute path in the sandbox.
  std::vector<std::string> arguments;
  std::vector<SandboxInput> inputs;
  // Beside PATH, HOME=/tmp and LANG=C.UTF-8.
  std::map<std::string, std::string> environment;
};

struct SandboxOutcome {
  enum class End { kExited, kWallLimit, kOutputLimit };

  End end = End::kExited;
  // As a shell has it: 128 and the signal's number where one ended the program.
  int exit_code = -1;
  // At most SandboxLimits::output_bytes each.
  std::string output;
  std::string errors;
  // Every process of the run is gone, those too that left its session.
  bool all_ended = false;
  std::chrono::microseconds duration{};
  ResultDirectory results;
};

class Sandbox {
 public:
  // FAILED_PRECONDITION: no bwrap in PATH. INTERNAL: no filter can be made, no staging directory.
  static StatusOr<Sandbox> Open(SandboxSettings settings);

  // FAILED_PRECONDITION, with what bubblewrap said: the environment can't be made, or the program can't be started.
  // INTERNAL: a system call of ours failed. How the program itself ended is no error.
  StatusOr<SandboxOutcome> Run(const SandboxCommand& command) const { return Run(command, settings_.limits); }
  // With other limits, which the self-test needs.
  StatusOr<SandboxOutcome> Run(const SandboxCommand& command, const SandboxLimits& limits) const;

  const SandboxSettings& settings() const { return settings_; }
  // The compiled system call filter.
  const std::string& filter() const { return filter_; }
  // Where runs get a cgroup; if nowhere, why_no_cgroup() says why.
  const std::optional<CgroupPlace>& cgroup() const { return cgroup_; }
  const std::string& why_no_cgroup() const { return why_no_cgroup_; }
  // bubblewrap's arguments for `command`, the program's included.
  std::vector<std::string> Arguments(const SandboxCommand& command, const SandboxLimits& limits) const;

 private:
  Sandbox(SandboxSettings settings, StagingDirectory mount)
      : settings_(std::move(settings)), result_mount_(std::move(mount)) {}

  SandboxSettings settings_;
  std::string filter_;
  std::optional<CgroupPlace> cgroup_;
  std::string why_no_cgroup_;
  StagingDirectory result_mount_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_SANDBOX_H_
