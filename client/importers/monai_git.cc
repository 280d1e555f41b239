#include "client/importers/monai_git.h"

#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "client/importers/document.h"
#include "client/importers/git_objects.h"
#include "client/importers/tree_comparison.h"
#include "client/importers/weight_files.h"

namespace anamnesis {
namespace {

constexpr std::string_view kModelsFolder = "models/";
// The names that the model zoo has used.
constexpr const char* kLargeFileLists[] = {"large_files.yml", "large_files.yaml", "large_file.yml", "large_file.yaml"};
constexpr const char* kReleaseList = "models/model_info.json";

// One commit while it is read.
struct CommitView {
  std::string id;
  std::string author_date;
  std::string commit_date;
  git_oid tree_id{};
  GitPtr<git_tree> tree;

  std::string Place(std::string_view path) const {
    return Text("commit ", id, " ", IsUtf8(path) ? path : std::string_view("(a path that is not UTF-8)"));
  }
};

StatusOr<CommitView> ViewOf(const GitRepository& repository, const git_oid& id) {
  ASSIGN_OR_RETURN(const GitPtr<git_commit> commit, repository.Commit(id));
  CommitView view;
  view.id = GitIdText(id);
  view.author_date = GitTimeText(git_commit_author(commit.get())->when);
  view.commit_date = GitTimeText(git_commit_committer(commit.get())->when);
  view.tree_id = *git_commit_tree_id(commit.get());
  ASSIGN_OR_RETURN(view.tree, repository.Tree(view.tree_id));
  return view;
}

// Lists the files below a bundle's folder.
class FolderLister {
 public:
  FolderLister(const GitRepository& repository, std::vector<FileFact>& files)
      : repository_(repository), files_(files) {}

  Status List(const git_oid& tree_id, const std::string& folder, size_t depth = 0) {
    if (depth > kGitDepthMax) {
      return absl::InvalidArgumentError(Text("has folders nested deeper than ", kGitDepthMax));
    }
    ASSIGN_OR_RETURN(const GitPtr<git_tree> tree, repository_.Tree(tree_id));
    const size_t count = git_tree_entrycount(tree.get());
    entries_ += count;
    if (entries_ > kGitFilesPerBundleMax) {
      return absl::InvalidArgumentError(Text("has more than ", kGitFilesPerBundleMax, " files and folders"));
    }
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(Take(*git_tree_entry_byindex(tree.get(), i), folder, depth));
    }
    return OkStatus();
  }

  // Files that the repository names and doesn't hold.
  size_t files_not_held() const { return files_not_held_; }

 private:
  Status Take(const git_tree_entry& entry, const std::string& folder, size_t depth) {
    const std::string path = JoinPath(folder, git_tree_entry_name(&entry));
    const git_oid& id = *git_tree_entry_id(&entry);
    if (git_tree_entry_type(&entry) == GIT_OBJECT_TREE) return List(id, path, depth + 1);
    // Another repository's commit (a submodule) is no file.
    if (git_tree_entry_type(&entry) != GIT_OBJECT_BLOB) return OkStatus();
    if (!IsUtf8(path)) return absl::InvalidArgumentError("has a file whose name is not UTF-8");
    const StatusOr<uint64_t> size = repository_.BlobSize(id);
    if (!size.ok() && !absl::IsNotFound(size.status())) return size.status();
    if (!size.ok()) ++files_not_held_;
    files_.push_back({path, GitIdText(id), size.ok() ? std::optional<uint64_t>(*size) : std::nullopt});
    return OkStatus();
  }

  const GitRepository& repository_;
  std::vector<FileFact>& files_;
  size_t entries_ = 0;
  size_t files_not_held_ = 0;
};

class HistoryReader {
 public:
  HistoryReader(const GitRepository& repository, MonaiHistory& history) : repository_(repository), history_(history) {}

  // Commits come oldest first.
  void Take(const git_oid& id) {
    const Status taken = TakeCommit(id);
    if (!taken.ok()) Note(Text("commit ", GitIdText(id)), taken);
  }

  void Finish() {
    for (const auto& [name, releases] : early_releases_) {
      Note(Text("commit ", releases.front().commit, " ", kReleaseList),
           absl::InvalidArgumentError(Text(name.first, "_v", name.second, ": no commit has this version")));
    }
  }

 private:
  using BundleAndVersion = std::pair<std::string, std::string>;

  // What is known of a bundle's folder after the commits taken so far.
  struct Folder {
    // The newest version, also of a folder that was removed.
    std::string version;
    bool present = false;
    std::string versioned_by_commit;
  };

  void Note(std::string place, const Status& status) {
    history_.unreadable.push_back({std::move(place), std::string(MessageOf(status))});
  }

  Status TakeCommit(const git_oid& id) {
    ASSIGN_OR_RETURN(const CommitView commit, ViewOf(repository_, id));
    TreeComparison comparison(repository_, known_folders_);
    const Status compared = comparison.Compare(has_previous_ ? &previous_tree_ : nullptr, &commit.tree_id);
    // Also after a failure, so that one bad commit is one entry of `unreadable`.
    previous_tree_ = commit.tree_id;
    has_previous_ = true;
    for (const std::string& folder : comparison.metadata_changed()) TakeMetadata(commit, folder);
    for (const std::string& folder : comparison.known_changed()) {
      const Folder& known = folders_[folder];
      if (known.present && known.versioned_by_commit != commit.id) ++history_.silent_changes;
    }
    TakeReleaseList(commit);
    return compared;
  }

  void TakeMetadata(const CommitView& commit, const std::string& folder) {
    const std::string path = JoinPath(folder, kBundleMetadata);
    const GitPtr<git_tree_entry> entry = EntryAt(*commit.tree, path);
    if (entry == nullptr) {
      folders_[folder].present = false;
      return;
    }
    const Status taken = TakeVersion(commit, folder, *git_tree_entry_id(entry.get()));
    if (!taken.ok()) Note(commit.Place(path), taken);
  }

  Status TakeVersion(const CommitView& commit, const std::string& folder, const git_oid& metadata_id) {
    if (!IsUtf8(folder)) return absl::InvalidArgumentError("the folder's name is not UTF-8");
    ASSIGN_OR_RETURN(const std::string text, repository_.BlobBytes(metadata_id, kGitBlobBytesMax));
    ASSIGN_OR_RETURN(const Document metadata, ParseJson(text));
    ASSIGN_OR_RETURN(const std::string number, RequiredText(metadata, "version"));
    Folder& known = folders_[folder];
    if (known.present && known.version == number) return OkStatus();
    BundleVersion version;
    version.place = commit.Place(folder);
    version.bundle = BundleName(folder);
    version.version = number;
    // Also of a folder that was removed and comes back under the same number.
    if (!known.version.empty()) version.prev_version = known.version;
    version.commit = commit.id;
    version.author_date = commit.author_date;
    version.commit_date = commit.commit_date;
    ReadMetadataFacts(metadata, metadata, version, history_.unreadable);
    RETURN_IF_ERROR(ReadFolder(commit, folder, version));
    known = {number, true, commit.id};
    known_folders_.insert(folder);
    const BundleAndVersion name(version.bundle, number);
    if (auto early = early_releases_.extract(name); !early.empty()) version.releases = std::move(early.mapped());
    newest_[name] = history_.versions.size();
    history_.versions.push_back(std::move(version));
    return OkStatus();
  }

  std::string BundleName(std::string_view folder) const {
    // The repository itself is the bundle.
    if (folder.empty()) return history_.source;
    if (folder.starts_with(kModelsFolder)) folder.remove_prefix(kModelsFolder.size());
    return std::string(folder);
  }

  Status ReadFolder(const CommitView& commit, const std::string& folder, BundleVersion& version) {
    git_oid tree_id = commit.tree_id;
    if (!folder.empty()) {
      const GitPtr<git_tree_entry> entry = EntryAt(*commit.tree, folder);
      if (entry == nullptr) return absl::InvalidArgumentError("the folder can't be read");
      tree_id = *git_tree_entry_id(entry.get());
    }
    version.tree = GitIdText(tree_id);
    FolderLister lister(repository_, version.files);
    RETURN_IF_ERROR(lister.List(tree_id, ""));
    if (lister.files_not_held() > 0) {
      Note(version.place, absl::NotFoundError(Text("the repository does not hold ", lister.files_not_held(),
                                                   " of its files (a partial clone?); their sizes are not known")));
    }
    ReadLargeFiles(commit, folder, version);
    ReadPointers(version);
    return OkStatus();
  }

  void ReadLargeFiles(const CommitView& commit, const std::string& folder, BundleVersion& version) {
    for (const char* name : kLargeFileLists) {
      const std::string path = JoinPath(folder, name);
      const GitPtr<git_tree_entry> entry = EntryAt(*commit.tree, path);
      if (entry == nullptr || git_tree_entry_type(entry.get()) != GIT_OBJECT_BLOB) continue;
      const StatusOr<Document> list = ReadYaml(*git_tree_entry_id(entry.get()));
      if (!list.ok()) {
        Note(commit.Place(path), list.status());
        continue;
      }
      for (WeightFact& weight : ReadWeights(list->Find("large_files"), commit.Place(path), history_.unreadable)) {
        version.weights.push_back(std::move(weight));
      }
    }
  }

  StatusOr<Document> ReadYaml(const git_oid& id) const {
    ASSIGN_OR_RETURN(const std::string text, repository_.BlobBytes(id, kGitBlobBytesMax));
    return ParseYaml(text);
  }

  // Weights under Git LFS: the pointer has the digest of what it stands for.
  void ReadPointers(BundleVersion& version) {
    for (const FileFact& file : version.files) {
      if (!IsWeightFile(file.path) || file.size_bytes.value_or(kLfsPointerBytesLimit) >= kLfsPointerBytesLimit)
        continue;
      git_oid id;
      if (git_oid_fromstr(&id, file.blob.c_str()) < 0) continue;
      const StatusOr<std::string> text = repository_.BlobBytes(id, kLfsPointerBytesLimit);
      if (!text.ok()) continue;
      if (std::optional<WeightFact> weight = ParseLfsPointer(file.path, *text); weight.has_value()) {
        version.weights.push_back(*std::move(weight));
      }
    }
  }

  // models/model_info.json lists the published archives as "<bundle>_v<version>".
  void TakeReleaseList(const CommitView& commit) {
    const GitPtr<git_tree_entry> entry = EntryAt(*commit.tree, kReleaseList);
    if (entry == nullptr || git_tree_entry_type(entry.get()) != GIT_OBJECT_BLOB) return;
    const git_oid& id = *git_tree_entry_id(entry.get());
    if (git_oid_equal(&id, &release_list_) != 0) return;
    release_list_ = id;
    const StatusOr<std::string> text = repository_.BlobBytes(id, kGitBlobBytesMax);
    const StatusOr<Document> list = text.ok() ? ParseJson(*text) : text.status();
    if (!list.ok()) {
      Note(commit.Place(kReleaseList), list.status());
      return;
    }
    for (const Document::Member& member : list->members) TakeRelease(commit, member);
  }

  void TakeRelease(const CommitView& commit, const Document::Member& member) {
    StatusOr<std::optional<std::string>> checksum = OptionalText(member.value, "checksum");
    StatusOr<std::optional<std::string>> source = OptionalText(member.value, "source");
    if (!checksum.ok() || !source.ok()) {
      Note(commit.Place(kReleaseList), absl::InvalidArgumentError(Text(member.name, ": is not a published archive")));
      return;
    }
    // Another source of the same bytes is not another release; other bytes under the same version are.
    const std::string digest = checksum->value_or("");
    const auto [listed, added] = released_.try_emplace(member.name, digest);
    if (!added && listed->second == digest) return;
    listed->second = digest;
    const size_t at = member.name.rfind("_v");
    if (at == std::string::npos) {
      Note(commit.Place(kReleaseList), absl::InvalidArgumentError(Text(member.name, ": names no version")));
      return;
    }
    const BundleAndVersion name(member.name.substr(0, at), member.name.substr(at + 2));
    AddRelease(name, {digest, source->value_or(""), commit.commit_date, commit.id});
  }

  void AddRelease(const BundleAndVersion& name, ReleaseFact release) {
    const auto version = newest_.find(name);
    std::vector<ReleaseFact>& releases =
        version == newest_.end() ? early_releases_[name] : history_.versions[version->second].releases;
    releases.push_back(std::move(release));
  }

  const GitRepository& repository_;
  MonaiHistory& history_;
  git_oid previous_tree_{};
  bool has_previous_ = false;
  git_oid release_list_{};
  std::map<std::string, Folder> folders_;
  // The folders that have had a version, for TreeComparison.
  std::set<std::string> known_folders_;
  // The newest place in history_.versions.
  std::map<BundleAndVersion, size_t> newest_;
  // Published archives of versions that no commit so far has had.
  std::map<BundleAndVersion, std::vector<ReleaseFact>> early_releases_;
  // An archive's name -> its last checksum.
  std::map<std::string, std::string> released_;
};

std::string SourceName(const std::string& path) {
  std::error_code error;
  std::filesystem::path full = std::filesystem::absolute(path, error).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  if (full.filename() == ".git") full = full.parent_path();
  return full.filename().string();
}

}  // namespace

StatusOr<MonaiHistory> ReadMonaiGit(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<GitRepository> repository, GitRepository::Open(path));
  bool complete = true;
  ASSIGN_OR_RETURN(const std::vector<git_oid> commits, repository->FirstParents(kGitCommitsMax, complete));
  MonaiHistory history;
  history.source = SourceName(path);
  if (!complete) {
    history.unreadable.push_back(
        {Text("commit ", GitIdText(commits.front())),
         "its parent is not in the repository (a shallow clone?); what lies before is not read"});
  }
  HistoryReader reader(*repository, history);
  for (const git_oid& commit : commits) reader.Take(commit);
  reader.Finish();
  return history;
}

}  // namespace anamnesis
