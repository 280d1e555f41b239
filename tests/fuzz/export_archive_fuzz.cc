// The archive of an export: whatever is unpacked are plain files in the directory given, and packing them makes the
// same archive.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "client/exports/archive.h"
#include "client/exports/directory.h"
#include "ledger/base/check.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis::exports {
namespace {

void CheckArchive(const std::string& path, uint64_t size) {
  // Below it nothing is there but what was unpacked.
  static const ScratchDirectory root(ScratchDirectory::Where::kDisk);
  const std::string directory = root.path() + "/export";
  if (UnpackArchive(path, directory).ok()) {
    const auto files = ListFiles(directory);
    CHECK(files.ok());
    uint64_t bytes = 0;
    for (const auto& [name, size_of_file] : *files) bytes += size_of_file;
    CHECK(bytes <= size);
  }
  std::filesystem::remove_all(directory);
  CHECK(std::filesystem::is_empty(root.path()));
}

}  // namespace
}  // namespace anamnesis::exports

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int file = memfd_create("archive", MFD_CLOEXEC);
  CHECK(ftruncate(file, 0) == 0);
  CHECK(pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
  anamnesis::exports::CheckArchive(anamnesis::Text("/proc/self/fd/", file), size);
  return 0;
}
