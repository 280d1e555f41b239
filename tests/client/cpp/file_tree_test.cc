#include "client/cpp/file_tree.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

class FileTreeTest : public testing::Test {
 protected:
  std::string Tree() const { return directory_.path() + "/a/tree"; }
  Status WriteFile(std::string_view path, std::string_view bytes) const {
    ASSIGN_OR_RETURN(const FileTree tree, FileTree::Open(Tree()));
    ASSIGN_OR_RETURN(const std::unique_ptr<FileInTree> file, tree.Create(path));
    RETURN_IF_ERROR(file->Write(bytes));
    return file->Commit();
  }
  static std::string Content(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }

  ScratchDirectory directory_;
};

TEST_F(FileTreeTest, FilesAreWrittenAndReplaced) {
  ASSERT_TRUE(WriteFile("x", "1").ok());
  ASSERT_TRUE(WriteFile("models/deep/model.pt", "weights").ok());
  ASSERT_TRUE(WriteFile("x", "other").ok());
  EXPECT_EQ(Content(Tree() + "/x"), "other");
  EXPECT_EQ(Content(Tree() + "/models/deep/model.pt"), "weights");
}

TEST_F(FileTreeTest, WhatIsNotCommittedLeavesNothing) {
  ASSERT_TRUE(WriteFile("x", "before").ok());
  {
    const FileTree tree = FileTree::Open(Tree()).value();
    const auto file = tree.Create("x").value();
    ASSERT_TRUE(file->Write("half of wh").ok());
  }
  EXPECT_EQ(Content(Tree() + "/x"), "before");
  const auto entries = std::filesystem::directory_iterator(Tree());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(FileTreeTest, ARestartForgetsWhatWasWritten) {
  const FileTree tree = FileTree::Open(Tree()).value();
  const auto file = tree.Create("x").value();
  ASSERT_TRUE(file->Write("a longer text").ok());
  ASSERT_TRUE(file->Restart().ok());
  ASSERT_TRUE(file->Write("text").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Content(Tree() + "/x"), "text");
}

TEST_F(FileTreeTest, PathsThatAreNotBelowAreRefused) {
  for (const std::string& path :
       {std::string(), std::string("/etc/x"), std::string("../x"), std::string("a/../../x"), std::string("a//x"),
        std::string("a/"), std::string("."), std::string("a/."), std::string("a\0b", 3), std::string("..")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckRelativePath(path))) << path;
    EXPECT_TRUE(absl::IsInvalidArgument(WriteFile(path, "x"))) << path;
  }
  for (const char* path : {"x", "a/b", "...", "..a", "a..", ".hidden", "a b/c"}) {
    EXPECT_TRUE(CheckRelativePath(path).ok()) << path;
  }
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/a/x"));
}

TEST_F(FileTreeTest, SymbolicLinksLeadNowhere) {
  ASSERT_TRUE(WriteFile("x", "1").ok());
  const std::string outside = directory_.path() + "/outside";
  std::filesystem::create_directory(outside);
  std::filesystem::create_directory_symlink(outside, Tree() + "/link");
  EXPECT_TRUE(absl::IsInvalidArgument(WriteFile("link/y", "2")));
  EXPECT_TRUE(absl::IsInvalidArgument(WriteFile("x/y", "2")));
  EXPECT_TRUE(std::filesystem::is_empty(outside));
  // A link in the file's own place is replaced and not written through.
  std::ofstream(outside + "/z") << "kept";
  std::filesystem::create_symlink(outside + "/z", Tree() + "/z");
  ASSERT_TRUE(WriteFile("z", "3").ok());
  EXPECT_EQ(Content(outside + "/z"), "kept");
  EXPECT_EQ(Content(Tree() + "/z"), "3");
  EXPECT_FALSE(std::filesystem::is_symlink(Tree() + "/z"));
}

}  // namespace
}  // namespace anamnesis
