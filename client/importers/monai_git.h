#ifndef ANAMNESIS_CLIENT_IMPORTERS_MONAI_GIT_H_
#define ANAMNESIS_CLIENT_IMPORTERS_MONAI_GIT_H_

// Reads the history of a Git repository in the layout of MONAI's model zoo: a folder a bundle, known by its
// configs/metadata.json at any depth, with its large files listed in large_files.yml and published archives in
// model_info.json. Only the repository's objects are read: no work tree, no network, and nothing in it is run. Bounds
// are in git_objects.h.

#include <string>

#include "client/importers/bundle_version.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Walks the first-parent history of HEAD, oldest first. A version begins where a bundle's metadata.json appears or its
// `version` changes; what then lies in the bundle's folder are its facts. A bundle's name is its folder without a
// leading "models/". What can't be read of a commit becomes an entry of `unreadable`, and the rest is read. NOT_FOUND
// when `path` holds no repository, FAILED_PRECONDITION when it has no commits or may not be opened.
StatusOr<MonaiHistory> ReadMonaiGit(const std::string& path);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_MONAI_GIT_H_
