#include "client/cli/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "ledger/objects/file_io.h"

extern char** environ;

namespace anamnesis::cli {
namespace {

constexpr std::array kStopSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

// Whether programs are to have the SIGPIPE that this process no longer has.
std::atomic<bool> pipe_signal_ignored = false;

// What the handler shares with the rest: it may run at any time, on any thread.
std::atomic<pid_t> program_waited_for = 0;
std::atomic<int> last_stop = 0;
std::atomic<int> stops = 0;
std::array<struct sigaction, kStopSignals.size()> actions_before;

void OnStopSignal(int signal, siginfo_t* info, void*) {
  const int error = errno;
  last_stop = signal;
  ++stops;
  const pid_t program = program_waited_for;
  // What is pressed at a terminal reaches the program too.
  const bool from_terminal = info->si_code == SI_KERNEL;
  if (program > 0 && !from_terminal) ::kill(program, signal);
  errno = error;
}

// Hands over all that comes until the other end closes.
void ReadToEnd(int fd, const OnOutput& on_output) {
  std::string chunk(65536, '\0');
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    on_output(std::string_view(chunk).substr(0, static_cast<size_t>(got)));
  }
}

StatusOr<pid_t> Start(const std::vector<std::string>& arguments, const posix_spawn_file_actions_t& actions) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  if (pipe_signal_ignored) {
    sigset_t defaults;
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  }
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, pointers[0], &actions, &attributes, pointers.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return absl::NotFoundError(Text(arguments[0], " can't be run: ", std::strerror(error)));
  return process;
}

// The program has ended then, and its number is still its own.
Status WaitForEnd(pid_t process, const std::string& name) {
  siginfo_t info;
  while (::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) return SystemError(name, "waiting for");
  }
  return OkStatus();
}

StatusOr<Ended> Reap(pid_t process, const std::string& name) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) return SystemError(name, "waiting for");
  }
  Ended ended;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ended.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  return ended;
}

}  // namespace

void IgnoreClosedPipes() {
  struct sigaction before = {};
  ::sigaction(SIGPIPE, nullptr, &before);
  // Who started this process may have told it and all below it to ignore it.
  if (before.sa_handler == SIG_IGN) return;
  ::signal(SIGPIPE, SIG_IGN);
  pipe_signal_ignored = true;
}

StatusOr<Ended> RunProgram(const std::vector<std::string>& arguments, const OnOutput& on_output) {
  const bool capture = static_cast<bool>(on_output);
  int ends[2] = {-1, -1};
  if (capture && ::pipe2(ends, O_CLOEXEC) != 0) return SystemError("a pipe", "making");
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (capture) {
    ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  const StatusOr<pid_t> process = Start(arguments, actions);
  ::posix_spawn_file_actions_destroy(&actions);
  RETURN_IF_ERROR(process.status());
  if (capture) {
    writing = Descriptor();
    ReadToEnd(reading.get(), on_output);
  }
  return Reap(*process, arguments[0]);
}

StopSignals::StopSignals() {
  last_stop = 0;
  stops = 0;
  struct sigaction action = {};
  action.sa_sigaction = OnStopSignal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (size_t i = 0; i < kStopSignals.size(); ++i) {
    ::sigaction(kStopSignals[i], nullptr, &actions_before[i]);
    if (actions_before[i].sa_handler != SIG_IGN) ::sigaction(kStopSignals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < kStopSignals.size(); ++i) ::sigaction(kStopSignals[i], &actions_before[i], nullptr);
}

StatusOr<Ended> StopSignals::Run(const std::vector<std::string>& arguments, bool output_to_error) const {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (output_to_error) ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  const StatusOr<pid_t> process = Start(arguments, actions);
  ::posix_spawn_file_actions_destroy(&actions);
  RETURN_IF_ERROR(process.status());
  program_waited_for = *process;
  // One that came before there was a program to pass it on to.
  if (count() > 0) ::kill(*process, last());
  const Status ended = WaitForEnd(*process, arguments[0]);
  program_waited_for = 0;
  RETURN_IF_ERROR(ended);
  return Reap(*process, arguments[0]);
}

int StopSignals::last() const { return last_stop; }
int StopSignals::count() const { return stops; }

}  // namespace anamnesis::cli
