#include "client/sandbox/supervision.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

#include "ledger/objects/file_io.h"

namespace anamnesis {
namespace {

constexpr std::chrono::seconds kStart(60);
// From the kill until the last writer of the output is gone.
constexpr std::chrono::seconds kEnd(20);
constexpr uint64_t kStatusBytes = 65536;

Status MakePipe(FileDescriptor& reading, FileDescriptor& writing) {
  int pair[2];
  if (::pipe2(pair, O_CLOEXEC) != 0) return ErrnoStatus("pipe");
  reading = FileDescriptor(pair[0]);
  writing = FileDescriptor(pair[1]);
  return OkStatus();
}

FileDescriptor OpenProcess(pid_t process) {
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

// The number after "name": in bubblewrap's JSON lines, or -1.
int64_t NumberOf(std::string_view text, std::string_view name) {
  const size_t found = text.find(Text("\"", name, "\":"));
  if (found == std::string_view::npos) return -1;
  text.remove_prefix(found + name.size() + 3);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  int64_t number = -1;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  // Not a number that goes on in what has not been read yet.
  return parsed.ec == std::errc() && parsed.ptr != end ? number : -1;
}

struct ResourceLimit {
  __rlimit_resource resource;
  const char* name;
  rlimit value;
};

// None beyond what this process itself is held to, which a plain user couldn't set.
std::vector<ResourceLimit> Bounded(const SandboxLimits& limits) {
  std::vector<ResourceLimit> all;
  const auto add = [&all](__rlimit_resource resource, const char* name, uint64_t soft, uint64_t hard) {
    rlimit own = {RLIM_INFINITY, RLIM_INFINITY};
    ::getrlimit(resource, &own);
    all.push_back({resource, name, {std::min<rlim_t>(soft, own.rlim_max), std::min<rlim_t>(hard, own.rlim_max)}});
  };
  add(RLIMIT_AS, "RLIMIT_AS", limits.address_space_bytes, limits.address_space_bytes);
  // SIGXCPU, and a second later SIGKILL.
  add(RLIMIT_CPU, "RLIMIT_CPU", limits.cpu_seconds, limits.cpu_seconds + 1);
  add(RLIMIT_FSIZE, "RLIMIT_FSIZE", limits.file_bytes, limits.file_bytes);
  add(RLIMIT_NPROC, "RLIMIT_NPROC", limits.processes, limits.processes);
  add(RLIMIT_NOFILE, "RLIMIT_NOFILE", limits.open_files, limits.open_files);
  add(RLIMIT_CORE, "RLIMIT_CORE", 0, 0);
  add(RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 0, 0);
  add(RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 0, 0);
  return all;
}

// The index of the first that can't be set; the size if all are.
size_t SetLimits(pid_t process, const std::vector<ResourceLimit>& limits) {
  size_t i = 0;
  while (i < limits.size() && ::prlimit(process, limits[i].resource, &limits[i].value, nullptr) == 0) ++i;
  return i;
}

// In a process that has become `identity`: a root without CAP_SYS_RESOURCE, as in containers, can't set others' limits.
StatusOr<size_t> SetLimitsAs(uid_t identity, pid_t process, const std::vector<ResourceLimit>& limits) {
  const pid_t child = ::fork();
  if (child < 0) return ErrnoStatus("fork");
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(identity, identity, identity) != 0 ||
        ::setresuid(identity, identity, identity) != 0) {
      ::_exit(127);
    }
    ::_exit(static_cast<int>(SetLimits(process, limits)));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!WIFEXITED(status) || WEXITSTATUS(status) > static_cast<int>(limits.size())) {
    return absl::InternalError("the process that sets the sandbox's limits can't become the sandbox's user");
  }
  return static_cast<size_t>(WEXITSTATUS(status));
}

int MillisecondsUntil(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
}

}  // namespace

Supervision::~Supervision() {
  if (bubblewrap_ != 0) KillAll();
}

Status Supervision::Start(LaunchPlan plan, const std::string& filter) {
  FileDescriptor output, errors, status, block;
  RETURN_IF_ERROR(MakePipe(output_, output));
  RETURN_IF_ERROR(MakePipe(errors_, errors));
  RETURN_IF_ERROR(MakePipe(status_, status));
  RETURN_IF_ERROR(MakePipe(block, block_));
  const FileDescriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input.open()) return ErrnoStatus("/dev/null");
  const FileDescriptor rules(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!rules.open()) return ErrnoStatus("memfd_create");
  RETURN_IF_ERROR(WriteAll(rules.get(), "the seccomp filter", filter));
  if (::lseek(rules.get(), 0, SEEK_SET) != 0) return ErrnoStatus("the seccomp filter");
  const int given[] = {input.get(), output.get(), errors.get(), rules.get(), status.get(), block.get()};
  std::copy(std::begin(given), std::end(given), std::begin(plan.descriptors));
  identity_ = plan.identity;
  ASSIGN_OR_RETURN(Launched launched, Launch(plan));
  bubblewrap_ = launched.process;
  bubblewrap_fd_ = OpenProcess(bubblewrap_);
  if (!bubblewrap_fd_.open()) return ErrnoStatus("pidfd_open of bubblewrap");
  results_ = std::move(launched.result_directory);
  for (const FileDescriptor* pipe : {&output_, &errors_, &status_}) {
    if (::fcntl(pipe->get(), F_SETFL, O_NONBLOCK) != 0) return ErrnoStatus("fcntl");
  }
  // Ours must go before its end can be seen.
  for (FileDescriptor* pipe : {&output, &errors, &status, &block}) pipe->Close();
  return AwaitFirstProcess();
}

Status Supervision::AwaitFirstProcess() {
  const auto deadline = Clock::now() + kStart;
  for (;;) {
    TakeFrom(status_, status_text_, kStatusBytes);
    if (const int64_t pid = NumberOf(status_text_, "child-pid"); pid > 0) {
      first_ = static_cast<pid_t>(pid);
      first_fd_ = OpenProcess(first_);
      return first_fd_.open() ? OkStatus() : WhyNotStarted();
    }
    if (!status_.open() || Clock::now() >= deadline) return WhyNotStarted();
    pollfd wait = {status_.get(), POLLIN, 0};
    ::poll(&wait, 1, MillisecondsUntil(deadline));
  }
}

Status Supervision::WhyNotStarted() {
  KillAll();
  TakeFrom(errors_, errors_text_, limits_.output_bytes);
  while (!errors_text_.empty() && errors_text_.back() == '\n') errors_text_.pop_back();
  return absl::FailedPreconditionError(Text("bubblewrap can't start the program in a sandbox: ",
                                            errors_text_.empty() ? "it said nothing" : errors_text_.substr(0, 1024)));
}

Status Supervision::Limit(const Cgroup* cgroup) {
  const Status limited = SetAllLimits(cgroup);
  pollfd ended = {first_fd_.get(), POLLIN, 0};
  return !limited.ok() && ::poll(&ended, 1, 0) > 0 ? WhyNotStarted() : limited;
}

Status Supervision::SetAllLimits(const Cgroup* cgroup) const {
  const std::vector<ResourceLimit> wanted = Bounded(limits_);
  size_t failed = wanted.size();
  if (identity_) {
    ASSIGN_OR_RETURN(failed, SetLimitsAs(*identity_, first_, wanted));
  } else {
    failed = SetLimits(first_, wanted);
  }
  if (failed < wanted.size()) {
    return absl::InternalError(Text("the sandbox's limit ", wanted[failed].name, " can't be set"));
  }
  return cgroup == nullptr ? OkStatus() : cgroup->Add(first_);
}

StatusOr<SandboxOutcome> Supervision::Finish() {
  const auto start = Clock::now();
  // The end of its pipe lets bubblewrap go on.
  block_.Close();
  const bool ended = Gather(start + limits_.wall, true);
  SandboxOutcome outcome;
  outcome.duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  const bool too_much = too_much_output_;
  KillAll();
  outcome.all_ended = Gather(Clock::now() + kEnd, false);
  outcome.end = too_much || too_much_output_ ? SandboxOutcome::End::kOutputLimit
                : ended                      ? SandboxOutcome::End::kExited
                                             : SandboxOutcome::End::kWallLimit;
  // bubblewrap tells of an exit only if the program was started.
  if (outcome.end == SandboxOutcome::End::kExited && NumberOf(status_text_, "exit-code") < 0) return WhyNotStarted();
  outcome.exit_code = ExitCode();
  outcome.output = std::move(output_text_);
  outcome.errors = std::move(errors_text_);
  outcome.results = ResultDirectory(std::move(results_));
  return outcome;
}

bool Supervision::Gather(Clock::time_point deadline, bool ends_with_bubblewrap) {
  for (;;) {
    pollfd waits[4] = {{output_.get(), POLLIN, 0},
                       {errors_.get(), POLLIN, 0},
                       {status_.get(), POLLIN, 0},
                       {ends_with_bubblewrap ? bubblewrap_fd_.get() : -1, POLLIN, 0}};
    if (!ends_with_bubblewrap && !output_.open() && !errors_.open() && !status_.open()) return true;
    const int ready = ::poll(waits, std::size(waits), MillisecondsUntil(deadline));
    const bool ended = ready > 0 && (waits[3].revents & POLLIN) != 0;
    TakeFrom(output_, output_text_, limits_.output_bytes);
    TakeFrom(errors_, errors_text_, limits_.output_bytes);
    TakeFrom(status_, status_text_, kStatusBytes);
    if (ended) return true;
    // Once it is being killed, the rest is read and dropped.
    if (too_much_output_ && ends_with_bubblewrap) return false;
    if (Clock::now() >= deadline) return false;
  }
}

void Supervision::TakeFrom(FileDescriptor& pipe, std::string& into, uint64_t max_bytes) {
  char chunk[65536];
  // A bounded number of times: a program that writes for ever doesn't hold the supervision up.
  for (int i = 0; pipe.open() && i < 16; ++i) {
    const ssize_t got = ::read(pipe.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return pipe.Close();
    const size_t taken = std::min(static_cast<size_t>(got), static_cast<size_t>(max_bytes - into.size()));
    into.append(chunk, taken);
    if (taken < static_cast<size_t>(got)) too_much_output_ = true;
  }
}

void Supervision::KillAll() {
  if (first_fd_.open()) {
    ::syscall(SYS_pidfd_send_signal, first_fd_.get(), SIGKILL, nullptr, 0);
    // The kernel reaps the whole namespace before its first process is seen to end. Its parent is bubblewrap.
    pollfd wait = {first_fd_.get(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(kEnd).count()));
    first_fd_.Close();
  }
  if (bubblewrap_ == 0) return;
  // It ends by itself once the first process has, and says how; before that there is nothing to wait for.
  pollfd wait = {bubblewrap_fd_.get(), POLLIN, 0};
  if (first_ == 0 || ::poll(&wait, 1, 5000) <= 0) ::kill(bubblewrap_, SIGKILL);
  while (::waitpid(bubblewrap_, &wait_status_, 0) < 0 && errno == EINTR) continue;
  bubblewrap_ = 0;
}

int Supervision::ExitCode() {
  const int64_t said = NumberOf(status_text_, "exit-code");
  if (said >= 0) return static_cast<int>(said);
  return WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : 128 + WTERMSIG(wait_status_);
}

}  // namespace anamnesis
