#include "client/cpp/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/keys/random.h"

namespace anamnesis {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

Status CheckRelativePath(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(Text("path: \"", path.substr(0, 200), "\" ", why));
  };
  if (path.starts_with('/')) return refuse("is absolute");
  if (path.find('\0') != std::string_view::npos) return refuse("holds a zero byte");
  for (size_t start = 0; start <= path.size();) {
    const size_t slash = std::min(path.find('/', start), path.size());
    const std::string_view component = path.substr(start, slash - start);
    if (component.empty()) return refuse("has an empty component");
    if (component == "." || component == "..") return refuse("has a component that is \".\" or \"..\"");
    start = slash + 1;
  }
  return OkStatus();
}

FileInTree::FileInTree(Descriptor directory, Descriptor file, std::string path, std::string name, std::string temporary)
    : directory_(std::move(directory)),
      file_(std::move(file)),
      path_(std::move(path)),
      name_(std::move(name)),
      temporary_(std::move(temporary)) {}

FileInTree::~FileInTree() {
  if (!temporary_.empty()) ::unlinkat(directory_.get(), temporary_.c_str(), 0);
}

Status FileInTree::Write(std::string_view bytes) { return WriteAll(file_.get(), path_, bytes); }

Status FileInTree::Restart() {
  if (::ftruncate(file_.get(), 0) == 0 && ::lseek(file_.get(), 0, SEEK_SET) == 0) return OkStatus();
  return SystemError(path_, "emptying");
}

Status FileInTree::Commit() {
  RETURN_IF_ERROR(SyncFile(file_.get(), path_));
  if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name_.c_str()) != 0) {
    return SystemError(path_, "replacing");
  }
  temporary_.clear();
  return SyncFile(directory_.get(), path_);
}

StatusOr<FileTree> FileTree::Open(const std::string& dir) {
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed) return absl::InvalidArgumentError(Text(dir, ": making the directory: ", failed.message()));
  ASSIGN_OR_RETURN(Descriptor root, OpenFile(dir, O_RDONLY | O_DIRECTORY));
  return FileTree(dir, std::move(root));
}

StatusOr<Descriptor> FileTree::OpenParent(std::string_view& path) const {
  Descriptor directory(::openat(root_.get(), ".", kDirectoryFlags));
  if (directory.get() < 0) return SystemError(dir_, "opening");
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    const std::string name(path.substr(0, slash));
    if (::mkdirat(directory.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
      return SystemError(Text(dir_, "/…/", name), "making the directory");
    }
    Descriptor next(::openat(directory.get(), name.c_str(), kDirectoryFlags));
    if (next.get() < 0 && (errno == ELOOP || errno == ENOTDIR)) {
      return absl::InvalidArgumentError(
          Text("path: its component \"", name, "\" below ", dir_, " is a symbolic link or no directory"));
    }
    if (next.get() < 0) return SystemError(Text(dir_, "/…/", name), "opening");
    directory = std::move(next);
    path.remove_prefix(slash + 1);
  }
  return directory;
}

StatusOr<std::unique_ptr<FileInTree>> FileTree::Create(std::string_view path) const {
  RETURN_IF_ERROR(CheckRelativePath(path));
  std::string_view name = path;
  ASSIGN_OR_RETURN(Descriptor directory, OpenParent(name));
  std::array<uint8_t, 12> random;
  FillRandom(random);
  const std::string temporary = ".new-" + HexEncode({reinterpret_cast<const char*>(random.data()), random.size()});
  const std::string whole = Text(dir_, "/", path);
  Descriptor file(
      ::openat(directory.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (file.get() < 0) return SystemError(whole, "creating");
  return std::make_unique<FileInTree>(std::move(directory), std::move(file), whole, std::string(name), temporary);
}

}  // namespace anamnesis
