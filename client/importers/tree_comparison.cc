#include "client/importers/tree_comparison.h"

namespace anamnesis {

std::string JoinPath(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : Text(folder, "/", name);
}

Status TreeComparison::CompareTrees(const git_oid* before, const git_oid* after, const std::string& folder,
                                    size_t depth) {
  if (depth > kGitDepthMax) {
    return absl::InvalidArgumentError(Text("has folders nested deeper than ", kGitDepthMax));
  }
  if (before != nullptr && after != nullptr && known_folders_.count(folder) != 0) known_changed_.insert(folder);
  GitPtr<git_tree> old_tree;
  GitPtr<git_tree> new_tree;
  if (before != nullptr) {
    ASSIGN_OR_RETURN(old_tree, repository_.Tree(*before));
  }
  if (after != nullptr) {
    ASSIGN_OR_RETURN(new_tree, repository_.Tree(*after));
  }
  RETURN_IF_ERROR(CompareEntries(new_tree.get(), old_tree.get(), false, folder, depth));
  return CompareEntries(old_tree.get(), new_tree.get(), true, folder, depth);
}

// The entries of `tree` that differ in `other`; with `removed`, only those that `other` lacks.
Status TreeComparison::CompareEntries(const git_tree* tree, const git_tree* other, bool removed,
                                      const std::string& folder, size_t depth) {
  const size_t count = tree == nullptr ? 0 : git_tree_entrycount(tree);
  entries_ += count;
  if (entries_ > kGitEntriesPerCommitMax) {
    return absl::InvalidArgumentError(Text("changes folders with more than ", kGitEntriesPerCommitMax, " entries"));
  }
  for (size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
    const git_tree_entry* in_other =
        other == nullptr ? nullptr : git_tree_entry_byname(other, git_tree_entry_name(entry));
    if (in_other != nullptr && (removed || git_oid_equal(git_tree_entry_id(entry), git_tree_entry_id(in_other)) != 0)) {
      continue;
    }
    const std::string path = JoinPath(folder, git_tree_entry_name(entry));
    RETURN_IF_ERROR(removed ? TakeDifference(entry, nullptr, path, depth)
                            : TakeDifference(in_other, entry, path, depth));
  }
  return OkStatus();
}

Status TreeComparison::TakeDifference(const git_tree_entry* before, const git_tree_entry* after,
                                      const std::string& path, size_t depth) {
  const auto is = [](const git_tree_entry* entry, git_object_t type) {
    return entry != nullptr && git_tree_entry_type(entry) == type;
  };
  if (is(before, GIT_OBJECT_BLOB) || is(after, GIT_OBJECT_BLOB)) TakeFile(path);
  const git_oid* old_tree = is(before, GIT_OBJECT_TREE) ? git_tree_entry_id(before) : nullptr;
  const git_oid* new_tree = is(after, GIT_OBJECT_TREE) ? git_tree_entry_id(after) : nullptr;
  if (old_tree == nullptr && new_tree == nullptr) return OkStatus();
  return CompareTrees(old_tree, new_tree, path, depth + 1);
}

void TreeComparison::TakeFile(std::string_view path) {
  if (!path.ends_with(kBundleMetadata)) return;
  path.remove_suffix(kBundleMetadata.size());
  if (path.empty()) metadata_changed_.insert("");
  if (path.ends_with('/')) metadata_changed_.insert(std::string(path.substr(0, path.size() - 1)));
}

}  // namespace anamnesis
