#include "client/sandbox/result_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace anamnesis {

StatusOr<std::string> ResultDirectory::Read(const std::string& name, uint64_t max_bytes) const {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return absl::InvalidArgumentError(Text("result file \"", name, "\": a name without a slash is needed"));
  }
  const FileDescriptor file(
      ::openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.open()) {
    if (errno == ENOENT) return absl::NotFoundError(Text("the program wrote no /result/", name));
    if (errno == ELOOP) return absl::InvalidArgumentError(Text("/result/", name, " is a symbolic link"));
    return absl::InvalidArgumentError(ErrnoStatus(Text("/result/", name)).message());
  }
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return ErrnoStatus(Text("/result/", name));
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(Text("/result/", name, " is no regular file"));
  return ReadAll(file.get(), Text("/result/", name), max_bytes);
}

}  // namespace anamnesis
