#ifndef ANAMNESIS_LEDGER_OBJECTS_FILE_IO_H_
#define ANAMNESIS_LEDGER_OBJECTS_FILE_IO_H_

// The system calls on files with a Status that names the path and what was being done: NOT_FOUND when there is no such
// file, RESOURCE_EXHAUSTED when the disk, a quota or a limit of file sizes is full, otherwise INTERNAL. Safe from any
// thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/base/status.h"

namespace anamnesis {

// A file descriptor that is closed when its owner goes; negative for none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Of the system call that failed just now.
Status SystemError(std::string_view path, std::string_view what);

// `flags` as open(2) takes them; close-on-exec is added.
StatusOr<Descriptor> OpenFile(const std::string& path, int flags, unsigned mode = 0);
// The file's size in bytes.
StatusOr<uint64_t> SizeOf(int fd, std::string_view path);
// All of `bytes` from where the descriptor stands.
Status WriteAll(int fd, std::string_view path, std::string_view bytes);
// Up to `count` bytes from `offset` on; fewer only at the end of the file.
StatusOr<std::string> ReadAt(int fd, std::string_view path, uint64_t offset, size_t count);
// Returns when the file's bytes, or the directory's entries, are on the disk.
Status SyncFile(int fd, std::string_view path);
Status SyncDirectory(const std::string& path);
// Makes the directory, if it isn't there, durably, for its owner only: in it are people's data, and what erases these
// relies on nobody else having read them. One that is there already stays as whoever made it wanted it. Its parent must
// be there.
Status MakeDirectory(const std::string& path);
// Its parents too, as the umask says.
Status MakeDirectoryAndParents(const std::string& path);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_OBJECTS_FILE_IO_H_
