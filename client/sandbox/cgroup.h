#ifndef ANAMNESIS_CLIENT_SANDBOX_CGROUP_H_
#define ANAMNESIS_CLIENT_SANDBOX_CGROUP_H_

// A control group for one run: it bounds the memory of all its processes together, which resource limits can't, and
// their number. Version 2 (memory.max, memory.swap.max, pids.max) below this process's own group or, for root, below
// the root; or version 1's memory and pids hierarchies where the machine still has these. Most plain users may make
// none. One thread at a time.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "client/sandbox/limits.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Where groups can be made.
struct CgroupPlace {
  // 2 or 1; in version 1 `directories` has two: memory's and pids'.
  int version = 0;
  std::vector<std::string> directories;
};

// Tries each place by making a group with limits in it. Empty when there is none, and then `why_not` says why.
std::optional<CgroupPlace> FindCgroupPlace(const SandboxLimits& limits, std::string& why_not);

class Cgroup {
 public:
  // A new, empty group with the limits set. INTERNAL, naming the file that couldn't be written.
  static StatusOr<Cgroup> Make(const CgroupPlace& place, const SandboxLimits& limits);
  Cgroup(Cgroup&& other) noexcept { directories_.swap(other.directories_); }
  // Removes the group; nothing may be alive in it.
  ~Cgroup();

  Status Add(pid_t process) const;

 private:
  Cgroup() = default;

  std::vector<std::string> directories_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_CGROUP_H_
