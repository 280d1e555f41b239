#include "client/sandbox/seccomp_filter.h"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "client/sandbox/file_descriptor.h"

namespace anamnesis {
namespace {

// What a C library, an interpreter and numerical libraries need; names that the machine's libseccomp or architecture
// doesn't have are left out. No call with which a program reaches another than its own descendants.
constexpr const char* kAllowed[] = {
    // Files.
    "access", "chdir", "chmod", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat",
    "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fcntl", "fdatasync", "flock", "fstat",
    "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "lseek", "link", "linkat",
    "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64",
    "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2",
    "rmdir", "sendfile", "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync_file_range", "tee",
    "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "write", "writev",
    // Waiting.
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
    "pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "signalfd", "signalfd4", "timerfd_create",
    "timerfd_gettime", "timerfd_settime",
    // Memory.
    "brk", "madvise", "membarrier", "mincore", "mmap", "mprotect", "mremap", "msync", "munmap",
    // Processes and threads; clone is below.
    "arch_prctl", "execve", "exit", "exit_group", "fork", "futex", "futex_waitv", "get_robust_list", "getcpu",
    "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
    "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "kill", "restart_syscall", "rseq",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
    "sched_yield", "set_robust_list", "set_tid_address", "setpgid", "setrlimit", "setsid", "tgkill", "tkill", "vfork",
    "wait4", "waitid",
    // Signals.
    "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack",
    // Time and the system.
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "getrandom", "gettimeofday", "nanosleep",
    "setitimer", "sysinfo", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
    "timer_settime", "times", "uname"};

constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                    CLONE_NEWPID | static_cast<uint64_t>(CLONE_NEWNET);
constexpr int kPrctlSetVma = 0x53564d41;
constexpr int kPrctls[] = {PR_SET_NAME,     PR_GET_NAME,     PR_SET_PDEATHSIG,    PR_GET_PDEATHSIG,
                           PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ,
                           PR_GET_SECCOMP,  kPrctlSetVma,    PR_SET_NO_NEW_PRIVS};
// Nothing that puts bytes into a terminal.
constexpr uint64_t kIoctls[] = {TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

class Rules {
 public:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}

  template <typename... Conditions>
  void Add(uint32_t action, const char* name, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || !status_.ok()) return;
    const std::array<scmp_arg_cmp, sizeof...(conditions)> list = {conditions...};
    const int error = seccomp_rule_add_array(context_, action, number, list.size(), list.data());
    if (error < 0) status_ = ErrnoStatus(Text("libseccomp's rule for ", name), -error);
  }
  const Status& status() const { return status_; }

 private:
  scmp_filter_ctx context_;
  Status status_;
};

scmp_arg_cmp Equals(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
// The upper half of the register is not what the kernel reads.
scmp_arg_cmp LowEquals(unsigned argument, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, 0xffffffff, value & 0xffffffff};
}

Status AddRules(scmp_filter_ctx context) {
  Rules rules(context);
  for (const char* name : kAllowed) rules.Add(SCMP_ACT_ALLOW, name);
  rules.Add(SCMP_ACT_ALLOW, "clone", scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, kNewNamespaces, 0});
  // Its flags lie in memory, where no filter can look; told that there is no such call, C libraries take clone.
  rules.Add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  rules.Add(SCMP_ACT_ALLOW, "prlimit64", Equals(0, 0));
  for (const int option : kPrctls) rules.Add(SCMP_ACT_ALLOW, "prctl", LowEquals(0, static_cast<uint64_t>(option)));
  for (const uint64_t request : kIoctls) rules.Add(SCMP_ACT_ALLOW, "ioctl", LowEquals(1, request));
  for (const char* name : {"getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr"}) {
    rules.Add(SCMP_ACT_ERRNO(ENOTSUP), name);
  }
  return rules.status();
}

}  // namespace

StatusOr<std::string> CompileSeccompFilter() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (filter == nullptr) return absl::InternalError("libseccomp can't make a filter");
  const int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (error < 0) return ErrnoStatus("libseccomp's action for foreign architectures", -error);
  RETURN_IF_ERROR(AddRules(filter.get()));
  const FileDescriptor memory(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!memory.open()) return ErrnoStatus("memfd_create");
  const int exported = seccomp_export_bpf(filter.get(), memory.get());
  if (exported < 0) return ErrnoStatus("libseccomp's export of the filter", -exported);
  if (::lseek(memory.get(), 0, SEEK_SET) != 0) return ErrnoStatus("the seccomp filter");
  return ReadAll(memory.get(), "the seccomp filter", 1 << 20);
}

}  // namespace anamnesis
