#include "client/sandbox/sandbox.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "client/sandbox/seccomp_filter.h"
#include "client/sandbox/supervision.h"

namespace anamnesis {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "bwrap";
constexpr const char* kResultMount = "result";

StatusOr<std::string> FindInPath(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string candidate = Text(rest.substr(0, colon), "/", name);
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return absl::FailedPreconditionError(
      Text(name, " is not in PATH: without bubblewrap there is no sandbox; install Debian's package bubblewrap"));
}

void Append(std::vector<std::string>& list, std::initializer_list<std::string> more) { list.insert(list.end(), more); }

// /bin, /lib and /lib64 as the host has them: links into /usr.
void AppendLinks(std::vector<std::string>& list) {
  for (const char* name : {"/bin", "/lib", "/lib64"}) {
    std::error_code error;
    const fs::path target = fs::read_symlink(name, error);
    if (!error) Append(list, {"--symlink", target.string(), name});
  }
}

}  // namespace

std::vector<std::string> DefaultRuntime() {
  std::vector<std::string> runtime;
  for (const char* directory : {"/usr/bin", "/usr/lib", "/usr/lib64"}) {
    std::error_code error;
    if (fs::is_directory(directory, error)) runtime.push_back(directory);
  }
  return runtime;
}

StatusOr<Sandbox> Sandbox::Open(SandboxSettings settings) {
  if (settings.bubblewrap.empty()) {
    ASSIGN_OR_RETURN(settings.bubblewrap, FindInPath(kProgram));
  }
  ASSIGN_OR_RETURN(StagingDirectory mount, StagingDirectory::Make());
  RETURN_IF_ERROR(mount.AddDirectory(kResultMount));
  Sandbox sandbox(std::move(settings), std::move(mount));
  ASSIGN_OR_RETURN(sandbox.filter_, CompileSeccompFilter());
  sandbox.why_no_cgroup_ = "not asked for";
  if (sandbox.settings_.use_cgroup) {
    sandbox.cgroup_ = FindCgroupPlace(sandbox.settings_.limits, sandbox.why_no_cgroup_);
  }
  return sandbox;
}

std::vector<std::string> Sandbox::Arguments(const SandboxCommand& command, const SandboxLimits& limits) const {
  std::vector<std::string> list = {kProgram,
                                   "--unshare-user",
                                   "--unshare-ipc",
                                   "--unshare-pid",
                                   "--unshare-net",
                                   "--unshare-uts",
                                   "--unshare-cgroup",
                                   "--uid",
                                   "65534",
                                   "--gid",
                                   "65534",
                                   "--hostname",
                                   "sandbox",
                                   "--die-with-parent",
                                   "--new-session",
                                   "--cap-drop",
                                   "ALL",
                                   "--clearenv"};
  std::map<std::string, std::string> environment = command.environment;
  environment.insert({{"PATH", "/usr/bin:/bin"}, {"HOME", "/tmp"}, {"LANG", "C.UTF-8"}});
  for (const auto& [name, value] : environment) Append(list, {"--setenv", name, value});
  for (const std::string& directory : settings_.runtime) Append(list, {"--ro-bind", directory, directory});
  AppendLinks(list);
  const std::string scratch = Text(limits.scratch_bytes);
  Append(list, {"--proc", "/proc", "--dev", "/dev", "--size", scratch, "--tmpfs", "/dev/shm", "--size", scratch,
                "--tmpfs", "/tmp"});
  for (const SandboxInput& input : command.inputs) Append(list, {"--ro-bind", input.source, input.target});
  Append(list, {"--bind", Text(result_mount_.path(), "/", kResultMount), "/result", "--remount-ro", "/dev",
                "--remount-ro", "/", "--chdir", "/result", "--seccomp", Text(kSeccompFd), "--json-status-fd",
                Text(kStatusFd), "--block-fd", Text(kBlockFd), "--"});
  list.insert(list.end(), command.arguments.begin(), command.arguments.end());
  return list;
}

StatusOr<SandboxOutcome> Sandbox::Run(const SandboxCommand& command, const SandboxLimits& limits) const {
  if (command.arguments.empty() || !command.arguments[0].starts_with('/')) {
    return absl::InvalidArgumentError("the sandbox's program: an absolute path in the sandbox is needed");
  }
  // Made before the supervision, and so removed after everything in it is dead.
  std::optional<Cgroup> cgroup;
  if (cgroup_) {
    ASSIGN_OR_RETURN(Cgroup made, Cgroup::Make(*cgroup_, limits));
    cgroup.emplace(std::move(made));
  }
  LaunchPlan plan;
  plan.program = settings_.bubblewrap;
  plan.arguments = Arguments(command, limits);
  plan.result_mount = Text(result_mount_.path(), "/", kResultMount);
  plan.result_bytes = limits.result_bytes;
  plan.identity = SandboxIdentity();
  Supervision run(limits);
  RETURN_IF_ERROR(run.Start(std::move(plan), filter_));
  RETURN_IF_ERROR(run.Limit(cgroup ? &*cgroup : nullptr));
  return run.Finish();
}

}  // namespace anamnesis
