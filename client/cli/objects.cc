#include "client/cli/objects.h"

#include <filesystem>

#include "client/cli/embedded_client.h"
#include "client/cpp/file_tree.h"
#include "ledger/engine/layout.h"

namespace anamnesis::cli {

void AddObjectsOptions(CLI::App& verb, Common& common, std::string& objects) {
  verb.add_option("--objects", objects, "with --ledger file:DIR: the object store's directory; default: DIR/objects")
      ->envname("ANAMNESIS_OBJECTS");
  AddWithinOption(verb, common);
}

StatusOr<std::unique_ptr<ObjectClient>> ConnectObjectStore(const Common& common, const std::string& objects) {
  if (!common.ledger.starts_with(kFilePrefix)) {
    return ConnectObjects(common.ledger, ObjectClientOptions{common.tls, common.append_within});
  }
  const std::string dir = common.ledger.substr(kFilePrefix.size());
  // The store of a ledger that isn't there would be made.
  std::error_code ignored;
  if (objects.empty() && !std::filesystem::is_directory(dir, ignored)) {
    return NotOpened(absl::NotFoundError(Text("no ledger in ", dir)));
  }
  StatusOr<std::unique_ptr<ObjectClient>> store = OpenObjects(objects.empty() ? ObjectsPath(dir) : objects);
  if (!store.ok()) return NotReached(store.status());
  return store;
}

Status FetchObject(ObjectClient& store, const Digest& digest, const std::string& dir, std::string_view path) {
  ASSIGN_OR_RETURN(const FileTree tree, FileTree::Open(dir));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileInTree> file, tree.Create(path));
  RETURN_IF_ERROR(store.Get(digest, *file));
  return file->Commit();
}

}  // namespace anamnesis::cli
