#ifndef ANAMNESIS_CLIENT_CPP_FILE_TREE_H_
#define ANAMNESIS_CLIENT_CPP_FILE_TREE_H_

// Files written below a directory at paths that others chose, which never lead out of it: not by "..", not by an
// absolute path and not by a symbolic link. A file is there whole or not at all; one that was there before is replaced.
// Used by one thread.

#include <memory>
#include <string>
#include <string_view>

#include "client/cpp/object_client.h"
#include "ledger/base/status.h"
#include "ledger/objects/file_io.h"

namespace anamnesis {

// INVALID_ARGUMENT, saying why, unless `path` is relative, with components between "/" that are neither empty nor "."
// nor
// "..".
Status CheckRelativePath(std::string_view path);

// A file that is being written under another name. Without Commit it is removed.
class FileInTree : public ObjectSink {
 public:
  FileInTree(Descriptor directory, Descriptor file, std::string path, std::string name, std::string temporary);
  ~FileInTree() override;
  FileInTree(const FileInTree&) = delete;
  FileInTree& operator=(const FileInTree&) = delete;

  Status Write(std::string_view bytes) override;
  Status Restart() override;
  // Gives it its name, durably.
  Status Commit();

 private:
  const Descriptor directory_;
  const Descriptor file_;
  const std::string path_;
  const std::string name_;
  std::string temporary_;
};

class FileTree {
 public:
  // Makes the directory, and those above it, when they aren't there.
  static StatusOr<FileTree> Open(const std::string& dir);

  // Makes the directories of `path` that aren't there. INVALID_ARGUMENT: as CheckRelativePath, or a component is a
  // symbolic link or no directory.
  StatusOr<std::unique_ptr<FileInTree>> Create(std::string_view path) const;

 private:
  FileTree(std::string dir, Descriptor root) : dir_(std::move(dir)), root_(std::move(root)) {}

  // The directory of `path`, whose last component is taken off.
  StatusOr<Descriptor> OpenParent(std::string_view& path) const;

  std::string dir_;
  Descriptor root_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_FILE_TREE_H_
