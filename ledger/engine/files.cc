#include "ledger/engine/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "ledger/objects/file_io.h"

namespace anamnesis {
namespace {

constexpr size_t kSmallFileBytesMax = 1u << 20;

}  // namespace

StatusOr<std::string> ReadSmallFile(const std::string& path) {
  ASSIGN_OR_RETURN(const Descriptor file, OpenFile(path, O_RDONLY));
  ASSIGN_OR_RETURN(std::string bytes, ReadAt(file.get(), path, 0, kSmallFileBytesMax + 1));
  if (bytes.size() > kSmallFileBytesMax) return absl::InternalError(Text(path, ": larger than a mebibyte"));
  return bytes;
}

Status WriteSmallFile(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  {
    ASSIGN_OR_RETURN(const Descriptor file, OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    RETURN_IF_ERROR(WriteAll(file.get(), temporary, bytes));
    RETURN_IF_ERROR(SyncFile(file.get(), temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return SystemError(path, "replacing");
  return SyncDirectory(std::filesystem::path(path).parent_path().string());
}

Status RemoveSmallFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError(path, "removing");
  return SyncDirectory(std::filesystem::path(path).parent_path().string());
}

}  // namespace anamnesis
