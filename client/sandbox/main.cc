// anamnesis-sandbox-probe: attacks the sandbox in which it is started, one way at a time, and says what came of it.
// Static, so that it runs with any runtime. Exit status 0: the attack was stopped; 1: it was not; 2: wrong usage. The
// attacks that must end in the probe's own death or in the sandbox's are judged outside: client/sandbox/isolation.cc.

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

extern char** environ;

namespace {

constexpr int kStopped = 0;
constexpr int kNotStopped = 1;

int failures = 0;

void Expect(bool stopped, const char* attack, const char* detail = "") {
  if (stopped) return;
  ++failures;
  std::printf("not stopped: %s %s\n", attack, detail);
}

int Verdict(const char* evidence) {
  if (failures == 0) std::printf("%s\n", evidence);
  return failures == 0 ? kStopped : kNotStopped;
}

// --- Where an answer could get out
// --------------------------------------------------------------------------------------

int Network() {
  const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_BLUETOOTH, AF_ALG};
  for (const int family : families) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW}) {
      const int made = ::socket(family, type, 0);
      char detail[32];
      std::snprintf(detail, sizeof detail, "family %d", family);
      Expect(made < 0, "socket of", detail);
      if (made >= 0) ::close(made);
    }
  }
  int pair[2];
  Expect(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0, "socketpair");
  // The namespace's own interfaces: nothing but a loopback.
  std::FILE* interfaces = std::fopen("/proc/net/dev", "re");
  char line[512];
  for (int number = 0; interfaces != nullptr && std::fgets(line, sizeof line, interfaces) != nullptr; ++number) {
    Expect(number < 2 || std::strstr(line, " lo:") != nullptr, "interface", line);
  }
  if (interfaces != nullptr) std::fclose(interfaces);
  return Verdict("no socket of 8 families in 3 types, no pair; no interface but a loopback");
}

bool IsOneOf(const char* name, const char* const* begin, const char* const* end) {
  for (; begin != end; ++begin) {
    if (std::strcmp(name, *begin) == 0) return true;
  }
  return false;
}

// Calls `visit` with each name in a directory.
template <typename Visit>
void ForEachName(const char* path, Visit visit) {
  DIR* directory = ::opendir(path);
  if (directory == nullptr) return;
  while (const dirent* entry = ::readdir(directory)) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) visit(entry->d_name);
  }
  ::closedir(directory);
}

int Devices() {
  static const char* const kDevices[] = {"console", "core",   "fd",    "full",   "null", "ptmx",    "pts", "random",
                                         "shm",     "stderr", "stdin", "stdout", "tty",  "urandom", "zero"};
  int count = 0;
  ForEachName("/dev", [&count](const char* name) {
    ++count;
    Expect(IsOneOf(name, std::begin(kDevices), std::end(kDevices)), "device", name);
  });
  Expect(count > 5, "a look at /dev");
  Expect(::mknod("/tmp/disk", S_IFBLK | 0600, 0x0800) != 0, "a block device made in /tmp");
  // Descriptors of whoever started the sandbox.
  for (int fd = 3; fd < 1024; ++fd) {
    char detail[16];
    std::snprintf(detail, sizeof detail, "%d", fd);
    Expect(::fcntl(fd, F_GETFD) < 0, "inherited descriptor", detail);
  }
  return Verdict("no device but null, zero, full, random, urandom and terminals; no inherited descriptor");
}

// --- What can be seen
// ---------------------------------------------------------------------------------------------------

int Host() {
  static const char* const kRoot[] = {"bin", "dev", "lib", "lib64", "proc", "result", "tmp", "usr", "probe"};
  ForEachName("/", [](const char* name) {
    Expect(IsOneOf(name, std::begin(kRoot), std::end(kRoot)), "visible in the root:", name);
  });
  for (const char* path : {"/etc/shadow", "/etc/passwd", "/root", "/home", "/var", "/sys/class", "/run",
                           "/proc/1/root/etc", "/proc/1/cwd/../../../etc/passwd"}) {
    struct stat info;
    Expect(::stat(path, &info) != 0, "visible:", path);
  }
  static const char* const kVariables[] = {"PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "PWD=/result"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    Expect(IsOneOf(*variable, std::begin(kVariables), std::end(kVariables)), "inherited", *variable);
  }
  int processes = 0;
  ForEachName("/proc", [&processes](const char* name) { processes += name[0] >= '0' && name[0] <= '9'; });
  Expect(processes <= 2, "other processes seen");
  char name[64] = "";
  ::gethostname(name, sizeof name - 1);
  Expect(std::strcmp(name, "sandbox") == 0, "the host's name seen:", name);
  Expect(::getuid() == 65534 && ::geteuid() == 65534 && ::getgid() == 65534, "an identity of the host");
  Expect(::kill(-1, 0) != 0 || errno == ESRCH, "signals to others");
  return Verdict("root, processes, environment, host name and identity are the sandbox's own");
}

int Filesystem() {
  for (const char* path : {"/x", "/usr/x", "/usr/bin/x", "/usr/lib/x", "/dev/x", "/proc/x", "/proc/sys/kernel/hostname",
                           "/proc/sys/kernel/core_pattern", "/probe", "/proc/sysrq-trigger", "/usr/bin/env"}) {
    const int file = ::open(path, O_WRONLY | O_CREAT, 0600);
    Expect(file < 0, "written:", path);
    if (file >= 0) ::close(file);
  }
  Expect(::mkdir("/y", 0700) != 0, "a directory in the root");
  Expect(::unlink("/probe") != 0, "an input removed");
  Expect(::chmod("/probe", 0777) != 0, "an input's mode changed");
  Expect(::rename("/probe", "/result/probe") != 0, "an input moved");
  // That it is not for another reason that nothing can be written.
  for (const char* path : {"/tmp/x", "/result/x"}) {
    const int file = ::open(path, O_WRONLY | O_CREAT, 0600);
    if (file < 0) std::printf("%s can't be written: %s\n", path, std::strerror(errno)), ++failures;
    if (file >= 0) ::close(file);
  }
  return Verdict("nothing can be written, changed or removed but in /result, /tmp and /dev/shm");
}

// --- What can be called
// -------------------------------------------------------------------------------------------------

#if defined(__x86_64__)
long CallX32(long number) {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(number | 0x40000000L) : "rcx", "r11", "memory");
  return result;
}
long CallI386(long number) {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(number) : "memory");
  return result;
}
#endif

// How a child ends that runs `attack`: the signal, or 0.
template <typename Attack>
int SignalOf(Attack attack) {
  const pid_t child = ::fork();
  if (child == 0) {
    attack();
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int SystemCalls() {
#if defined(__x86_64__)
  Expect(SignalOf([] { CallX32(39); }) == SIGSYS, "x32 getpid");
  Expect(SignalOf([] { CallX32(520); }) == SIGSYS, "x32 execve");
  const int i386 = SignalOf([] { CallI386(20); });
  // A kernel without 32-bit support has no such call: SIGSEGV.
  Expect(i386 == SIGSYS || i386 == SIGSEGV, "i386 getpid");
#endif
  struct Call {
    const char* name;
    long number;
    long a, b, c, d;
  };
  const Call calls[] = {{"ptrace", SYS_ptrace, PTRACE_TRACEME, 0, 0, 0},
                        {"process_vm_readv", SYS_process_vm_readv, 1, 0, 0, 0},
                        {"mount", SYS_mount, 0, 0, 0, 0},
                        {"umount2", SYS_umount2, 0, 0, 0, 0},
                        {"pivot_root", SYS_pivot_root, 0, 0, 0, 0},
                        {"chroot", SYS_chroot, 0, 0, 0, 0},
                        {"unshare(user)", SYS_unshare, CLONE_NEWUSER, 0, 0, 0},
                        {"unshare(network)", SYS_unshare, CLONE_NEWNET, 0, 0, 0},
                        {"setns", SYS_setns, 0, 0, 0, 0},
                        {"clone(user)", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0},
                        {"keyctl", SYS_keyctl, 0, -3, 1, 0},
                        {"add_key", SYS_add_key, 0, 0, 0, 0},
                        {"bpf", SYS_bpf, 0, 0, 0, 0},
                        {"perf_event_open", SYS_perf_event_open, 0, 0, -1, -1},
                        {"userfaultfd", SYS_userfaultfd, 0, 0, 0, 0},
                        {"io_uring_setup", SYS_io_uring_setup, 1, 0, 0, 0},
                        {"memfd_create", SYS_memfd_create, 0, 0, 0, 0},
                        {"shmget", SYS_shmget, 0, 4096, 0600, 0},
                        {"msgget", SYS_msgget, 0, 0, 0, 0},
                        {"init_module", SYS_init_module, 0, 0, 0, 0},
                        {"kexec_load", SYS_kexec_load, 0, 0, 0, 0},
                        {"reboot", SYS_reboot, 0, 0, 0, 0},
                        {"open_by_handle_at", SYS_open_by_handle_at, 0, 0, 0, 0},
                        {"pidfd_open", SYS_pidfd_open, 1, 0, 0, 0},
                        {"setuid", SYS_setuid, 0, 0, 0, 0},
                        {"seccomp", SYS_seccomp, 1, 0, 0, 0},
                        {"quotactl", SYS_quotactl, 0, 0, 0, 0},
                        {"swapon", SYS_swapon, 0, 0, 0, 0}};
  for (const Call& call : calls) {
    const long result = ::syscall(call.number, call.a, call.b, call.c, call.d);
    if (result == 0 && call.number == SYS_clone) ::_exit(0);
    Expect(result == -1 && errno == EPERM, call.name);
  }
  Expect(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "new privileges by exec");
  std::FILE* status = std::fopen("/proc/self/status", "re");
  char line[256];
  int found = 0;
  while (status != nullptr && std::fgets(line, sizeof line, status) != nullptr) {
    if (std::strncmp(line, "CapEff:", 7) == 0 || std::strncmp(line, "CapBnd:", 7) == 0) {
      Expect(std::strtoull(line + 7, nullptr, 16) == 0, "capability", line);
      ++found;
    }
    if (std::strncmp(line, "Seccomp:", 8) == 0) {
      Expect(std::atoi(line + 8) == 2, "no filter", line);
      ++found;
    }
  }
  if (status != nullptr) std::fclose(status);
  Expect(found == 3, "a look at /proc/self/status");
  return Verdict("x32 and i386 calls killed; 28 dangerous calls refused; no capability, no new privileges");
}

// --- What can be used up
// ------------------------------------------------------------------------------------------------

int Memory(uint64_t limit) {
  constexpr uint64_t kPiece = uint64_t{16} << 20;
  uint64_t total = 0;
  while (total <= 4 * limit) {
    if (::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) ==
        MAP_FAILED)
      break;
    total += kPiece;
  }
  Expect(total <= limit, "memory of one process");
  char evidence[128];
  std::snprintf(evidence, sizeof evidence, "one process could map %llu of %llu bytes",
                static_cast<unsigned long long>(total), static_cast<unsigned long long>(limit));
  return Verdict(evidence);
}

// Touches `each` bytes in each of `count` children at once.
int MemoryTotal(uint64_t count, uint64_t each) {
  auto* touched =
      static_cast<uint64_t*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (touched == MAP_FAILED) return kNotStopped;
  for (uint64_t i = 0; i < count; ++i) {
    if (::fork() != 0) continue;
    auto* memory =
        static_cast<char*>(::mmap(nullptr, each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (uint64_t at = 0; memory != MAP_FAILED && at < each; at += 4096) {
      memory[at] = 1;
      __atomic_fetch_add(touched, 4096, __ATOMIC_RELAXED);
    }
    for (;;) ::pause();
  }
  for (;;) {
    int status = 0;
    if (::waitpid(-1, &status, WNOHANG) > 0) break;
    if (__atomic_load_n(touched, __ATOMIC_RELAXED) >= count * each) {
      Expect(false, "memory of all processes together");
      break;
    }
    ::usleep(2000);
  }
  char evidence[128];
  std::snprintf(evidence, sizeof evidence, "killed when all together had touched %llu bytes",
                static_cast<unsigned long long>(__atomic_load_n(touched, __ATOMIC_RELAXED)));
  return Verdict(evidence);
}

int Processes(uint64_t limit) {
  uint64_t made = 1;
  while (made <= limit + 8) {
    const pid_t child = ::fork();
    if (child < 0) break;
    if (child == 0) {
      for (;;) ::pause();
    }
    ++made;
  }
  Expect(made <= limit, "processes");
  char evidence[64];
  std::snprintf(evidence, sizeof evidence, "no process after number %llu", static_cast<unsigned long long>(made));
  return Verdict(evidence);
}

// Fills `directory` with files: how much fits into one, and into all.
void Fill(const char* directory, uint64_t file_limit, uint64_t total_limit) {
  static char chunk[1 << 20];
  std::memset(chunk, 'x', sizeof chunk);
  ::signal(SIGXFSZ, SIG_IGN);
  uint64_t total = 0;
  bool full = false;
  for (int number = 0; !full && total <= 2 * total_limit + (1 << 22); ++number) {
    char path[64];
    std::snprintf(path, sizeof path, "%s/%d", directory, number);
    const int file = ::open(path, O_WRONLY | O_CREAT, 0600);
    if (file < 0) break;
    uint64_t size = 0;
    ssize_t written = 0;
    while ((written = ::write(file, chunk, sizeof chunk)) > 0 && size <= 2 * file_limit) {
      size += static_cast<uint64_t>(written);
    }
    full = written <= 0 && errno != EFBIG;
    ::close(file);
    total += size;
    Expect(size <= file_limit, "one file of", path);
  }
  Expect(total <= total_limit, "bytes in", directory);
}

int Files(uint64_t file_limit, uint64_t result_limit, uint64_t scratch_limit) {
  Fill("/result", file_limit, result_limit);
  Fill("/tmp", file_limit, scratch_limit);
  Fill("/dev/shm", file_limit, scratch_limit);
  int opened = 0;
  while (opened < 100000 && ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) ++opened;
  Expect(opened < 100000, "open files");
  rlimit core = {};
  Expect(::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0, "core files");
  return Verdict("single files, /result, /tmp, /dev/shm and open files are bounded");
}

// --- What the sandbox must end
// ------------------------------------------------------------------------------------------

[[noreturn]] void Loop() {
  for (;;) asm volatile("");
}

[[noreturn]] void Output() {
  static char chunk[65536];
  std::memset(chunk, 'x', sizeof chunk);
  for (;;) (void)!::write(1, chunk, sizeof chunk);
}

// Leaves a process in another session that holds the standard output, deaf to every signal that can be ignored.
void Leave() {
  int ready[2];
  if (::pipe(ready) != 0) ::_exit(2);
  if (::fork() == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    for (int number = 1; number < 64; ++number) ::signal(number, SIG_IGN);
    (void)!::write(ready[1], "r", 1);
    for (;;) ::pause();
  }
  char byte;
  (void)!::read(ready[0], &byte, 1);
  std::printf("left\n");
  std::fflush(stdout);
}

[[noreturn]] void Wait() {
  Leave();
  for (;;) ::pause();
}

uint64_t Number(char** arguments, int count, int at) {
  return at < count ? std::strtoull(arguments[at], nullptr, 10) : 0;
}

}  // namespace

int main(int count, char** arguments) {
  const char* attack = count > 1 ? arguments[1] : "";
  const auto is = [attack](const char* name) { return std::strcmp(attack, name) == 0; };
  const auto number = [&](int at) { return Number(arguments, count, at); };
  if (is("network")) return Network();
  if (is("devices")) return Devices();
  if (is("host")) return Host();
  if (is("filesystem")) return Filesystem();
  if (is("system_calls")) return SystemCalls();
  if (is("memory")) return Memory(number(2));
  if (is("memory_total")) return MemoryTotal(number(2), number(3));
  if (is("processes")) return Processes(number(2));
  if (is("files")) return Files(number(2), number(3), number(4));
  if (is("loop")) Loop();
  if (is("output")) Output();
  if (is("wait")) Wait();
  if (is("leave")) return Leave(), kStopped;
  std::fprintf(stderr, "anamnesis-sandbox-probe: runs inside a sandbox, started by its self-test\n");
  return 2;
}
