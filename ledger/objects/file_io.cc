#include "ledger/objects/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace anamnesis {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Status SystemError(std::string_view path, std::string_view what) {
  const int code = errno;
  const std::string message = Text(path, ": ", what, ": ", std::generic_category().message(code));
  if (code == ENOENT) return absl::NotFoundError(message);
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

StatusOr<Descriptor> OpenFile(const std::string& path, int flags, unsigned mode) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (file.get() < 0) return SystemError(path, "opening");
  return file;
}

StatusOr<uint64_t> SizeOf(int fd, std::string_view path) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return SystemError(path, "looking at");
  return static_cast<uint64_t>(found.st_size);
}

Status WriteAll(int fd, std::string_view path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(path, "writing");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return OkStatus();
}

StatusOr<std::string> ReadAt(int fd, std::string_view path, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  size_t there = 0;
  while (there < count) {
    const ssize_t read = ::pread(fd, bytes.data() + there, count - there, static_cast<off_t>(offset + there));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return SystemError(path, "reading");
    if (read == 0) break;
    there += static_cast<size_t>(read);
  }
  bytes.resize(there);
  return bytes;
}

Status SyncFile(int fd, std::string_view path) { return ::fsync(fd) == 0 ? OkStatus() : SystemError(path, "syncing"); }

Status SyncDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(const Descriptor directory, OpenFile(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY));
  return SyncFile(directory.get(), path);
}

Status MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno != EEXIST) return SystemError(path, "making the directory");
    return OkStatus();
  }
  return SyncDirectory(std::filesystem::path(path).parent_path().string());
}

Status MakeDirectoryAndParents(const std::string& path) {
  std::filesystem::path whole = std::filesystem::path(path).lexically_normal();
  // "a/" is the directory a.
  if (!whole.has_filename()) whole = whole.parent_path();
  std::error_code failed;
  if (whole.has_parent_path()) std::filesystem::create_directories(whole.parent_path(), failed);
  if (failed) return absl::InternalError(Text(path, ": making the directories above it: ", failed.message()));
  return MakeDirectory(whole.string());
}

}  // namespace anamnesis
