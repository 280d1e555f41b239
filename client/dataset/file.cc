#include "client/dataset/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace anamnesis {
namespace {

constexpr std::string_view kNewEnding = ".new-XXXXXX";

Status SystemError(const std::string& path, std::string_view what) {
  const int code = errno;
  const std::string message = Text(path, ": ", what, ": ", std::generic_category().message(code));
  if (code == ENOSPC || code == EDQUOT) return absl::ResourceExhaustedError(message);
  return code == EEXIST ? absl::AlreadyExistsError(message) : absl::InternalError(message);
}

// A path that a person gave can be wrong in ways that are theirs to mend.
Status OpenError(const std::string& path, std::string_view what) {
  const Status status = SystemError(path, what);
  return absl::IsResourceExhausted(status) ? status : absl::InvalidArgumentError(status.message());
}

Status SyncDirectoryOf(const std::string& path) {
  const int directory = ::open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return SystemError(DirectoryOf(path), "opening");
  const Status synced = ::fsync(directory) == 0 ? OkStatus() : SystemError(DirectoryOf(path), "syncing");
  ::close(directory);
  return synced;
}

constexpr int kNotSupported = -2;

// A file without a name that can be given one. kNotSupported where the file system has no such files, -1 with errno for
// other failures.
int OpenUnlinked(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor >= 0) return descriptor;
  return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL ? kNotSupported : -1;
}

}  // namespace

std::string DirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

Status RemoveName(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? OkStatus() : SystemError(path, "removing it");
}

StatusOr<File> File::Open(const std::string& path) {
  if (path == "-") {
    const int descriptor = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0) return OpenError("standard input", "opening");
    return File("standard input", descriptor);
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return OpenError(path, "opening");
  return File(path, descriptor);
}

StatusOr<File> File::OpenForOverwriting(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0 && errno == ELOOP) {
    return absl::InvalidArgumentError(Text(path, ": is a symbolic link; name the file that it leads to"));
  }
  if (descriptor < 0) return OpenError(path, "opening");
  return File(path, descriptor);
}

StatusOr<File> File::OpenNameless(const std::string& directory) {
  int descriptor = OpenUnlinked(directory);
  if (descriptor == kNotSupported) {
    std::string name = Text(directory, "/sort", kNewEnding);
    descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor >= 0) ::unlink(name.c_str());
  }
  if (descriptor < 0) return OpenError(directory, "making a temporary file");
  return File(Text("a temporary file in ", directory), descriptor);
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

StatusOr<uint64_t> File::Size() const {
  struct stat info;
  if (::fstat(descriptor_, &info) != 0) return SystemError(path_, "reading its size");
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(Text(path_, ": is not a regular file"));
  return static_cast<uint64_t>(info.st_size);
}

StatusOr<size_t> File::Read(char* out, size_t bytes) {
  while (true) {
    const ssize_t count = ::read(descriptor_, out, bytes);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno == EISDIR) return absl::InvalidArgumentError(Text(path_, ": is a directory"));
    if (errno != EINTR) return SystemError(path_, "reading");
  }
}

Status File::ReadAt(uint64_t offset, char* out, size_t bytes) const {
  while (bytes > 0) {
    const ssize_t count = ::pread(descriptor_, out, bytes, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(path_, "reading");
    if (count == 0) return absl::DataLossError(Text(path_, ": ends at byte ", offset, ", in the middle of something"));
    out += count;
    offset += static_cast<uint64_t>(count);
    bytes -= static_cast<size_t>(count);
  }
  return OkStatus();
}

StatusOr<std::string> File::ReadAt(uint64_t offset, size_t bytes) const {
  std::string out(bytes, '\0');
  RETURN_IF_ERROR(ReadAt(offset, out.data(), bytes));
  return out;
}

Status File::WriteAt(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(path_, "writing");
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return OkStatus();
}

Status File::Sync() { return ::fsync(descriptor_) == 0 ? OkStatus() : SystemError(path_, "syncing"); }

StatusOr<NewFile> NewFile::Make(const std::string& path) {
  std::string name;
  int descriptor = OpenUnlinked(DirectoryOf(path));
  if (descriptor == kNotSupported) {
    name = Text(path, kNewEnding);
    descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  }
  if (descriptor < 0) return OpenError(path, "making it");
  return NewFile(path, std::move(name), File(path, descriptor));
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), name_(std::exchange(other.name_, "")), file_(std::move(other.file_)) {}

NewFile::~NewFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
}

Status NewFile::LinkTo(const std::string& name) {
  // Unlike a rename, a link never takes the place of something.
  if (!name_.empty()) return ::link(name_.c_str(), name.c_str()) == 0 ? OkStatus() : SystemError(name, "making it");
  const std::string self = Text("/proc/self/fd/", file_.descriptor());
  const int linked = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW);
  return linked == 0 ? OkStatus() : SystemError(name, "making it");
}

Status NewFile::PutInPlace() {
  RETURN_IF_ERROR(file_.Sync());
  RETURN_IF_ERROR(LinkTo(path_));
  if (!name_.empty() && ::unlink(std::exchange(name_, "").c_str()) != 0)
    return SystemError(path_, "removing its old name");
  return SyncDirectoryOf(path_);
}

Status NewFile::Replace() {
  RETURN_IF_ERROR(file_.Sync());
  if (name_.empty()) {
    std::string name = Text(path_, ".new-", ::getpid());
    RETURN_IF_ERROR(LinkTo(name));
    name_ = std::move(name);
  }
  if (::rename(name_.c_str(), path_.c_str()) != 0) return SystemError(path_, "replacing");
  name_.clear();
  return SyncDirectoryOf(path_);
}

StatusOr<std::string_view> SequentialReader::Take(size_t bytes) {
  if (buffer_.size() - taken_ < bytes) {
    buffer_.erase(0, taken_);
    taken_ = 0;
    const size_t kept = buffer_.size();
    const size_t wanted = std::max(bytes, buffer_bytes_) - kept;
    const auto more = static_cast<size_t>(std::min<uint64_t>(wanted, end_ - offset_));
    if (kept + more < bytes) return absl::DataLossError(Text(file_.path(), ": ends in the middle of a member"));
    buffer_.resize(kept + more);
    RETURN_IF_ERROR(file_.ReadAt(offset_, buffer_.data() + kept, more));
    offset_ += more;
  }
  const std::string_view taken = std::string_view(buffer_).substr(taken_, bytes);
  taken_ += bytes;
  return taken;
}

Status SequentialWriter::Append(std::string_view bytes) {
  buffer_.append(bytes);
  return buffer_.size() < buffer_bytes_ ? OkStatus() : Flush();
}

Status SequentialWriter::Flush() {
  RETURN_IF_ERROR(file_.WriteAt(flushed_to_, buffer_));
  flushed_to_ += buffer_.size();
  buffer_.clear();
  return OkStatus();
}

}  // namespace anamnesis
