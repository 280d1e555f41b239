#include "ledger/tls/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace anamnesis {
namespace {

Status Failed(std::string_view what) {
  return absl::UnavailableError(Text("a file in memory: ", what, ": ", std::generic_category().message(errno)));
}

Status Fill(int fd, std::string_view bytes, int64_t version) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failed("write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  const timespec times[2] = {{version, 0}, {version, 0}};
  return ::futimens(fd, times) == 0 ? OkStatus() : Failed("futimens");
}

}  // namespace

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status MemoryFile::Replace(std::string_view bytes) {
  const int fresh = ::memfd_create("anamnesis", MFD_CLOEXEC);
  if (fresh < 0) return Failed("memfd_create");
  Status done = Fill(fresh, bytes, version_ + 1);
  if (done.ok()) {
    ++version_;
    if (fd_ < 0) {
      fd_ = fresh;
      return OkStatus();
    }
    if (::dup3(fresh, fd_, O_CLOEXEC) < 0) done = Failed("dup3");
  }
  ::close(fresh);
  return done;
}

std::string MemoryFile::path() const { return Text("/proc/self/fd/", fd_); }

}  // namespace anamnesis
