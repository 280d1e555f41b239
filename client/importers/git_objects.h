#ifndef ANAMNESIS_CLIENT_IMPORTERS_GIT_OBJECTS_H_
#define ANAMNESIS_CLIENT_IMPORTERS_GIT_OBJECTS_H_

// libgit2's objects as values with owners, bounded, and with its errors as Status. A GitRepository is used by one
// thread at a time; objects that it gave must not outlive it.

#include <git2.h>

#include <memory>
#include <string>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kGitCommitsMax = 1000000;
// Tree entries looked at for one commit, and for one bundle's folder.
inline constexpr size_t kGitEntriesPerCommitMax = 2000000;
inline constexpr size_t kGitFilesPerBundleMax = 20000;
inline constexpr size_t kGitDepthMax = 64;
inline constexpr size_t kGitBlobBytesMax = 4 * 1024 * 1024;

struct GitDelete {
  void operator()(git_repository* p) const { git_repository_free(p); }
  void operator()(git_commit* p) const { git_commit_free(p); }
  void operator()(git_tree* p) const { git_tree_free(p); }
  void operator()(git_tree_entry* p) const { git_tree_entry_free(p); }
  void operator()(git_blob* p) const { git_blob_free(p); }
  void operator()(git_odb* p) const { git_odb_free(p); }
};
template <typename T>
using GitPtr = std::unique_ptr<T, GitDelete>;

class GitRepository {
 public:
  // Opens the repository at `path` itself, bare or with a work tree; not one above it. NOT_FOUND when there is none,
  // FAILED_PRECONDITION when Git's rule about foreign owners forbids it.
  static StatusOr<std::unique_ptr<GitRepository>> Open(const std::string& path);
  ~GitRepository();
  GitRepository(const GitRepository&) = delete;
  GitRepository& operator=(const GitRepository&) = delete;

  // The first-parent history of HEAD, oldest first, at most `limit` commits. `complete` is false when an ancestor is
  // not there (a shallow clone); the history then starts after it. FAILED_PRECONDITION when there are no commits.
  StatusOr<std::vector<git_oid>> FirstParents(size_t limit, bool& complete) const;
  // NOT_FOUND, UNKNOWN or (too large) INVALID_ARGUMENT.
  StatusOr<GitPtr<git_commit>> Commit(const git_oid& id) const;
  StatusOr<GitPtr<git_tree>> Tree(const git_oid& id) const;
  StatusOr<std::string> BlobBytes(const git_oid& id, size_t limit) const;
  StatusOr<uint64_t> BlobSize(const git_oid& id) const;

 private:
  GitRepository() = default;
  GitPtr<git_repository> repository_;
  GitPtr<git_odb> objects_;
};

// The entry at a path below `tree`, or nullptr.
GitPtr<git_tree_entry> EntryAt(const git_tree& tree, const std::string& path);
std::string GitIdText(const git_oid& id);
// RFC 3339 in the signature's own zone; a text that is no time when it lies outside the years 1900 to 2199.
std::string GitTimeText(const git_time& time);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_GIT_OBJECTS_H_
