#include "client/cli/capture.h"

#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "client/cli/program.h"
#include "client/cli/run_end.h"
#include "client/cpp/object_client.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis::cli {
namespace {

// More than any list of packages; what a larger answer is cut to is no answer.
constexpr size_t kOutputBytesMax = 16u << 20;
constexpr size_t kPackagesMax = 2000;

// What the program wrote, without the last line end; nullopt when it isn't there, failed or wrote too much.
std::optional<std::string> OutputOf(const std::vector<std::string>& arguments) {
  std::string output;
  const StatusOr<Ended> ended = RunProgram(arguments, [&](std::string_view piece) {
    if (output.size() <= kOutputBytesMax) output += piece;
  });
  if (!ended.ok() || !ended->well()) return std::nullopt;
  if (output.size() > kOutputBytesMax) return std::nullopt;
  while (output.ends_with('\n')) output.pop_back();
  return output;
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

// A Git work tree, asked what its commit does not hold.
class WorkTree {
 public:
  explicit WorkTree(std::string directory) : directory_(std::move(directory)) {}

  StatusOr<std::string> Ask(const std::vector<std::string>& arguments) const {
    std::optional<std::string> answer = OutputOf(Command(arguments));
    if (answer.has_value()) return *std::move(answer);
    return absl::FailedPreconditionError(Text(directory_, ": git ", arguments.front(),
                                              " failed: it is in no Git work tree with a commit, or git can't "
                                              "read it, so what runs can't be named"));
  }

  // All that the program writes goes into the digest.
  Status Hash(const std::vector<std::string>& arguments, Sha256Hasher& hasher) const {
    const StatusOr<Ended> ended = RunProgram(Command(arguments), [&](std::string_view piece) { hasher.Update(piece); });
    if (ended.ok() && ended->well()) return OkStatus();
    return absl::FailedPreconditionError(
        Text(directory_, ": git ", arguments.front(), " failed, so what runs can't be named"));
  }

  // The files that Git doesn't know, with their content.
  Status HashUntracked(const std::string& files, Sha256Hasher& hasher) const {
    for (size_t begin = 0; begin < files.size();) {
      const size_t end = std::min(files.find('\0', begin), files.size());
      const std::string name = files.substr(begin, end - begin);
      begin = end + 1;
      if (name.empty()) continue;
      ASSIGN_OR_RETURN(const std::string content, ContentOf(Text(directory_, "/", name)));
      hasher.Update(Text(name.size(), ":", name, "=", content, ";"));
    }
    return OkStatus();
  }

 private:
  std::vector<std::string> Command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command = {"git", "-C", directory_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
  }

  static StatusOr<std::string> ContentOf(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_symlink(path, error)) {
      return Text("link ", std::filesystem::read_symlink(path, error).string());
    }
    // A work tree of its own, which Git names and doesn't look into.
    if (std::filesystem::is_directory(path, error)) {
      ASSIGN_OR_RETURN(const CodeState nested, FindCode(path));
      return Text("work tree ", nested.version);
    }
    const StatusOr<HashedFile> file = HashFile(path);
    if (file.ok()) return Text("file ", file->digest.hex());
    return absl::FailedPreconditionError(Text(path, ": can't be read, so what runs can't be named"));
  }

  const std::string directory_;
};

}  // namespace

StatusOr<CodeState> FindCode(const std::string& directory) {
  CodeState code;
  ASSIGN_OR_RETURN(const std::string top, WorkTree(directory).Ask({"rev-parse", "--show-toplevel"}));
  const WorkTree tree(top);
  ASSIGN_OR_RETURN(code.commit, tree.Ask({"rev-parse", "--verify", "HEAD"}));
  ASSIGN_OR_RETURN(const std::string changes, tree.Ask({"status", "--porcelain", "--untracked-files=no"}));
  ASSIGN_OR_RETURN(const std::string untracked,
                   tree.Ask({"ls-files", "--others", "--exclude-standard", Text("--exclude=", kKeptEndFiles), "-z"}));
  code.repository = std::filesystem::path(top).filename().string();
  code.version = code.commit;
  code.dirty = !changes.empty() || !untracked.empty();
  if (!code.dirty) return code;
  Sha256Hasher hasher;
  RETURN_IF_ERROR(tree.Hash(
      {"diff", "--no-color", "--no-ext-diff", "--no-textconv", "--binary", "--full-index", "--submodule=diff", "HEAD"},
      hasher));
  hasher.Update(std::string_view("\0", 1));
  RETURN_IF_ERROR(tree.HashUntracked(untracked, hasher));
  code.version += "-dirty-" + hasher.Finish().hex().substr(0, 16);
  return code;
}

CapturedTexts EnvironmentOf(const std::vector<std::string>& command) {
  CapturedTexts captured;
  NamedTexts& environment = captured.values;
  utsname system = {};
  if (::uname(&system) == 0) {
    environment.emplace_back("kernel", Text(system.sysname, " ", system.release, " ", system.machine));
  }
  const std::string name = LineOf("/etc/os-release", "PRETTY_NAME", '=');
  if (!name.empty()) environment.emplace_back("operating_system", name);
  const std::string program = std::filesystem::path(command[0]).filename().string();
  if (!program.starts_with("python")) return captured;
  if (const auto version = OutputOf({command[0], "-c", "import platform; print(platform.python_version())"})) {
    environment.emplace_back("python", *version);
  }
  // Asked of Python itself: pip need not be there.
  const auto packages =
      OutputOf({command[0], "-c",
                "from importlib.metadata import distributions\n"
                "for d in sorted({(d.metadata['Name'], d.version) for d in distributions() if d.metadata['Name']}):\n"
                "  print('%s %s' % d)"});
  if (!packages.has_value()) captured.missing.emplace_back("environment_packages");
  std::istringstream lines(packages.value_or(""));
  std::string line;
  size_t listed = 0;
  while (std::getline(lines, line)) {
    const size_t space = line.rfind(' ');
    if (space == std::string::npos) continue;
    if (++listed <= kPackagesMax) environment.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  if (listed > kPackagesMax) captured.missing.push_back(Text("environment_packages_after_", kPackagesMax));
  return captured;
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
