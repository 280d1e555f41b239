#ifndef ANAMNESIS_CLIENT_SANDBOX_RESULT_DIRECTORY_H_
#define ANAMNESIS_CLIENT_SANDBOX_RESULT_DIRECTORY_H_

// What a run left in /result. It was written by a program that is not trusted: only regular files directly in it are
// read, by the names that the caller expects, and no link is followed. One thread at a time.

#include <string>

#include "client/sandbox/file_descriptor.h"

namespace anamnesis {

class ResultDirectory {
 public:
  ResultDirectory() = default;
  explicit ResultDirectory(FileDescriptor directory) : directory_(std::move(directory)) {}

  // NOT_FOUND: no such file. INVALID_ARGUMENT: the name has a slash; it is a link, a directory or something else that
  // is no regular file; it can't be opened. RESOURCE_EXHAUSTED: longer than `max_bytes`.
  StatusOr<std::string> Read(const std::string& name, uint64_t max_bytes) const;

 private:
  FileDescriptor directory_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_RESULT_DIRECTORY_H_
