#ifndef ANAMNESIS_CLIENT_IMPORTERS_TREE_COMPARISON_H_
#define ANAMNESIS_CLIENT_IMPORTERS_TREE_COMPARISON_H_

// What differs between the trees of two commits, as far as bundles go. libgit2's own diff is not used because it can't
// be bounded: a few objects can describe a tree of billions of entries.

#include <set>
#include <string>
#include <string_view>

#include "client/importers/git_objects.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr std::string_view kBundleMetadata = "configs/metadata.json";

// `folder` and `name` as a path; an empty folder is the root.
std::string JoinPath(std::string_view folder, std::string_view name);

class TreeComparison {
 public:
  // `known_folders` are the bundle folders to watch. Both must outlive the comparison.
  TreeComparison(const GitRepository& repository, const std::set<std::string>& known_folders)
      : repository_(repository), known_folders_(known_folders) {}

  // Compares two trees without descending into what is equal; `before` may be null. INVALID_ARGUMENT outside a bound;
  // the answers below are then those found so far.
  Status Compare(const git_oid* before, const git_oid* after) { return CompareTrees(before, after, "", 0); }

  // The folders whose configs/metadata.json was added, changed or removed.
  const std::set<std::string>& metadata_changed() const { return metadata_changed_; }
  // The known folders that are in both trees and differ.
  const std::set<std::string>& known_changed() const { return known_changed_; }

 private:
  Status CompareTrees(const git_oid* before, const git_oid* after, const std::string& folder, size_t depth);
  Status CompareEntries(const git_tree* tree, const git_tree* other, bool removed, const std::string& folder,
                        size_t depth);
  Status TakeDifference(const git_tree_entry* before, const git_tree_entry* after, const std::string& path,
                        size_t depth);
  void TakeFile(std::string_view path);

  const GitRepository& repository_;
  const std::set<std::string>& known_folders_;
  std::set<std::string> metadata_changed_;
  std::set<std::string> known_changed_;
  size_t entries_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_TREE_COMPARISON_H_
