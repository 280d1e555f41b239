#ifndef ANAMNESIS_CLIENT_SANDBOX_LAUNCH_H_
#define ANAMNESIS_CLIENT_SANDBOX_LAUNCH_H_

// Starts bubblewrap in a process of its own: with all identities and privileges given up, in a user and mount namespace
// in which a file system in memory of fixed size lies over `result_mount`. The parent gets that file system's root as a
// descriptor, which keeps it after the namespace is gone. Safe in a process with threads: between fork and exec there
// are only system calls.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "client/sandbox/file_descriptor.h"

namespace anamnesis {

// The descriptors under which the program started finds the three.
inline constexpr int kSeccompFd = 3;
inline constexpr int kStatusFd = 4;
inline constexpr int kBlockFd = 5;

struct LaunchPlan {
  std::string program;
  // With the program's own name.
  std::vector<std::string> arguments;
  // A directory that the identity below may enter.
  std::string result_mount;
  uint64_t result_bytes = 0;
  // Root becomes this user and group.
  std::optional<uid_t> identity;
  // Borrowed, in the order 0, 1, 2, kSeccompFd, kStatusFd, kBlockFd.
  int descriptors[6] = {-1, -1, -1, -1, -1, -1};
};

struct Launched {
  // The caller waits for it.
  pid_t process = 0;
  FileDescriptor result_directory;
};

// INTERNAL, naming the step that failed; then there is no process.
StatusOr<Launched> Launch(const LaunchPlan& plan);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_LAUNCH_H_
