#include "ledger/engine/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace anamnesis {
namespace {

constexpr size_t kSmallFileBytesMax = 1u << 20;

Status SystemError(const std::string& path, std::string_view what) {
  const int code = errno;
  const std::string message = Text(path, ": ", what, ": ", std::strerror(code));
  if (code == ENOENT) return absl::NotFoundError(message);
  if (code == ENOSPC || code == EDQUOT) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

// A file descriptor that is closed.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status WriteAll(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(path, "writing");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return ::fsync(fd) == 0 ? OkStatus() : SystemError(path, "syncing");
}

Status SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const Descriptor directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return SystemError(parent, "syncing");
  return OkStatus();
}

}  // namespace

StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return SystemError(path, "opening");
  std::string bytes;
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(file.get(), buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(path, "reading");
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(count));
    if (bytes.size() > kSmallFileBytesMax) return absl::InternalError(Text(path, ": larger than a mebibyte"));
  }
}

Status WriteSmallFile(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) return SystemError(temporary, "creating");
    RETURN_IF_ERROR(WriteAll(file.get(), temporary, bytes));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return SystemError(path, "replacing");
  return SyncDirectoryOf(path);
}

Status RemoveSmallFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError(path, "removing");
  return SyncDirectoryOf(path);
}

}  // namespace anamnesis
