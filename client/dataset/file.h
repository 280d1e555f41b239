#ifndef ANAMNESIS_CLIENT_DATASET_FILE_H_
#define ANAMNESIS_CLIENT_DATASET_FILE_H_

// Files as member files need them: read and written at offsets, whole or not at all. One thread at a time. What fails
// names the path: INVALID_ARGUMENT when it can't be opened, ALREADY_EXISTS, RESOURCE_EXHAUSTED when the disk is full,
// FAILED_PRECONDITION, and INTERNAL for what else the system says.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

// An open file. Moved, not copied; closed with its owner.
class File {
 public:
  // For reading. "-" is standard input, which can only be read from its front.
  static StatusOr<File> Open(const std::string& path);
  // For reading and writing what is there. INVALID_ARGUMENT for a symbolic link.
  static StatusOr<File> OpenForOverwriting(const std::string& path);
  // For reading and writing, on the file system of `directory`, without a name: nothing is left of it, whatever ends
  // the process.
  static StatusOr<File> OpenNameless(const std::string& directory);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }
  StatusOr<uint64_t> Size() const;

  // The next bytes of a file that is read from front to back, at most `bytes`; none at its end.
  StatusOr<size_t> Read(char* out, size_t bytes);
  // Exactly `bytes` bytes; DATA_LOSS when the file ends before.
  Status ReadAt(uint64_t offset, char* out, size_t bytes) const;
  StatusOr<std::string> ReadAt(uint64_t offset, size_t bytes) const;
  Status WriteAt(uint64_t offset, std::string_view bytes);
  Status Sync();

 private:
  friend class NewFile;
  File(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_ = -1;
};

// A file in the making, readable by its owner only, on the file system where it will be. It has no name until it is put
// in its place, so that nothing is left of it, whatever ends the process; where a file system can't do that, it has the
// name PATH.new-XXXXXX and is removed with its owner.
class NewFile {
 public:
  static StatusOr<NewFile> Make(const std::string& path);

  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  File& file() { return file_; }

  // Syncs it and puts it in its place, durably. ALREADY_EXISTS when something is there.
  Status PutInPlace();
  // The same, in place of what is there.
  Status Replace();

 private:
  NewFile(std::string path, std::string name, File file)
      : path_(std::move(path)), name_(std::move(name)), file_(std::move(file)) {}
  // Gives it a name that is free.
  Status LinkTo(const std::string& name);

  std::string path_;
  // Empty while it has none.
  std::string name_;
  File file_;
};

// Takes away the file's name.
Status RemoveName(const std::string& path);
// "." for a path without one.
std::string DirectoryOf(const std::string& path);

// Reads a region of a file from front to back through a buffer. Borrows `file`.
class SequentialReader {
 public:
  SequentialReader(const File& file, uint64_t offset, uint64_t end, size_t buffer_bytes)
      : file_(file), offset_(offset), end_(end), buffer_bytes_(buffer_bytes) {}

  // Exactly `bytes` bytes, borrowed until the next call. DATA_LOSS when the region ends before.
  StatusOr<std::string_view> Take(size_t bytes);
  bool AtEnd() const { return offset_ == end_ && taken_ == buffer_.size(); }

 private:
  const File& file_;
  uint64_t offset_;
  uint64_t end_;
  size_t buffer_bytes_;
  std::string buffer_;
  size_t taken_ = 0;
};

// Writes to a region of a file from front to back through a buffer. Borrows `file`.
class SequentialWriter {
 public:
  SequentialWriter(File& file, uint64_t offset, size_t buffer_bytes)
      : file_(file), flushed_to_(offset), buffer_bytes_(buffer_bytes) {}

  Status Append(std::string_view bytes);
  Status Flush();
  // Where the next byte goes in the file.
  uint64_t position() const { return flushed_to_ + buffer_.size(); }

 private:
  File& file_;
  uint64_t flushed_to_;
  size_t buffer_bytes_;
  std::string buffer_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_FILE_H_
