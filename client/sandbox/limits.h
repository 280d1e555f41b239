#ifndef ANAMNESIS_CLIENT_SANDBOX_LIMITS_H_
#define ANAMNESIS_CLIENT_SANDBOX_LIMITS_H_

// What one run in the sandbox may use. Every value is at least 1; all are part of the environment's digest.

#include <chrono>
#include <cstdint>

namespace anamnesis {

struct SandboxLimits {
  // Of one process: RLIMIT_AS, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE.
  uint64_t address_space_bytes = uint64_t{4} << 30;
  uint64_t cpu_seconds = 600;
  uint64_t file_bytes = uint64_t{64} << 20;
  uint64_t open_files = 256;
  // Of all together: RLIMIT_NPROC, which the kernel counts in the run's own user namespace (Linux 5.14), and pids.max
  // where there is a cgroup. Threads count.
  uint64_t processes = 64;
  // Of all together, where there is a cgroup. Elsewhere nothing bounds it but processes times address_space_bytes.
  uint64_t memory_total_bytes = uint64_t{4} << 30;
  // /result, and each of /tmp and /dev/shm: sizes of their file systems in memory.
  uint64_t result_bytes = uint64_t{64} << 20;
  uint64_t scratch_bytes = uint64_t{64} << 20;
  // Each of standard output and standard error. One byte more ends the run.
  uint64_t output_bytes = uint64_t{1} << 20;
  // From the program's start until everything in the sandbox is killed.
  std::chrono::milliseconds wall = std::chrono::minutes(20);
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_LIMITS_H_
