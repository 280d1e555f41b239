#include "client/exports/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>

#include "client/cpp/file_tree.h"
#include "client/exports/directory.h"

namespace anamnesis::exports {
namespace {

constexpr size_t kBlockBytes = 64 * 1024;
constexpr int kFileMode = 0644;

struct WriterDeleter {
  void operator()(struct archive* writer) const { archive_write_free(writer); }
};
struct ReaderDeleter {
  void operator()(struct archive* reader) const { archive_read_free(reader); }
};
struct EntryDeleter {
  void operator()(struct archive_entry* entry) const { archive_entry_free(entry); }
};

Status Failed(struct archive* archive, const std::string& path) {
  const char* why = archive_error_string(archive);
  return absl::InvalidArgumentError(Text(path, ": ", why == nullptr ? "can't be read or written" : why));
}

struct Target {
  FileInTree& file;
  Status status;
};

la_ssize_t WriteToTarget(struct archive* writer, void* data, const void* bytes, size_t size) {
  auto& target = *static_cast<Target*>(data);
  target.status = target.file.Write({static_cast<const char*>(bytes), size});
  if (target.status.ok()) return static_cast<la_ssize_t>(size);
  archive_set_error(writer, EIO, "%s", std::string(MessageOf(target.status)).c_str());
  return -1;
}

Status PackFile(struct archive* writer, const std::string& dir, const std::string& name, uint64_t size,
                const std::string& path) {
  const std::unique_ptr<struct archive_entry, EntryDeleter> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<int64_t>(size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kFileMode);
  archive_entry_set_mtime(entry.get(), 0, 0);
  if (archive_write_header(writer, entry.get()) != ARCHIVE_OK) return Failed(writer, path);
  std::ifstream file(Text(dir, "/", name), std::ios::binary);
  std::array<char, kBlockBytes> block;
  uint64_t written = 0;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    const auto count = static_cast<size_t>(file.gcount());
    if (archive_write_data(writer, block.data(), count) != static_cast<la_ssize_t>(count)) return Failed(writer, path);
    written += count;
  }
  if (written != size) return absl::InvalidArgumentError(Text(dir, "/", name, ": changed while it was packed"));
  return OkStatus();
}

Status UnpackEntry(struct archive* reader, struct archive_entry* entry, const FileTree& tree, const std::string& path) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
    return absl::InvalidArgumentError(Text(path, ": holds something that is no plain file"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<FileInTree> file, tree.Create(name));
  std::array<char, kBlockBytes> block;
  la_ssize_t count;
  while ((count = archive_read_data(reader, block.data(), block.size())) > 0) {
    RETURN_IF_ERROR(file->Write({block.data(), static_cast<size_t>(count)}));
  }
  if (count < 0) return Failed(reader, path);
  return file->Commit();
}

}  // namespace

Status PackArchive(const std::string& dir, const std::string& path) {
  ASSIGN_OR_RETURN(const auto files, ListFiles(dir));
  // Under another name until it is whole and on disk.
  const std::filesystem::path place(path);
  const std::string parent = place.parent_path().string();
  ASSIGN_OR_RETURN(const FileTree tree, FileTree::Open(parent.empty() ? "." : parent));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileInTree> file, tree.Create(place.filename().string()));
  Target target = {*file, OkStatus()};
  const std::unique_ptr<struct archive, WriterDeleter> writer(archive_write_new());
  // Plain ustar but for what that can't hold: files of eight gibibytes and more.
  // It ends after the two blocks of zeros, without filling up a block of a tape.
  if (archive_write_set_format_pax_restricted(writer.get()) != ARCHIVE_OK ||
      archive_write_set_bytes_in_last_block(writer.get(), 1) != ARCHIVE_OK ||
      archive_write_open(writer.get(), &target, nullptr, WriteToTarget, nullptr) != ARCHIVE_OK) {
    return Failed(writer.get(), path);
  }
  const auto pack = [&]() -> Status {
    for (const auto& [name, size] : files) RETURN_IF_ERROR(PackFile(writer.get(), dir, name, size, path));
    return archive_write_close(writer.get()) == ARCHIVE_OK ? OkStatus() : Failed(writer.get(), path);
  };
  const Status packed = pack();
  RETURN_IF_ERROR(target.status);
  RETURN_IF_ERROR(packed);
  return file->Commit();
}

Status UnpackArchive(const std::string& path, const std::string& dir) {
  ASSIGN_OR_RETURN(const FileTree tree, FileTree::Open(dir));
  const std::unique_ptr<struct archive, ReaderDeleter> reader(archive_read_new());
  if (archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
      archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return Failed(reader.get(), path);
  }
  // A file whose size is larger than the archive (a hole) can't be: what is written is bounded by what is read.
  std::error_code error;
  const uint64_t bytes = std::filesystem::file_size(path, error);
  uint64_t unpacked = 0;
  struct archive_entry* entry = nullptr;
  int result;
  while ((result = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    unpacked += static_cast<uint64_t>(std::max<int64_t>(archive_entry_size(entry), 0));
    if (unpacked > bytes) return absl::InvalidArgumentError(Text(path, ": says that it holds more than it can"));
    RETURN_IF_ERROR(UnpackEntry(reader.get(), entry, tree, path));
  }
  if (result != ARCHIVE_EOF) return Failed(reader.get(), path);
  const std::string again = Text(dir, ".tar");
  const Status packed = PackArchive(dir, again);
  const StatusOr<ManifestEntry> now = MeasureFile(again);
  std::filesystem::remove(again, error);
  RETURN_IF_ERROR(packed);
  RETURN_IF_ERROR(now.status());
  ASSIGN_OR_RETURN(const ManifestEntry given, MeasureFile(path));
  if (given != *now) return absl::UnauthenticatedError(Text(path, ": was altered between its files"));
  return OkStatus();
}

}  // namespace anamnesis::exports
