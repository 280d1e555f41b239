// Only approved bytes get near a sandbox.

#include "client/certifier/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "ledger/crypto/sha256.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

constexpr const char* kDescription =
    R"({"testCase": "t@1", "command": ["/usr/bin/true"], "expectedMetrics": [{"name": "m"}]})";

class SuiteTest : public testing::Test {
 protected:
  void SetUp() override {
    Write("t@1.json", kDescription);
    Write("data/d.csv", "a,b\n");
  }

  void Write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(home_.path() + "/suite/" + name).parent_path());
    std::ofstream(home_.path() + "/suite/" + name, std::ios::binary) << bytes;
  }

  static void Add(v1::TestCaseApproved& approved, const std::string& path, const std::string& bytes) {
    v1::FileRecord& file = *approved.add_files();
    file.set_path(path);
    file.mutable_digest()->set_algorithm(v1::SHA256);
    file.mutable_digest()->set_value(Sha256(bytes).bytes());
  }

  static v1::TestCaseApproved Approved() {
    v1::TestCaseApproved approved;
    Add(approved, "t@1.json", kDescription);
    Add(approved, "data/d.csv", "a,b\n");
    return approved;
  }

  std::string WhyNot(const v1::TestCaseApproved& approved) const {
    const auto staging = StagingDirectory::Make();
    const auto staged = StageTestCase({"t", "1"}, approved, home_.path() + "/suite", *staging);
    EXPECT_TRUE(staged.ok() || absl::IsFailedPrecondition(staged.status())) << staged.status();
    return std::string(MessageOf(staged.status()));
  }

  ScratchDirectory home_;
};

TEST_F(SuiteTest, TheApprovedBytesAreStagedAndStayWhatTheyAre) {
  const auto staging = StagingDirectory::Make();
  ASSERT_TRUE(staging.ok()) << staging.status();
  for (int twice = 0; twice < 2; ++twice) {
    const auto staged = StageTestCase({"t", "1"}, Approved(), home_.path() + "/suite", *staging);
    ASSERT_TRUE(staged.ok()) << staged.status();
    EXPECT_EQ(staged->description.command(0), "/usr/bin/true");
  }
  Write("data/d.csv", "changed");
  std::ifstream copy(staging->path() + "/suite/data/d.csv");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(copy), {}), "a,b\n");
  EXPECT_THAT(std::string(MessageOf(StageTestCase({"t", "1"}, Approved(), home_.path() + "/suite", *staging).status())),
              HasSubstr("data/d.csv: has sha256:"));
}

// Each was approved with its own bytes, and they lay there one after the other.
TEST_F(SuiteTest, APathIsOneFileForAllTestCases) {
  const auto staging = StagingDirectory::Make();
  ASSERT_TRUE(StageTestCase({"t", "1"}, Approved(), home_.path() + "/suite", *staging).ok());
  const std::string description =
      R"({"testCase": "u@1", "command": ["/usr/bin/true"], "expectedMetrics": [{"name": "m"}]})";
  Write("u@1.json", description);
  Write("data/d.csv", "c,d\n");
  v1::TestCaseApproved other;
  Add(other, "u@1.json", description);
  Add(other, "data/d.csv", "c,d\n");
  const Status staged = StageTestCase({"u", "1"}, other, home_.path() + "/suite", *staging).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(staged)) << staged;
  EXPECT_THAT(std::string(MessageOf(staged)), HasSubstr("data/d.csv: another list of files has other bytes"));
}

TEST_F(SuiteTest, WhatDiffersFromTheApprovalIsNamed) {
  EXPECT_EQ(WhyNot(Approved()), "");
  std::filesystem::remove(home_.path() + "/suite/data/d.csv");
  EXPECT_THAT(WhyNot(Approved()), HasSubstr("data/d.csv: is not in"));
  Write("data/d.csv", "a,b\n");
  v1::TestCaseApproved approved = Approved();
  approved.mutable_files()->RemoveLast();
  approved.mutable_files()->RemoveLast();
  EXPECT_THAT(WhyNot(approved), HasSubstr("its approval doesn't cover t@1.json"));
  approved = Approved();
  approved.mutable_files(1)->mutable_digest()->set_algorithm(v1::MD5);
  EXPECT_THAT(WhyNot(approved), HasSubstr("recorded without a SHA-256"));
}

TEST_F(SuiteTest, WhoSharesASandboxWithTheJudgeIsNamed) {
  TestCase apart{{"a", "1"}, {}};
  apart.description.mutable_artifact_run();
  const TestCase beside{{"b", "2"}, {}};
  EXPECT_EQ(JudgeAspect({apart}).state, IsolationAspect::State::kHeld);
  const IsolationAspect aspect = JudgeAspect({apart, beside});
  EXPECT_EQ(aspect.name, "judge");
  EXPECT_EQ(aspect.state, IsolationAspect::State::kNotAvailable);
  EXPECT_THAT(aspect.evidence, testing::EndsWith("its own sandbox: b@2"));
}

TEST_F(SuiteTest, NoPathLeadsElsewhere) {
  for (const char* path : {"../secret", "/etc/passwd", "data/../../secret", "./x", "data//d.csv", "", "data/"}) {
    v1::TestCaseApproved approved = Approved();
    Add(approved, path, "a,b\n");
    EXPECT_THAT(WhyNot(approved), HasSubstr("not below a directory")) << path;
  }
}

TEST_F(SuiteTest, ADescriptionSaysWhatToRunAndMeasure) {
  for (const auto& [json, why] : std::vector<std::pair<std::string, std::string>>{
           {"{", "t@1.json: "},
           {R"({"testCase": "other@1", "command": ["/x"], "expectedMetrics": [{"name": "m"}]})", "is of other@1"},
           {R"({"testCase": "t@1", "expectedMetrics": [{"name": "m"}]})", "command: "},
           {R"({"testCase": "t@1", "command": ["/x"]})", "nothing would be measured"},
           {R"({"testCase": "t@1", "command": ["/x"], "expectedMetrics": [{"name": "m"}], "pass": true})", "pass"}}) {
    Write("t@1.json", json);
    v1::TestCaseApproved approved;
    Add(approved, "t@1.json", json);
    EXPECT_THAT(WhyNot(approved), HasSubstr(why));
  }
}

}  // namespace
}  // namespace anamnesis
