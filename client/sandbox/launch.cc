#include "client/sandbox/launch.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace anamnesis {
namespace {

// Everything that the child needs, made before the fork.
struct Prepared {
  const char* program;
  std::vector<char*> arguments;
  const char* result_mount;
  std::string mount_options;
  std::optional<uid_t> identity;
  std::string user_map;
  std::string group_map;
  const int* descriptors;
  int channel;
};

// What the child says over its socket: a step that failed, or one with the descriptor of the results.
struct Message {
  int error;
  char step[60];
};

[[noreturn]] void Fail(int channel, const char* step) {
  Message message = {errno, {}};
  std::strncpy(message.step, step, sizeof message.step - 1);
  (void)!::send(channel, &message, sizeof message, MSG_NOSIGNAL);
  ::_exit(127);
}

void WriteOrFail(int channel, const char* path, const std::string& text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) Fail(channel, path);
  ::close(file);
}

void BecomeNobody(const Prepared& child) {
  if (child.identity) {
    const uid_t id = *child.identity;
    if (::setgroups(0, nullptr) != 0) Fail(child.channel, "setgroups");
    if (::setresgid(id, id, id) != 0) Fail(child.channel, "setresgid");
    if (::setresuid(id, id, id) != 0) Fail(child.channel, "setresuid");
    // The files in /proc/self belong to root until then.
    if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) Fail(child.channel, "prctl(PR_SET_DUMPABLE)");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Fail(child.channel, "prctl(PR_SET_NO_NEW_PRIVS)");
}

void EnterNamespaces(const Prepared& child) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) Fail(child.channel, "unshare (user namespaces)");
  WriteOrFail(child.channel, "/proc/self/setgroups", "deny");
  WriteOrFail(child.channel, "/proc/self/uid_map", child.user_map);
  WriteOrFail(child.channel, "/proc/self/gid_map", child.group_map);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) Fail(child.channel, "mount (private)");
}

void SendResultDirectory(const Prepared& child) {
  if (::mount("tmpfs", child.result_mount, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, child.mount_options.c_str()) !=
      0) {
    Fail(child.channel, "mount (result directory)");
  }
  const int directory = ::open(child.result_mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) Fail(child.channel, "open (result directory)");
  Message message = {};
  iovec part = {&message, sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &directory, sizeof directory);
  if (::sendmsg(child.channel, &header, MSG_NOSIGNAL) < 0) Fail(child.channel, "sendmsg");
}

// 0 to 5 as the plan has them, and nothing else beyond the exec.
void PlaceDescriptors(Prepared& child) {
  constexpr int kAbove = 16;
  child.channel = ::fcntl(child.channel, F_DUPFD_CLOEXEC, kAbove);
  if (child.channel < 0) ::_exit(127);
  int copies[6];
  for (int i = 0; i < 6; ++i) {
    copies[i] = ::fcntl(child.descriptors[i], F_DUPFD, kAbove);
    if (copies[i] < 0) Fail(child.channel, "fcntl(F_DUPFD)");
  }
  for (int i = 0; i < 6; ++i) {
    if (::dup2(copies[i], i) < 0) Fail(child.channel, "dup2");
  }
  constexpr unsigned kCloseOnExec = 1u << 2;
  if (::syscall(SYS_close_range, 6u, ~0u, kCloseOnExec) != 0) Fail(child.channel, "close_range");
}

void ResetSignals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
}

[[noreturn]] void RunChild(Prepared& child) {
  BecomeNobody(child);
  EnterNamespaces(child);
  SendResultDirectory(child);
  PlaceDescriptors(child);
  ResetSignals();
  char* const environment[] = {nullptr};
  ::execve(child.program, child.arguments.data(), environment);
  Fail(child.channel, "execve of bubblewrap");
}

// The child's next message; `descriptor` is what came with it. False at the end, which the exec makes.
StatusOr<bool> Receive(int channel, FileDescriptor& descriptor) {
  Message message = {};
  iovec part = {&message, sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return ErrnoStatus("recvmsg");
  if (got == 0) return false;
  message.step[sizeof message.step - 1] = '\0';
  if (message.error != 0) {
    return ErrnoStatus(Text("the sandbox can't be made, step ", std::string(message.step)), message.error);
  }
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    descriptor = FileDescriptor(fd);
  }
  return true;
}

Prepared Prepare(const LaunchPlan& plan) {
  const uid_t user = plan.identity.value_or(::geteuid());
  const gid_t group = plan.identity.value_or(::getegid());
  Prepared prepared = {plan.program.c_str(),
                       {},
                       plan.result_mount.c_str(),
                       Text("mode=0700,nr_inodes=4096,size=", plan.result_bytes),
                       plan.identity,
                       Text(user, " ", user, " 1\n"),
                       Text(group, " ", group, " 1\n"),
                       plan.descriptors,
                       -1};
  for (const std::string& argument : plan.arguments) prepared.arguments.push_back(const_cast<char*>(argument.c_str()));
  prepared.arguments.push_back(nullptr);
  return prepared;
}

}  // namespace

StatusOr<Launched> Launch(const LaunchPlan& plan) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return ErrnoStatus("socketpair");
  const FileDescriptor ours(pair[0]);
  FileDescriptor theirs(pair[1]);
  Prepared prepared = Prepare(plan);
  prepared.channel = theirs.get();
  Launched launched;
  launched.process = ::fork();
  if (launched.process < 0) return ErrnoStatus("fork");
  if (launched.process == 0) RunChild(prepared);
  theirs.Close();
  StatusOr<bool> more = true;
  while (more.ok() && *more) more = Receive(ours.get(), launched.result_directory);
  if (more.ok() && !launched.result_directory.open()) more = absl::InternalError("the sandbox's first process ended");
  if (more.ok()) return launched;
  ::kill(launched.process, SIGKILL);
  while (::waitpid(launched.process, nullptr, 0) < 0 && errno == EINTR) continue;
  return more.status();
}

}  // namespace anamnesis
