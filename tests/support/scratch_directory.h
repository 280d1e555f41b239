#ifndef ANAMNESIS_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
#define ANAMNESIS_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "ledger/base/check.h"

namespace anamnesis {

// A directory that no other process and no other test of this one uses, and that is removed again. Tests of one program
// run beside each other, each in a process of its own: a name that two of them share is a test that fails now and then.
class ScratchDirectory {
 public:
  enum class Where {
    kMemory,  // where there is such a place: for tests that make thousands of small databases
    kDisk,    // for what memory can't hold or does not do
  };

  explicit ScratchDirectory(Where where = Where::kMemory) {
    const std::filesystem::path memory = "/dev/shm";
    const bool in_memory = where == Where::kMemory && access(memory.c_str(), W_OK) == 0;
    path_ = ((in_memory ? memory : std::filesystem::temp_directory_path()) / "anamnesis-XXXXXX").string();
    CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
