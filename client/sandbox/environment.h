#ifndef ANAMNESIS_CLIENT_SANDBOX_ENVIRONMENT_H_
#define ANAMNESIS_CLIENT_SANDBOX_ENVIRONMENT_H_

// What a sandbox consists of on this machine, as a text and its SHA-256, which a sandbox run records. Equal digests
// mean that all of these were equal:
//
//   - the version and the bytes of bubblewrap, and the arguments it is given
//   - the kernel's name, release and machine
//   - the bytes of the system call filter, and every limit
//   - whether there is a cgroup, and its version
//   - the runtime: for directories below /usr the name, version and architecture of every installed Debian package;
//     for others (and all, where there is no dpkg) the path, kind, executable bit and bytes of every file
//
// It does not cover: files below /usr that no package installed or that were changed after, the processor and its
// microcode, the kernel's configuration, and what the host does around the sandbox. Inputs and programs aren't part of
// the environment: their digests are recorded with what they are.

#include <string>

#include "client/sandbox/sandbox.h"
#include "ledger/base/digest.h"
#include "ledger/base/status.h"

namespace anamnesis {

struct SandboxEnvironment {
  // "anamnesis-sandbox-environment/1", then a line for each: a name, a space and a value.
  std::string text;
  // SHA-256 of `text`.
  Digest digest;
};

// FAILED_PRECONDITION: bubblewrap doesn't say its version. NOT_FOUND, RESOURCE_EXHAUSTED: a file of the runtime can't
// be read, or there are more than fit.
StatusOr<SandboxEnvironment> DescribeEnvironment(const Sandbox& sandbox);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_ENVIRONMENT_H_
