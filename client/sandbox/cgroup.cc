#include "client/sandbox/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

#include "client/sandbox/file_descriptor.h"
#include "ledger/objects/file_io.h"

namespace anamnesis {
namespace {

Status WriteFile(const std::string& path, std::string_view text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.open()) return ErrnoStatus(path);
  return WriteAll(file.get(), path, text);
}

// The mount point of the hierarchy with `controller`, or of version 2 for an empty one. Empty: not mounted.
std::string MountPoint(std::string_view controller) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped, point, field, type, source, options;
    for (int i = 0; i < 4; ++i) fields >> skipped;
    fields >> point;
    while (fields >> field && field != "-") continue;
    fields >> type >> source >> options;
    if (controller.empty()
            ? type == "cgroup2"
            : type == "cgroup" && Text(",", options, ",").find(Text(",", controller, ",")) != std::string::npos) {
      return point;
    }
  }
  return "";
}

// This process's own group in that hierarchy: "/" or "/a/b". Empty: unknown.
std::string OwnGroup(std::string_view controller) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? names.empty()
                           : Text(",", names, ",").find(Text(",", controller, ",")) != std::string::npos) {
      return line.substr(second + 1);
    }
  }
  return "";
}

std::string Joined(const std::string& mount, const std::string& group) { return group == "/" ? mount : mount + group; }

std::vector<CgroupPlace> Candidates() {
  std::vector<CgroupPlace> all;
  if (const std::string mount = MountPoint(""); !mount.empty()) {
    if (const std::string own = OwnGroup(""); !own.empty() && own != "/") all.push_back({2, {mount + own}});
    all.push_back({2, {mount}});
  }
  const std::string memory = MountPoint("memory"), pids = MountPoint("pids");
  if (!memory.empty() && !pids.empty()) {
    all.push_back({1, {Joined(memory, OwnGroup("memory")), Joined(pids, OwnGroup("pids"))}});
  }
  return all;
}

Status Limit(int version, const std::vector<std::string>& directories, const SandboxLimits& limits) {
  const std::string memory = Text(limits.memory_total_bytes), processes = Text(limits.processes);
  if (version == 1) {
    RETURN_IF_ERROR(WriteFile(directories[0] + "/memory.limit_in_bytes", memory));
    // Only where the kernel counts swap.
    (void)WriteFile(directories[0] + "/memory.memsw.limit_in_bytes", memory);
    return WriteFile(directories[1] + "/pids.max", processes);
  }
  RETURN_IF_ERROR(WriteFile(directories[0] + "/memory.max", memory));
  (void)WriteFile(directories[0] + "/memory.swap.max", "0");
  return WriteFile(directories[0] + "/pids.max", processes);
}

}  // namespace

std::optional<CgroupPlace> FindCgroupPlace(const SandboxLimits& limits, std::string& why_not) {
  why_not = "no cgroup hierarchy with the controllers memory and pids is mounted";
  for (const CgroupPlace& place : Candidates()) {
    if (place.version == 2) (void)WriteFile(place.directories[0] + "/cgroup.subtree_control", "+memory +pids");
    const StatusOr<Cgroup> made = Cgroup::Make(place, limits);
    if (made.ok()) return place;
    why_not = std::string(MessageOf(made.status()));
  }
  return std::nullopt;
}

StatusOr<Cgroup> Cgroup::Make(const CgroupPlace& place, const SandboxLimits& limits) {
  static std::atomic<uint64_t> count = 0;
  const std::string name = Text("/anamnesis-sandbox-", ::getpid(), "-", ++count);
  Cgroup group;
  for (const std::string& directory : place.directories) {
    if (::mkdir((directory + name).c_str(), 0755) != 0) return ErrnoStatus(directory + name);
    group.directories_.push_back(directory + name);
  }
  RETURN_IF_ERROR(Limit(place.version, group.directories_, limits));
  return group;
}

Cgroup::~Cgroup() {
  for (const std::string& directory : directories_) {
    // A dead process leaves its group a moment after it has been waited for.
    for (int i = 0; i < 200 && ::rmdir(directory.c_str()) != 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

Status Cgroup::Add(pid_t process) const {
  for (const std::string& directory : directories_) {
    RETURN_IF_ERROR(WriteFile(directory + "/cgroup.procs", Text(process)));
  }
  return OkStatus();
}

}  // namespace anamnesis
