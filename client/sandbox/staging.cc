#include "client/sandbox/staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "client/sandbox/file_descriptor.h"
#include "ledger/objects/file_io.h"

namespace anamnesis {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kFirstIdentity = 2'000'000'000;
// Where the machine maps fewer users (some containers), the one that every machine has.
constexpr uid_t kNobody = 65534;

bool IsMapped(uid_t id) {
  std::ifstream map("/proc/self/uid_map");
  uint64_t first = 0, outside = 0, count = 0;
  while (map >> first >> outside >> count) {
    if (id >= first && id - first < count) return true;
  }
  return false;
}

}  // namespace

std::optional<uid_t> SandboxIdentity() {
  if (::geteuid() != 0) return std::nullopt;
  const uid_t own = kFirstIdentity + static_cast<uid_t>(::getpid());
  return IsMapped(own) ? own : kNobody;
}

bool StaysBelow(std::string_view relative) {
  if (relative.empty() || relative.find('\0') != std::string_view::npos) return false;
  for (;;) {
    const size_t slash = relative.find('/');
    const std::string_view part = relative.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    relative.remove_prefix(slash + 1);
  }
}

StatusOr<StagingDirectory> StagingDirectory::Make() {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  if (error) return absl::InternalError(Text("TMPDIR: ", error.message()));
  std::string pattern = (base / "anamnesis-sandbox-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return ErrnoStatus(pattern);
  StagingDirectory made;
  made.path_ = pattern;
  if (const std::optional<uid_t> identity = SandboxIdentity()) {
    if (::chown(pattern.c_str(), 0, *identity) != 0) return ErrnoStatus(pattern);
    if (::chmod(pattern.c_str(), 0750) != 0) return ErrnoStatus(pattern);
  }
  return made;
}

StagingDirectory::~StagingDirectory() {
  std::error_code error;
  if (!path_.empty()) fs::remove_all(path_, error);
}

Status StagingDirectory::AddDirectory(const std::string& relative) const {
  if (!StaysBelow(relative)) return absl::InvalidArgumentError(Text("\"", relative, "\" is no path below a directory"));
  fs::path path = path_;
  for (const fs::path& part : fs::path(relative)) {
    path /= part;
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(path.string());
    // Whatever this process's umask is.
    if (::chmod(path.c_str(), 0755) != 0) return ErrnoStatus(path.string());
  }
  return OkStatus();
}

Status StagingDirectory::AddFile(const std::string& relative, std::string_view bytes, bool executable) const {
  if (!StaysBelow(relative)) return absl::InvalidArgumentError(Text("\"", relative, "\" is no path below a directory"));
  const fs::path parent = fs::path(relative).parent_path();
  if (!parent.empty()) RETURN_IF_ERROR(AddDirectory(parent.string()));
  const std::string path = Text(path_, "/", relative);
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.open()) return ErrnoStatus(path);
  RETURN_IF_ERROR(WriteAll(file.get(), path, bytes));
  return ::fchmod(file.get(), executable ? 0755 : 0644) == 0 ? OkStatus() : ErrnoStatus(path);
}

}  // namespace anamnesis
