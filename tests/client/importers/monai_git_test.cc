#include "client/importers/monai_git.h"

#include <git2.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <tuple>

#include "client/importers/git_objects.h"
#include "ledger/base/check.h"
#include "ledger/base/time.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct When {
  int64_t seconds = 1650000000;
  int zone_minutes = 0;
};

// A bare repository that a test builds commit by commit.
class TestRepository {
 public:
  TestRepository() {
    git_libgit2_init();
    Must(git_repository_init(&repository_, path_.c_str(), 1));
  }
  ~TestRepository() {
    git_repository_free(repository_);
    git_libgit2_shutdown();
  }

  const std::string& path() const { return path_; }

  void Write(const std::string& file, std::string_view content) { files_[file] = Blob(content); }
  void Remove(const std::string& file) { files_.erase(file); }

  void Metadata(const std::string& folder, std::string_view version, std::string_view more = "") {
    Write(folder + "/configs/metadata.json", Text("{\"version\": \"", version, "\"", more, "}"));
  }

  // Commits the files; returns the commit's id.
  std::string Commit(When author = {}, When committer = {}) { return CommitTree(Tree(files_), author, committer); }

  std::string CommitTree(const git_oid& tree, When author = {}, When committer = {}) {
    return WriteCommit(Text("tree ", GitIdText(tree), "\n", head_.empty() ? "" : Text("parent ", head_, "\n")), author,
                       committer);
  }

  // A commit whose parent is not in the repository, as in a shallow clone.
  std::string CommitWithLostParent() {
    return WriteCommit(Text("tree ", GitIdText(Tree(files_)), "\nparent ", std::string(40, '1'), "\n"), {}, {});
  }

  git_oid Blob(std::string_view content) { return Object(content, GIT_OBJECT_BLOB); }

  // A tree of given entries (name, mode, id), which must be in Git's order.
  git_oid RawTree(const std::vector<std::tuple<std::string, std::string, git_oid>>& entries) {
    std::string bytes;
    for (const auto& [name, mode, id] : entries) {
      bytes += Text(mode, " ", name, '\0');
      bytes.append(reinterpret_cast<const char*>(id.id), GIT_OID_RAWSZ);
    }
    return Object(bytes, GIT_OBJECT_TREE);
  }

 private:
  static void Must(int code) { CHECK(code >= 0); }

  git_oid Object(std::string_view bytes, git_object_t type) {
    git_odb* objects = nullptr;
    Must(git_repository_odb(&objects, repository_));
    git_oid id;
    Must(git_odb_write(&id, objects, bytes.data(), bytes.size(), type));
    git_odb_free(objects);
    return id;
  }

  git_oid Tree(const std::map<std::string, git_oid>& files) {
    std::map<std::string, std::map<std::string, git_oid>> folders;
    git_treebuilder* builder = nullptr;
    Must(git_treebuilder_new(&builder, repository_, nullptr));
    for (const auto& [path, id] : files) {
      const size_t slash = path.find('/');
      if (slash == std::string::npos) {
        Must(git_treebuilder_insert(nullptr, builder, path.c_str(), &id, GIT_FILEMODE_BLOB));
      } else {
        folders[path.substr(0, slash)][path.substr(slash + 1)] = id;
      }
    }
    for (const auto& [name, inside] : folders) {
      const git_oid id = Tree(inside);
      Must(git_treebuilder_insert(nullptr, builder, name.c_str(), &id, GIT_FILEMODE_TREE));
    }
    git_oid id;
    Must(git_treebuilder_write(&id, builder));
    git_treebuilder_free(builder);
    return id;
  }

  static std::string Signature(std::string_view role, When time) {
    char zone[16];
    const int offset = std::abs(time.zone_minutes);
    std::snprintf(zone, sizeof(zone), "%c%02d%02d", time.zone_minutes < 0 ? '-' : '+', offset / 60, offset % 60);
    return Text(role, " A <a@example.com> ", time.seconds, " ", zone, "\n");
  }

  std::string WriteCommit(const std::string& start, When author, When committer) {
    const git_oid id =
        Object(start + Signature("author", author) + Signature("committer", committer) + "\nx\n", GIT_OBJECT_COMMIT);
    head_ = GitIdText(id);
    git_reference* reference = nullptr;
    Must(git_reference_create(&reference, repository_, "refs/heads/main", &id, 1, nullptr));
    git_reference_free(reference);
    Must(git_repository_set_head(repository_, "refs/heads/main"));
    return head_;
  }

  git_repository* repository_ = nullptr;
  const ScratchDirectory root_;
  const std::string path_ = root_.path() + "/zoo";
  std::map<std::string, git_oid> files_;
  std::string head_;
};

MonaiHistory Read(const TestRepository& repository) {
  auto history = ReadMonaiGit(repository.path());
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? *std::move(history) : MonaiHistory();
}

std::vector<std::string> Names(const MonaiHistory& history) {
  std::vector<std::string> names;
  for (const BundleVersion& version : history.versions) {
    names.push_back(Text(version.bundle, " ", version.prev_version.value_or("-"), " ", version.version));
  }
  return names;
}

TEST(ReadMonaiGitTest, AVersionBeginsWhereItsNumberAppearsOrChanges) {
  TestRepository repository;
  repository.Write("README.md", "a zoo");
  repository.Commit();
  repository.Metadata("models/spleen", "0.1.0");
  repository.Metadata("other/deep/lung", "1.0");
  const std::string first = repository.Commit();
  repository.Metadata("models/spleen", "0.1.0", ", \"task\": \"changed without a word\"");
  repository.Commit();
  repository.Write("models/spleen/configs/train.json", "{}");
  repository.Commit();
  repository.Metadata("models/spleen", "0.2.0");
  repository.Commit();
  const MonaiHistory history = Read(repository);
  EXPECT_EQ(history.source, "zoo");
  EXPECT_THAT(Names(history), ElementsAre("spleen - 0.1.0", "other/deep/lung - 1.0", "spleen 0.1.0 0.2.0"));
  EXPECT_EQ(history.versions[0].commit, first);
  EXPECT_EQ(history.silent_changes, 2u);
  EXPECT_TRUE(history.unreadable.empty());
}

TEST(ReadMonaiGitTest, ReadsTheFactsOfAVersion) {
  TestRepository repository;
  repository.Metadata("models/spleen", "0.1.0",
                      R"(, "task": "t", "data_source": null, "data_type": "dicom", "eval_metrics": {"dice": 0.90},
                         "monai_version": "0.9.0", "optional_packages_version": {"nibabel": "3.2.1"})");
  repository.Write("models/spleen/large_files.yml",
                   "large_files:\n- path: models/model.pt\n  url: https://example.com/m\n  hash_val: abcd\n"
                   "  hash_type: md5\n");
  repository.Write("models/spleen/models/model.ts",
                   "version https://git-lfs.github.com/spec/v1\noid sha256:5196\nsize 124037756\n");
  repository.Write("models/spleen/models/small.pt", "no pointer");
  repository.Commit({1652825346, 60}, {1652827800, -330});
  const MonaiHistory history = Read(repository);
  ASSERT_EQ(history.versions.size(), 1u);
  const BundleVersion& version = history.versions[0];
  EXPECT_EQ(version.author_date, "2022-05-17T23:09:06+01:00");
  EXPECT_EQ(version.commit_date, "2022-05-17T17:20:00-05:30");
  EXPECT_EQ(version.task, "t");
  EXPECT_EQ(version.data_source, std::nullopt);
  EXPECT_EQ(version.eval_metrics.at(0).value, "0.90");
  EXPECT_EQ(version.packages.size(), 2u);
  EXPECT_EQ(version.tree.size(), 40u);
  ASSERT_EQ(version.files.size(), 4u);
  EXPECT_EQ(version.files[0].path, "configs/metadata.json");
  EXPECT_EQ(version.files[3].size_bytes, 10u);
  ASSERT_EQ(version.weights.size(), 2u);
  EXPECT_EQ(version.weights[0].hash_val, "abcd");
  EXPECT_EQ(version.weights[1].path, "models/model.ts");
  EXPECT_EQ(version.weights[1].hash_type, "sha256");
  EXPECT_EQ(version.weights[1].size_bytes, 124037756u);
  EXPECT_TRUE(history.unreadable.empty());
}

TEST(ReadMonaiGitTest, MovedAndRemovedBundles) {
  TestRepository repository;
  repository.Metadata("models/old", "0.1.0");
  repository.Commit();
  repository.Remove("models/old/configs/metadata.json");
  repository.Metadata("models/new", "0.1.0");
  repository.Commit();
  repository.Metadata("models/old", "0.3.0");
  repository.Commit();
  EXPECT_THAT(Names(Read(repository)), ElementsAre("old - 0.1.0", "new - 0.1.0", "old 0.1.0 0.3.0"));
  repository.Remove("models/old/configs/metadata.json");
  repository.Commit();
  repository.Metadata("models/old", "0.3.0");
  repository.Commit();
  EXPECT_THAT(Names(Read(repository)), ElementsAre("old - 0.1.0", "new - 0.1.0", "old 0.1.0 0.3.0", "old 0.3.0 0.3.0"));
}

TEST(ReadMonaiGitTest, ReleasesComeFromTheListOfArchives) {
  TestRepository repository;
  repository.Metadata("models/spleen", "0.1.0");
  repository.Commit();
  const auto list = [&](const std::string& text) { repository.Write("models/model_info.json", text); };
  list(R"({"spleen_v0.1.0": {"checksum": "aa", "source": "u1"}, "spleen": {"checksum": "x", "source": "u"},
           "spleen_v0.2.0": {"checksum": "cc", "source": "u3"}, "lung_v9": {"checksum": "dd", "source": "u4"}})");
  const std::string listed = repository.Commit({1650000000, 0}, {1658271831, 480});
  // Another address for the same bytes is no release; other bytes under the same name are.
  list(R"({"spleen_v0.1.0": {"checksum": "aa", "source": "u2"}})");
  repository.Commit();
  list(R"({"spleen_v0.1.0": {"checksum": "bb", "source": "u2"}})");
  repository.Commit();
  repository.Metadata("models/spleen", "0.2.0");
  repository.Commit();
  list("[");
  repository.Commit();
  const MonaiHistory history = Read(repository);
  ASSERT_EQ(history.versions.size(), 2u);
  const std::vector<ReleaseFact>& releases = history.versions[0].releases;
  ASSERT_EQ(releases.size(), 2u);
  EXPECT_EQ(releases[0].checksum, "aa");
  EXPECT_EQ(releases[0].source, "u1");
  EXPECT_EQ(releases[0].date, "2022-07-20T07:03:51+08:00");
  EXPECT_EQ(releases[0].commit, listed);
  EXPECT_EQ(releases[1].checksum, "bb");
  // Listed before the version itself was committed.
  ASSERT_EQ(history.versions[1].releases.size(), 1u);
  EXPECT_EQ(history.versions[1].releases[0].checksum, "cc");
  std::vector<std::string> reasons;
  for (const Unreadable& note : history.unreadable) reasons.push_back(note.reason);
  EXPECT_THAT(reasons, ElementsAre(HasSubstr("names no version"), HasSubstr("is not JSON"), HasSubstr("lung_v9")));
}

TEST(ReadMonaiGitTest, WhatCannotBeReadIsToldOfWithItsPlace) {
  TestRepository repository;
  repository.Metadata("models/good", "1");
  repository.Write("models/broken/configs/metadata.json", "{");
  repository.Write("models/numberless/configs/metadata.json", "{}");
  repository.Write("models/large/configs/metadata.json",
                   Text("{\"version\": \"", std::string(kGitBlobBytesMax, 'x'), "\"}"));
  repository.Write("models/good/large_files.yml", "large_files: [");
  repository.Write("models/configs/metadata.json/file", "a folder of that name");
  const std::string commit = repository.Commit();
  repository.Metadata("models/broken", "2");
  repository.Commit();
  const MonaiHistory history = Read(repository);
  EXPECT_THAT(Names(history), ElementsAre("good - 1", "broken - 2"));
  ASSERT_EQ(history.unreadable.size(), 4u);
  EXPECT_EQ(history.unreadable[0].place, Text("commit ", commit, " models/broken/configs/metadata.json"));
  EXPECT_EQ(history.unreadable[1].place, Text("commit ", commit, " models/good/large_files.yml"));
  EXPECT_THAT(history.unreadable[2].reason, HasSubstr("bytes"));
  EXPECT_THAT(history.unreadable[3].reason, HasSubstr("version"));
}

TEST(ReadMonaiGitTest, TheRepositoryMayBeTheBundle) {
  TestRepository repository;
  repository.Write("configs/metadata.json", "{\"version\": \"1\"}");
  repository.Write("large_files.yml", "large_files: [{path: m.pt}]");
  repository.Commit();
  const MonaiHistory history = Read(repository);
  EXPECT_THAT(Names(history), ElementsAre("zoo - 1"));
  EXPECT_EQ(history.versions[0].files.size(), 2u);
  EXPECT_EQ(history.versions[0].weights.size(), 1u);
}

TEST(ReadMonaiGitTest, AShallowHistoryStartsLateAndSaysSo) {
  TestRepository repository;
  repository.Metadata("models/spleen", "0.5.0");
  repository.CommitWithLostParent();
  const MonaiHistory history = Read(repository);
  EXPECT_THAT(Names(history), ElementsAre("spleen - 0.5.0"));
  ASSERT_EQ(history.unreadable.size(), 1u);
  EXPECT_THAT(history.unreadable[0].reason, HasSubstr("shallow"));
}

TEST(ReadMonaiGitTest, AFileThatIsNotHeldHasNoSize) {
  TestRepository repository;
  const git_oid metadata = repository.Blob("{\"version\": \"1\"}");
  git_oid lost = metadata;
  lost.id[0] ^= 1;
  const git_oid configs = repository.RawTree({{"metadata.json", "100644", metadata}});
  const git_oid bundle = repository.RawTree({{"configs", "40000", configs}, {"model.pt", "100644", lost}});
  repository.CommitTree(repository.RawTree({{"spleen", "40000", bundle}}));
  const MonaiHistory history = Read(repository);
  ASSERT_EQ(history.versions.size(), 1u);
  ASSERT_EQ(history.versions[0].files.size(), 2u);
  EXPECT_EQ(history.versions[0].files[1].size_bytes, std::nullopt);
  ASSERT_EQ(history.unreadable.size(), 1u);
  EXPECT_THAT(history.unreadable[0].reason, HasSubstr("partial clone"));
}

TEST(ReadMonaiGitTest, ATreeOfBillionsIsRefusedAndTheNextCommitIsRead) {
  TestRepository repository;
  git_oid tree = repository.RawTree({{"f", "100644", repository.Blob("x")}});
  for (int level = 0; level < 12; ++level) {
    std::vector<std::tuple<std::string, std::string, git_oid>> entries;
    for (char name = 'a'; name <= 'j'; ++name) entries.emplace_back(std::string(1, name), "40000", tree);
    tree = repository.RawTree(entries);
  }
  repository.CommitTree(tree);
  repository.Metadata("models/spleen", "1");
  repository.Commit();
  const MonaiHistory history = Read(repository);
  EXPECT_THAT(Names(history), ElementsAre("spleen - 1"));
  EXPECT_FALSE(history.unreadable.empty());
}

TEST(ReadMonaiGitTest, DepthNamesAndDatesOfAnAttacker) {
  TestRepository repository;
  git_oid deep = repository.RawTree({{"f", "100644", repository.Blob("x")}});
  for (int level = 0; level < 500; ++level) deep = repository.RawTree({{"d", "40000", deep}});
  const git_oid metadata = repository.Blob("{\"version\": \"1\"}");
  const git_oid configs = repository.RawTree({{"metadata.json", "100644", metadata}});
  const git_oid bundle = repository.RawTree({{"configs", "40000", configs}});
  const git_oid deep_bundle = repository.RawTree({{"configs", "40000", configs}, {"d", "40000", deep}});
  const git_oid bad_file = repository.RawTree({{"\xff", "100644", metadata}, {"configs", "40000", configs}});
  const git_oid link = repository.RawTree({{"configs", "40000", configs}, {"module", "160000", metadata}});
  repository.CommitTree(
      repository.RawTree({{"file", "40000", bad_file}, {"link", "40000", link}, {"\xff", "40000", bundle}}));
  repository.CommitTree(repository.RawTree({{"deep", "40000", deep_bundle}}), {INT64_MAX / 2, 0}, {-99999999999, 9999});
  const MonaiHistory history = Read(repository);
  // A submodule is no file and no harm.
  EXPECT_THAT(Names(history), ElementsAre("link - 1"));
  EXPECT_EQ(history.versions[0].files.size(), 1u);
  ASSERT_GE(history.unreadable.size(), 4u);
  for (const Unreadable& note : history.unreadable) EXPECT_TRUE(IsUtf8(note.place)) << note.reason;
}

TEST(GitTimeTextTest, ZonesAndRanges) {
  EXPECT_EQ(GitTimeText({0, 0, '+'}), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(GitTimeText({0, -90, '-'}), "1969-12-31T22:30:00-01:30");
  EXPECT_EQ(GitTimeText({0, 100000, '+'}), "1970-01-01T00:00:00+00:00");
  EXPECT_FALSE(ParseTime(GitTimeText({INT64_MAX, 0, '+'})).ok());
}

TEST(ReadMonaiGitTest, NoRepositoryAndNoCommits) {
  EXPECT_EQ(ReadMonaiGit(ScratchDirectory().path()).status().code(), absl::StatusCode::kNotFound);
  TestRepository repository;
  EXPECT_EQ(ReadMonaiGit(repository.path()).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace anamnesis
