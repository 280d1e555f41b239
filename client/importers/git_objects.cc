#include "client/importers/git_objects.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "ledger/base/time.h"

namespace anamnesis {
namespace {

Status GitError(int code, std::string_view what) {
  const git_error* error = git_error_last();
  const std::string text = Text(what, ": ", error == nullptr ? "libgit2 gives no reason" : error->message);
  if (code == GIT_ENOTFOUND) return absl::NotFoundError(text);
  if (code == GIT_EOWNER) return absl::FailedPreconditionError(text);
  return absl::UnknownError(text);
}

}  // namespace

StatusOr<std::unique_ptr<GitRepository>> GitRepository::Open(const std::string& path) {
  if (const int code = git_libgit2_init(); code < 0) return GitError(code, "libgit2");
  // The destructor undoes the init above, also on the failures below.
  std::unique_ptr<GitRepository> opened(new GitRepository());
  git_repository* repository = nullptr;
  if (const int code = git_repository_open_ext(&repository, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
      code < 0) {
    return GitError(code, path);
  }
  opened->repository_.reset(repository);
  git_odb* objects = nullptr;
  if (const int code = git_repository_odb(&objects, repository); code < 0) return GitError(code, path);
  opened->objects_.reset(objects);
  return opened;
}

GitRepository::~GitRepository() {
  objects_.reset();
  repository_.reset();
  git_libgit2_shutdown();
}

StatusOr<std::vector<git_oid>> GitRepository::FirstParents(size_t limit, bool& complete) const {
  git_oid id;
  if (git_reference_name_to_id(&id, repository_.get(), "HEAD") < 0) {
    return absl::FailedPreconditionError("the repository's HEAD names no commit; check out a branch that has commits");
  }
  std::vector<git_oid> ids;
  for (complete = true;;) {
    StatusOr<GitPtr<git_commit>> commit = Commit(id);
    if (!commit.ok() && ids.empty()) return commit.status();
    if (!commit.ok()) complete = false;
    if (!commit.ok()) break;
    if (ids.size() >= limit) {
      return absl::InvalidArgumentError(Text("the history has more than ", limit, " commits"));
    }
    ids.push_back(id);
    const git_oid* parent = git_commit_parent_id(commit->get(), 0);
    if (parent == nullptr) break;
    id = *parent;
  }
  std::reverse(ids.begin(), ids.end());
  return ids;
}

StatusOr<GitPtr<git_commit>> GitRepository::Commit(const git_oid& id) const {
  git_commit* commit = nullptr;
  if (const int code = git_commit_lookup(&commit, repository_.get(), &id); code < 0) {
    return GitError(code, Text("commit ", GitIdText(id)));
  }
  return GitPtr<git_commit>(commit);
}

StatusOr<GitPtr<git_tree>> GitRepository::Tree(const git_oid& id) const {
  git_tree* tree = nullptr;
  if (const int code = git_tree_lookup(&tree, repository_.get(), &id); code < 0) {
    return GitError(code, Text("tree ", GitIdText(id)));
  }
  return GitPtr<git_tree>(tree);
}

StatusOr<uint64_t> GitRepository::BlobSize(const git_oid& id) const {
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int code = git_odb_read_header(&size, &type, objects_.get(), &id); code < 0) {
    return GitError(code, Text("blob ", GitIdText(id)));
  }
  return uint64_t{size};
}

StatusOr<std::string> GitRepository::BlobBytes(const git_oid& id, size_t limit) const {
  ASSIGN_OR_RETURN(const uint64_t size, BlobSize(id));
  if (size > limit) return absl::InvalidArgumentError(Text("has ", size, " bytes; at most ", limit, " are read"));
  git_blob* found = nullptr;
  if (const int code = git_blob_lookup(&found, repository_.get(), &id); code < 0) {
    return GitError(code, Text("blob ", GitIdText(id)));
  }
  const GitPtr<git_blob> blob(found);
  return std::string(static_cast<const char*>(git_blob_rawcontent(found)),
                     static_cast<size_t>(git_blob_rawsize(found)));
}

GitPtr<git_tree_entry> EntryAt(const git_tree& tree, const std::string& path) {
  git_tree_entry* entry = nullptr;
  if (git_tree_entry_bypath(&entry, &tree, path.c_str()) < 0) return nullptr;
  return GitPtr<git_tree_entry>(entry);
}

std::string GitIdText(const git_oid& id) {
  char text[GIT_OID_HEXSZ + 1];
  return git_oid_tostr(text, sizeof(text), &id);
}

std::string GitTimeText(const git_time& time) {
  constexpr int kMinutesPerDay = 24 * 60;
  const bool in_range = time.time >= kTimestampMin.us / 1000000 && time.time < kTimestampLimit.us / 1000000;
  if (!in_range) return Text(time.time, " seconds after 1970");
  // An offset of a day or more is damage; the point in time is not affected by it.
  const int offset = time.offset > -kMinutesPerDay && time.offset < kMinutesPerDay ? time.offset : 0;
  std::string text = FormatTime(Timestamp((time.time + int64_t{offset} * 60) * 1000000));
  text.pop_back();
  const int minutes = offset < 0 ? -offset : offset;
  return text + absl::StrFormat("%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace anamnesis
