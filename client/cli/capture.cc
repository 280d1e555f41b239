#include "client/cli/capture.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "ledger/crypto/sha256.h"
#include "ledger/objects/file_io.h"

extern char** environ;

namespace anamnesis::cli {
namespace {

constexpr size_t kOutputBytesMax = 1u << 20;
constexpr size_t kPackagesMax = 500;

// All that comes until the other end closes; what is over the bound is read and dropped.
std::string ReadToEnd(int fd) {
  std::string all;
  std::string chunk(65536, '\0');
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return all;
    all.append(chunk, 0, std::min(static_cast<size_t>(got), kOutputBytesMax - all.size()));
  }
}

// What the program wrote, without the last line end; nullopt when it isn't there or failed.
std::optional<std::string> OutputOf(const std::vector<std::string>& arguments) {
  StatusOr<Ended> ended = RunProgram(arguments, true);
  if (!ended.ok() || ended->exit_status != 0 || ended->signal != 0) return std::nullopt;
  while (ended->output.ends_with('\n')) ended->output.pop_back();
  return std::move(ended->output);
}

// The value of the first line "NAME<separator>VALUE" of a file; empty without one.
std::string LineOf(const std::string& path, std::string_view name, char separator) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(name)) continue;
    const size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t\"", at + 1);
    const size_t end = line.find_last_not_of(" \t\"");
    return begin == std::string::npos ? "" : line.substr(begin, end + 1 - begin);
  }
  return "";
}

}  // namespace

StatusOr<Ended> RunProgram(const std::vector<std::string>& arguments, bool capture) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
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
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::NotFoundError(Text(arguments[0], " can't be run: ", std::strerror(error)));
  Ended ended;
  if (capture) {
    writing = Descriptor();
    ended.output = ReadToEnd(reading.get());
  }
  int status = 0;
  while (::waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) return SystemError(arguments[0], "waiting for");
  }
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ended.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  return ended;
}

std::optional<CodeState> FindCode(const std::string& directory) {
  const auto git = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-C", directory});
    return OutputOf(arguments);
  };
  const std::optional<std::string> top = git({"rev-parse", "--show-toplevel"});
  const std::optional<std::string> commit = git({"rev-parse", "--verify", "HEAD"});
  const std::optional<std::string> changes = git({"status", "--porcelain"});
  if (!top.has_value() || !commit.has_value() || !changes.has_value()) return std::nullopt;
  CodeState code;
  code.repository = std::filesystem::path(*top).filename().string();
  code.commit = *commit;
  code.version = *commit;
  code.dirty = !changes->empty();
  if (code.dirty) {
    const std::string difference = Text(*changes, "\n", git({"diff", "HEAD"}).value_or(""));
    code.version += "-dirty-" + Sha256(difference).hex().substr(0, 16);
  }
  return code;
}

NamedTexts OptionsOf(const std::vector<std::string>& command) {
  NamedTexts options;
  for (size_t i = 1; i < command.size(); ++i) {
    if (!command[i].starts_with("--") || command[i].size() == 2) continue;
    const size_t equals = command[i].find('=');
    std::string name = command[i].substr(2, equals == std::string::npos ? equals : equals - 2);
    std::replace(name.begin(), name.end(), '-', '_');
    std::string value = "true";
    if (equals != std::string::npos) {
      value = command[i].substr(equals + 1);
    } else if (i + 1 < command.size() && !command[i + 1].starts_with("--")) {
      value = command[++i];
    }
    if (!name.empty()) options.emplace_back(std::move(name), std::move(value));
  }
  return options;
}

NamedTexts EnvironmentOf(const std::vector<std::string>& command) {
  NamedTexts environment;
  utsname system = {};
  if (::uname(&system) == 0) {
    environment.emplace_back("kernel", Text(system.sysname, " ", system.release, " ", system.machine));
  }
  const std::string name = LineOf("/etc/os-release", "PRETTY_NAME", '=');
  if (!name.empty()) environment.emplace_back("operating_system", name);
  const std::string program = std::filesystem::path(command[0]).filename().string();
  if (!program.starts_with("python")) return environment;
  if (const auto version = OutputOf({command[0], "-c", "import platform; print(platform.python_version())"})) {
    environment.emplace_back("python", *version);
  }
  // Asked of Python itself: pip need not be there.
  const auto packages =
      OutputOf({command[0], "-c",
                "from importlib.metadata import distributions\n"
                "for d in sorted({(d.metadata['Name'], d.version) for d in distributions() if d.metadata['Name']}):\n"
                "  print('%s %s' % d)"});
  std::istringstream lines(packages.value_or(""));
  std::string line;
  while (std::getline(lines, line) && environment.size() < kPackagesMax) {
    const size_t space = line.rfind(' ');
    if (space != std::string::npos) environment.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return environment;
}

std::string HardwareText() {
  std::string text = Text(std::thread::hardware_concurrency(), " x ", LineOf("/proc/cpuinfo", "model name", ':'), ", ",
                          LineOf("/proc/meminfo", "MemTotal", ':'));
  const std::optional<std::string> cards = OutputOf({"nvidia-smi", "--query-gpu=name", "--format=csv,noheader"});
  if (cards.has_value() && !cards->empty()) text += ", " + *cards;
  std::replace(text.begin(), text.end(), '\n', ';');
  constexpr size_t kTextBytesMax = 1024;
  return text.substr(0, kTextBytesMax);
}

}  // namespace anamnesis::cli
