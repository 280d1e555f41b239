#include "client/exports/directory.h"

#include <array>
#include <filesystem>
#include <fstream>

#include "ledger/crypto/sha256.h"

namespace anamnesis::exports {

StatusOr<std::map<std::string, uint64_t>> ListFiles(const std::string& dir) {
  namespace fs = std::filesystem;
  std::map<std::string, uint64_t> files;
  std::error_code error;
  fs::recursive_directory_iterator walk(dir, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    const fs::file_status status = walk->symlink_status(error);
    if (error || fs::is_directory(status)) continue;
    const std::string name = walk->path().lexically_relative(dir).generic_string();
    if (!fs::is_regular_file(status)) return absl::InvalidArgumentError(Text(dir, "/", name, ": is no plain file"));
    files[name] = walk->file_size(error);
  }
  if (error) return absl::InvalidArgumentError(Text(dir, ": ", error.message()));
  return files;
}

StatusOr<std::string> ReadWhole(const std::string& path, uint64_t bytes_max) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) return absl::InvalidArgumentError(Text(path, ": ", error.message()));
  if (size > bytes_max) return absl::InvalidArgumentError(Text(path, ": has ", size, " bytes, more than ", bytes_max));
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  if (!file) return absl::InvalidArgumentError(Text(path, ": can't be read"));
  return bytes;
}

StatusOr<ManifestEntry> MeasureFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(Text(path, ": can't be read"));
  Sha256Hasher hasher;
  ManifestEntry entry;
  std::array<char, 64 * 1024> block;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    hasher.Update({block.data(), static_cast<size_t>(file.gcount())});
    entry.size += static_cast<uint64_t>(file.gcount());
  }
  entry.sha256 = hasher.Finish();
  return entry;
}

}  // namespace anamnesis::exports
