#ifndef ANAMNESIS_CLIENT_SANDBOX_SECCOMP_FILTER_H_
#define ANAMNESIS_CLIENT_SANDBOX_SECCOMP_FILTER_H_

// The system calls that a program in the sandbox may make. What is not listed fails with EPERM: among them every
// socket, ptrace, mount, keyctl, bpf, io_uring, memfd_create and all that makes or enters a namespace. A call of
// another architecture (i386 by int 0x80, x32) kills the process.

#include <string>

#include "ledger/base/status.h"

namespace anamnesis {

// The filter as the array of struct sock_filter that the kernel takes, the same bytes each time on one machine.
// INTERNAL: libseccomp refuses a rule.
StatusOr<std::string> CompileSeccompFilter();

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_SECCOMP_FILTER_H_
