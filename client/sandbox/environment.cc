#include "client/sandbox/environment.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <system_error>

#include "client/sandbox/file_descriptor.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRuntimeFiles = 200'000;
constexpr const char* kPackages = "/var/lib/dpkg/status";

StatusOr<Digest> DigestOfFile(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return absl::NotFoundError(ErrnoStatus(path).message());
  Sha256Hasher hasher;
  std::string chunk(1 << 18, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(path);
    if (got == 0) return hasher.Finish();
    hasher.Update({chunk.data(), static_cast<size_t>(got)});
  }
}

// The first line of `bwrap --version`. The path is found in PATH or an operator's setting; no shell reads it.
StatusOr<std::string> VersionOf(const std::string& program) {
  int pair[2];
  if (::pipe2(pair, O_CLOEXEC) != 0) return ErrnoStatus("pipe");
  const FileDescriptor reading(pair[0]);
  FileDescriptor writing(pair[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  char name[] = "bwrap", option[] = "--version";
  char* const arguments[] = {name, option, nullptr};
  char* const environment[] = {nullptr};
  pid_t process = 0;
  const int error = ::posix_spawn(&process, program.c_str(), &actions, nullptr, arguments, environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::FailedPreconditionError(ErrnoStatus(program, error).message());
  writing.Close();
  StatusOr<std::string> said = ReadAll(reading.get(), program, 65536);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
  RETURN_IF_ERROR(said.status());
  said->resize(std::min(said->find('\n'), said->size()));
  if (status == 0 && !said->empty()) return said;
  return absl::FailedPreconditionError(Text(program, " --version failed: ", *said));
}

// Sorted lines of package, version and architecture of what is installed. Empty: no dpkg here.
std::set<std::string> InstalledPackages() {
  std::set<std::string> installed;
  std::ifstream file(kPackages);
  std::map<std::string, std::string> fields;
  std::string line;
  const auto take = [&] {
    if (fields["Status"].ends_with(" installed")) {
      installed.insert(Text(fields["Package"], " ", fields["Version"], " ", fields["Architecture"]));
    }
    fields.clear();
  };
  while (std::getline(file, line)) {
    if (line.empty()) take();
    if (const size_t colon = line.find(": "); colon != std::string::npos && line[0] != ' ') {
      fields[line.substr(0, colon)] = line.substr(colon + 2);
    }
  }
  take();
  return installed;
}

StatusOr<std::string> DescribeEntry(const fs::directory_entry& entry, const std::string& relative) {
  std::error_code error;
  const fs::file_status status = entry.symlink_status(error);
  if (error) return absl::NotFoundError(Text(entry.path().string(), ": ", error.message()));
  if (fs::is_symlink(status)) return Text("link ", relative, " ", fs::read_symlink(entry.path(), error).string());
  if (fs::is_directory(status)) return Text("directory ", relative);
  if (!fs::is_regular_file(status)) return Text("other ", relative);
  ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(entry.path().string()));
  const bool executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
  return Text(executable ? "program " : "file ", relative, " ", digest.hex());
}

StatusOr<Digest> DigestOfTree(const std::string& root) {
  std::set<std::string> lines;
  std::error_code error;
  fs::recursive_directory_iterator entries(root, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    const std::string relative = entries->path().lexically_relative(root).string();
    ASSIGN_OR_RETURN(std::string line, DescribeEntry(*entries, relative));
    lines.insert(std::move(line));
    if (lines.size() > kRuntimeFiles) {
      return absl::ResourceExhaustedError(Text(root, ": more than ", kRuntimeFiles, " files; bind less as runtime"));
    }
  }
  if (error) return absl::NotFoundError(Text(root, ": ", error.message()));
  Sha256Hasher hasher;
  for (const std::string& line : lines) {
    hasher.Update(line);
    hasher.Update(std::string_view("\0", 1));
  }
  return hasher.Finish();
}

class Lines {
 public:
  template <typename... Pieces>
  void Add(std::string_view name, const Pieces&... pieces) {
    text_ += Text(name, " ", pieces..., "\n");
  }
  std::string& text() { return text_; }

 private:
  std::string text_ = "anamnesis-sandbox-environment/1\n";
};

Status AddRuntime(const std::vector<std::string>& runtime, Lines& lines) {
  const std::set<std::string> packages = InstalledPackages();
  Sha256Hasher hasher;
  for (const std::string& package : packages) hasher.Update(package + "\n");
  if (!packages.empty()) lines.Add("debian_packages", packages.size(), " ", hasher.Finish().hex());
  for (const std::string& directory : runtime) {
    if (directory.starts_with("/usr/") && !packages.empty()) {
      lines.Add("runtime", directory, " packages");
      continue;
    }
    ASSIGN_OR_RETURN(const Digest digest, DigestOfTree(directory));
    lines.Add("runtime", directory, " ", digest.hex());
  }
  return OkStatus();
}

void AddLimits(const SandboxLimits& limits, Lines& lines) {
  lines.Add("address_space_bytes", limits.address_space_bytes);
  lines.Add("cpu_seconds", limits.cpu_seconds);
  lines.Add("file_bytes", limits.file_bytes);
  lines.Add("open_files", limits.open_files);
  lines.Add("processes", limits.processes);
  lines.Add("memory_total_bytes", limits.memory_total_bytes);
  lines.Add("result_bytes", limits.result_bytes);
  lines.Add("scratch_bytes", limits.scratch_bytes);
  lines.Add("output_bytes", limits.output_bytes);
  lines.Add("wall_milliseconds", limits.wall.count());
}

// bubblewrap's arguments for a program without inputs, with the directory of this process left out.
std::string GivenArguments(const Sandbox& sandbox) {
  std::string all;
  const std::vector<std::string> list = sandbox.Arguments({}, sandbox.settings().limits);
  for (size_t i = 0; i < list.size(); ++i) all += Text(i > 0 && list[i - 1] == "--bind" ? "RESULT" : list[i], "\n");
  return all;
}

}  // namespace

StatusOr<SandboxEnvironment> DescribeEnvironment(const Sandbox& sandbox) {
  Lines lines;
  ASSIGN_OR_RETURN(const std::string version, VersionOf(sandbox.settings().bubblewrap));
  ASSIGN_OR_RETURN(const Digest program, DigestOfFile(sandbox.settings().bubblewrap));
  lines.Add("bubblewrap", version, " ", program.hex());
  lines.Add("arguments", Sha256(GivenArguments(sandbox)).hex());
  utsname kernel = {};
  if (::uname(&kernel) != 0) return ErrnoStatus("uname");
  lines.Add("kernel", kernel.sysname, " ", kernel.release, " ", kernel.machine);
  lines.Add("seccomp", sandbox.filter().size(), " ", Sha256(sandbox.filter()).hex());
  lines.Add("cgroup", sandbox.cgroup() ? Text("version ", sandbox.cgroup()->version) : "none");
  AddLimits(sandbox.settings().limits, lines);
  RETURN_IF_ERROR(AddRuntime(sandbox.settings().runtime, lines));
  SandboxEnvironment environment;
  environment.text = std::move(lines.text());
  environment.digest = Sha256(environment.text);
  return environment;
}

}  // namespace anamnesis
