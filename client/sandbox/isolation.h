#ifndef ANAMNESIS_CLIENT_SANDBOX_ISOLATION_H_
#define ANAMNESIS_CLIENT_SANDBOX_ISOLATION_H_

// Whether the sandbox holds on this machine, now: each limit is attacked by anamnesis-sandbox-probe, in the environment
// that a certified program gets. Some hosts accept a limit and ignore it, so nothing counts as held that was not seen
// to hold. Times, and the memory of all processes together, are tried with smaller numbers: the same mechanism, without
// minutes of waiting and gigabytes.

#include <string>
#include <string_view>
#include <vector>

#include "client/sandbox/sandbox.h"
#include "ledger/base/status.h"

namespace anamnesis {

struct IsolationAspect {
  enum class State { kHeld, kNotAvailable, kFailed };

  // A symbol, of kIsolationAspects.
  std::string name;
  State state = State::kFailed;
  // What was seen.
  std::string evidence;
};

// What a protocol's isolation_requirements can name:
//   network        no socket of any family, no interface
//   clinical_path  no way to a clinical system: no network, no device, no descriptor of the host's
//   host           the host's files, processes, environment, name and identities can't be seen
//   filesystem     nothing outside /result, /tmp and /dev/shm can be written
//   system_calls   foreign architectures killed, dangerous calls refused, no privileges
//   memory         of one process
//   memory_total   of all processes together; needs a cgroup
//   processes      their number
//   files          sizes of files, of /result and of the scratch directories, number of open files, no core
//   cpu            processor time of one process
//   wall_clock     time until all is killed
//   descendants    children that left the session die with the run
//   output         its size
inline constexpr std::string_view kIsolationAspects[] = {
    "network",   "clinical_path", "host", "filesystem", "system_calls", "memory", "memory_total",
    "processes", "files",         "cpu",  "wall_clock", "descendants",  "output"};

bool IsIsolationAspect(std::string_view name);
std::string_view NameOf(IsolationAspect::State state);

struct IsolationReport {
  // One for each of kIsolationAspects, in that order.
  std::vector<IsolationAspect> aspects;

  const IsolationAspect* Find(std::string_view name) const;
  // FAILED_PRECONDITION, naming each aspect that failed and what was seen. "Not available" is no failure here: whether
  // it may be is the protocol's to say.
  Status Check() const;
};

// FAILED_PRECONDITION or INTERNAL: no sandbox could be made at all.
StatusOr<IsolationReport> TestIsolation(const Sandbox& sandbox);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_ISOLATION_H_
