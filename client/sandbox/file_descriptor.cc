#include "client/sandbox/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace anamnesis {

void FileDescriptor::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Status ErrnoStatus(std::string_view what) { return ErrnoStatus(what, errno); }

Status ErrnoStatus(std::string_view what, int error) {
  return absl::InternalError(Text(what, ": ", std::generic_category().message(error)));
}

StatusOr<std::string> ReadAll(int fd, std::string_view name, uint64_t max_bytes) {
  std::string bytes;
  std::string chunk(65536, '\0');
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(name);
    if (got == 0) return bytes;
    bytes.append(chunk, 0, static_cast<size_t>(got));
    if (bytes.size() > max_bytes) {
      return absl::ResourceExhaustedError(Text(name, " is longer than ", max_bytes, " bytes"));
    }
  }
}

StatusOr<std::string> ReadAll(const std::string& path, uint64_t max_bytes) {
  // A pipe under the name of a file has nothing to read, and nobody waits for whoever may write to it.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) return absl::NotFoundError(ErrnoStatus(path).message());
  return ReadAll(file.get(), path, max_bytes);
}

}  // namespace anamnesis
