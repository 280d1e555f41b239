#ifndef ANAMNESIS_CLIENT_SANDBOX_FILE_DESCRIPTOR_H_
#define ANAMNESIS_CLIENT_SANDBOX_FILE_DESCRIPTOR_H_

// An open file descriptor that closes itself. One thread at a time.

#include <string_view>
#include <utility>

#include "ledger/base/status.h"

namespace anamnesis {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { Close(); }

  void Close();
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// INTERNAL: `what` and what errno says.
Status ErrnoStatus(std::string_view what);
Status ErrnoStatus(std::string_view what, int error);

// Reads all of a small file, also one of /proc whose size is said to be 0. RESOURCE_EXHAUSTED beyond `max_bytes`.
StatusOr<std::string> ReadAll(int fd, std::string_view name, uint64_t max_bytes);
// NOT_FOUND when it can't be opened.
StatusOr<std::string> ReadAll(const std::string& path, uint64_t max_bytes);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_FILE_DESCRIPTOR_H_
