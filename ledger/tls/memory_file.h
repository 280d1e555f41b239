#ifndef ANAMNESIS_LEDGER_TLS_MEMORY_FILE_H_
#define ANAMNESIS_LEDGER_TLS_MEMORY_FILE_H_

// A file that is nowhere on disk, for a library that only reads files: bytes under a path of this process that are
// replaced all at once.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

// Used by one thread; whoever opens path() meanwhile reads the bytes before or after a replacement, never a mixture.
class MemoryFile {
 public:
  MemoryFile() = default;
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // UNAVAILABLE when the process can't have another file or the memory; what was there stays.
  Status Replace(std::string_view bytes);
  // "/proc/self/fd/N", the same for the life of this. REQUIRES: Replace succeeded once.
  std::string path() const;

 private:
  int fd_ = -1;
  // How often it was replaced: the file's time of modification in seconds, so that two versions never have the same.
  int64_t version_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_TLS_MEMORY_FILE_H_
