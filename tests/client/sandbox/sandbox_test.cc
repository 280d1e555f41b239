// The sandbox against its attackers, whose sources are in attackers/: each is stopped, as root and as a plain user.

#include "client/sandbox/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "client/sandbox/environment.h"
#include "client/sandbox/isolation.h"
#include "tests/support/places.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using End = SandboxOutcome::End;

constexpr const char* kPython = "/usr/bin/python3";
constexpr uint64_t kMebibyte = uint64_t{1} << 20;

SandboxSettings Settings() {
  SandboxSettings settings;
  settings.runtime = DefaultRuntime();
  settings.probe = ProgramPath("anamnesis-sandbox-probe");
  settings.limits.address_space_bytes = 256 * kMebibyte;
  settings.limits.memory_total_bytes = 512 * kMebibyte;
  settings.limits.result_bytes = 8 * kMebibyte;
  settings.limits.file_bytes = 4 * kMebibyte;
  settings.limits.scratch_bytes = 8 * kMebibyte;
  settings.limits.processes = 32;
  settings.limits.output_bytes = 65536;
  settings.limits.wall = std::chrono::seconds(60);
  return settings;
}

// Processes of this machine with `token` among their arguments.
int CountProcesses(const std::string& token) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    count += line.find(token) != std::string::npos && line.find("bwrap") == std::string::npos;
  }
  return count;
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    const StatusOr<Sandbox> trial = Sandbox::Open(Settings());
    Status can = trial.status();
    if (can.ok()) {
      SandboxCommand nothing;
      nothing.arguments = {"/usr/bin/true"};
      can = trial->Run(nothing).status();
    }
    if (!can.ok()) GTEST_SKIP() << "NOT TESTED: this machine has no sandbox: " << can;
    auto staging = StagingDirectory::Make();
    ASSERT_TRUE(staging.ok()) << staging.status();
    staging_.emplace(*std::move(staging));
    for (const auto& entry : std::filesystem::directory_iterator(SourcePath("tests/client/sandbox/attackers"))) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string source{std::istreambuf_iterator<char>(file), {}};
      ASSERT_TRUE(staging_->AddFile(entry.path().filename().string(), source).ok());
    }
  }

  StatusOr<SandboxOutcome> Attack(const SandboxSettings& settings, const std::string& attacker,
                                  std::vector<std::string> arguments = {}) {
    ASSIGN_OR_RETURN(const Sandbox sandbox, Sandbox::Open(settings));
    SandboxCommand command;
    command.arguments = {kPython, "-I", "/input/" + attacker};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.inputs = {{staging_->path(), "/input"}};
    return sandbox.Run(command);
  }

  // An attacker that finds out itself what it can't do.
  void ExpectNothing(const std::string& attacker, std::vector<std::string> arguments = {}) {
    const auto outcome = Attack(Settings(), attacker, std::move(arguments));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->output, "done\n") << outcome->errors;
    EXPECT_EQ(outcome->exit_code, 0);
    EXPECT_TRUE(outcome->all_ended);
  }

  std::optional<StagingDirectory> staging_;
};

TEST_F(SandboxTest, AProgramReadsItsInputsAndLeavesAResult) {
  ASSERT_TRUE(staging_
                  ->AddFile("good.py",
                            "import os\nopen('/result/r.json', 'w').write(os.getcwd() + os.environ['A'])\n"
                            "print('out'); raise SystemExit(3)\n")
                  .ok());
  auto sandbox = Sandbox::Open(Settings());
  ASSERT_TRUE(sandbox.ok());
  SandboxCommand command;
  command.arguments = {kPython, "/input/good.py"};
  command.inputs = {{staging_->path(), "/input"}};
  command.environment = {{"A", "a b\n"}};
  for (int run = 0; run < 2; ++run) {
    const auto outcome = sandbox->Run(command);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->end, End::kExited);
    EXPECT_EQ(outcome->exit_code, 3);
    EXPECT_EQ(outcome->output, "out\n");
    EXPECT_EQ(outcome->errors, "");
    EXPECT_EQ(*outcome->results.Read("r.json", 100), "/resulta b\n");
    EXPECT_TRUE(absl::IsNotFound(outcome->results.Read("other", 100).status()));
    EXPECT_TRUE(absl::IsResourceExhausted(outcome->results.Read("r.json", 5).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(outcome->results.Read("../r.json", 5).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(outcome->results.Read("..", 5).status()));
  }
}

TEST_F(SandboxTest, AProgramThatIsNotThereIsAnErrorAndNoExit) {
  const auto sandbox = Sandbox::Open(Settings());
  SandboxCommand command;
  command.arguments = {"/usr/bin/no-such-program"};
  const auto outcome = sandbox->Run(command);
  EXPECT_TRUE(absl::IsFailedPrecondition(outcome.status())) << outcome.status();
  EXPECT_THAT(std::string(MessageOf(outcome.status())), HasSubstr("no-such-program"));
  command.arguments = {"/usr/bin/true"};
  command.inputs = {{"/no/such/input", "/input"}};
  EXPECT_THAT(std::string(MessageOf(sandbox->Run(command).status())), HasSubstr("/no/such/input"));
  command.arguments = {"true"};
  EXPECT_TRUE(absl::IsInvalidArgument(sandbox->Run(command).status()));
}

TEST_F(SandboxTest, NoSocket) { ExpectNothing("sockets.py"); }
TEST_F(SandboxTest, NoWriteOutside) { ExpectNothing("writes.py"); }
TEST_F(SandboxTest, NothingOfTheHost) {
  ::setenv("SECRET_OF_THE_HOST", "x", 1);
  ExpectNothing("reads.py", {kSourceDirectory, staging_->path()});
}
TEST_F(SandboxTest, NoTracing) { ExpectNothing("calls.py", {"ptrace"}); }
TEST_F(SandboxTest, NoNamespaces) { ExpectNothing("calls.py", {"namespaces"}); }

TEST_F(SandboxTest, AnX32CallIsKilled) {
#if defined(__x86_64__)
  const auto outcome = Attack(Settings(), "calls.py", {"x32"});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->exit_code, 128 + SIGSYS);
  EXPECT_EQ(outcome->output, "");
#else
  GTEST_SKIP() << "NOT TESTED: x32 is a matter of x86-64";
#endif
}

TEST_F(SandboxTest, MemoryOfOneProcess) {
  const auto outcome = Attack(Settings(), "memory_alone.py");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_GT(std::atoi(outcome->output.c_str()), 100) << outcome->errors;
  EXPECT_LT(std::atoi(outcome->output.c_str()), 256);
}

TEST_F(SandboxTest, MemoryOfManyProcesses) {
  SandboxSettings settings = Settings();
  settings.limits.memory_total_bytes = 128 * kMebibyte;
  if (const auto sandbox = Sandbox::Open(settings); !sandbox->cgroup()) {
    GTEST_SKIP() << "NOT TESTED: no cgroup can be made here: " << sandbox->why_no_cgroup();
  }
  const auto outcome = Attack(settings, "memory_many.py");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  // Either one of the children was killed, or the program itself.
  if (outcome->exit_code == 0) {
    EXPECT_LT(std::atoi(outcome->output.c_str()), 8) << outcome->errors;
  } else {
    EXPECT_EQ(outcome->exit_code, 128 + SIGKILL) << outcome->errors;
  }
  EXPECT_TRUE(outcome->all_ended);
}

// What decision 0012 says is left without a cgroup: each process's address space, times their number.
TEST_F(SandboxTest, MemoryOfManyProcessesWithoutACgroup) {
  SandboxSettings settings = Settings();
  settings.use_cgroup = false;
  settings.limits.address_space_bytes = 96 * kMebibyte;
  settings.limits.memory_total_bytes = 128 * kMebibyte;
  settings.limits.processes = 6;
  const auto outcome = Attack(settings, "memory_all.py");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  std::istringstream words(outcome->output);
  uint64_t processes = 0, largest = 0, total = 0;
  ASSERT_TRUE(words >> processes >> largest >> total) << outcome->output << outcome->errors;
  // The program that started them is one of the six too.
  EXPECT_GE(processes, 2u);
  EXPECT_LT(processes, settings.limits.processes);
  EXPECT_LT(largest * kMebibyte, settings.limits.address_space_bytes);
  EXPECT_LT(total * kMebibyte, settings.limits.processes * settings.limits.address_space_bytes);
  // Nothing else bounds them: the test would show nothing if they had not tried.
  EXPECT_GT(total * kMebibyte, settings.limits.memory_total_bytes);
  EXPECT_TRUE(outcome->all_ended);
}

TEST_F(SandboxTest, AForkBombStaysInItsBounds) {
  SandboxSettings settings = Settings();
  settings.limits.wall = std::chrono::seconds(2);
  const std::string token = Text("token-bomb-", ::getpid());
  const auto outcome = Attack(settings, "fork_bomb.py", {token});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->end, End::kWallLimit);
  EXPECT_TRUE(outcome->all_ended);
  EXPECT_EQ(CountProcesses(token), 0);
}

TEST_F(SandboxTest, AnEndlessLoopEndsWithItsProcessorTime) {
  SandboxSettings settings = Settings();
  settings.limits.cpu_seconds = 1;
  ASSERT_TRUE(staging_->AddFile("loop.py", "while True: pass\n").ok());
  const auto outcome = Attack(settings, "loop.py");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->end, End::kExited);
  EXPECT_EQ(outcome->exit_code, 128 + SIGXCPU);
}

TEST_F(SandboxTest, NoDaemonOutlivesTheRun) {
  for (const std::vector<std::string>& how : std::vector<std::vector<std::string>>{{}, {"quiet"}, {"wait"}}) {
    SandboxSettings settings = Settings();
    if (how == std::vector<std::string>{"wait"}) settings.limits.wall = std::chrono::seconds(2);
    const std::string token = Text("token-daemon-", ::getpid());
    std::vector<std::string> arguments = how;
    arguments.push_back(token);
    const auto outcome = Attack(settings, "daemon.py", arguments);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->output, "left\n");
    EXPECT_TRUE(outcome->all_ended);
    EXPECT_EQ(CountProcesses(token), 0);
  }
}

TEST_F(SandboxTest, OutputIsBounded) {
  for (const char* stream : {"stdout", "stderr"}) {
    const auto outcome = Attack(Settings(), "output.py", {stream});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->end, End::kOutputLimit);
    EXPECT_LE(outcome->output.size() + outcome->errors.size(), 65536u);
    EXPECT_TRUE(outcome->all_ended);
  }
}

TEST_F(SandboxTest, FilesAreBounded) {
  const auto outcome = Attack(Settings(), "files.py");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  std::istringstream words(outcome->output);
  uint64_t largest = 0, total = 0;
  words >> largest >> total;
  EXPECT_EQ(largest, 4 * kMebibyte) << outcome->output << outcome->errors;
  EXPECT_GT(total, 7 * kMebibyte);
  EXPECT_LE(total, 8 * kMebibyte);
}

TEST_F(SandboxTest, LinksLeadNowhere) {
  const auto outcome = Attack(Settings(), "links.py");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->output, "done\n") << outcome->errors;
  for (const char* name : {"absolute", "relative", "through_proc", "directory", "to_directory", "to_good"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(outcome->results.Read(name, 1 << 20).status())) << name;
  }
  EXPECT_TRUE(absl::IsNotFound(outcome->results.Read("pipe", 10).status()));
  EXPECT_FALSE(outcome->results.Read("large", 1 << 20).ok());
  EXPECT_EQ(*outcome->results.Read("good", 10), "good");
}

TEST_F(SandboxTest, TheSelfTestFindsEachLimitHeld) {
  const auto sandbox = Sandbox::Open(Settings());
  ASSERT_TRUE(sandbox.ok());
  const auto report = TestIsolation(*sandbox);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->aspects.size(), std::size(kIsolationAspects));
  for (size_t i = 0; i < report->aspects.size(); ++i) {
    const IsolationAspect& aspect = report->aspects[i];
    EXPECT_EQ(aspect.name, kIsolationAspects[i]);
    EXPECT_NE(aspect.state, IsolationAspect::State::kFailed) << aspect.name << ": " << aspect.evidence;
    EXPECT_FALSE(aspect.evidence.empty()) << aspect.name;
    std::cout << aspect.name << ": " << NameOf(aspect.state) << ": " << aspect.evidence << "\n";
  }
  EXPECT_EQ(report->Find("memory_total")->state == IsolationAspect::State::kHeld, sandbox->cgroup().has_value());
  EXPECT_TRUE(report->Check().ok()) << report->Check();
}

TEST_F(SandboxTest, WithoutACgroupTheReportSaysWhatIsNotBounded) {
  SandboxSettings settings = Settings();
  settings.use_cgroup = false;
  const auto report = TestIsolation(*Sandbox::Open(settings));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->Find("memory_total")->state, IsolationAspect::State::kNotAvailable);
  EXPECT_THAT(report->Find("memory_total")->evidence, HasSubstr("32 processes times 268435456 bytes only"));
  EXPECT_TRUE(report->Check().ok()) << report->Check();
}

// A bubblewrap that isolates less than it was asked to: the self-test sees it.
TEST_F(SandboxTest, AHoleIsFoundAndNamed) {
  struct Hole {
    const char* dropped;
    // The argument after it, dropped with it.
    const char* value;
    const char* aspect;
  };
  for (const Hole& hole : {Hole{"--seccomp", "3", "system_calls"}, Hole{"--remount-ro", "/", "filesystem"},
                           Hole{"--clearenv", "", "host"}}) {
    const std::string script =
        Text("#!/bin/bash\nexport LEAKED=x\nlist=()\nwhile [ $# -gt 0 ]; do\n  if [ \"$1 $2\" = \"", hole.dropped, " ",
             hole.value, "\" ]; then shift 2; continue; fi\n", "  if [ \"$1\" = \"", hole.dropped, "\" ] && [ -z \"",
             hole.value, "\" ]; then shift; continue; fi\n  list+=(\"$1\"); shift\ndone\n",
             "exec /usr/bin/bwrap \"${list[@]}\"\n");
    const std::string name = Text("leaky", hole.dropped, "/bwrap");
    ASSERT_TRUE(staging_->AddFile(name, script, true).ok());
    SandboxSettings settings = Settings();
    settings.bubblewrap = Text(staging_->path(), "/", name);
    const auto report = TestIsolation(*Sandbox::Open(settings));
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->Find(hole.aspect)->state, IsolationAspect::State::kFailed) << hole.dropped;
    EXPECT_TRUE(absl::IsFailedPrecondition(report->Check()));
    EXPECT_THAT(std::string(MessageOf(report->Check())), HasSubstr(hole.aspect));
    std::cout << report->Check() << "\n";
  }
}

TEST_F(SandboxTest, WithoutBubblewrapThereIsNone) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  const auto sandbox = Sandbox::Open(Settings());
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(sandbox.status()));
  EXPECT_THAT(std::string(MessageOf(sandbox.status())), HasSubstr("bubblewrap"));
}

TEST_F(SandboxTest, TheEnvironmentsDigestCoversWhatItSays) {
  const auto environment = DescribeEnvironment(*Sandbox::Open(Settings()));
  ASSERT_TRUE(environment.ok()) << environment.status();
  std::cout << environment->text;
  EXPECT_EQ(DescribeEnvironment(*Sandbox::Open(Settings()))->digest, environment->digest);
  SandboxSettings other = Settings();
  ++other.limits.processes;
  EXPECT_NE(DescribeEnvironment(*Sandbox::Open(other))->digest, environment->digest);
  other = Settings();
  other.runtime.push_back(staging_->path());
  const Digest before = DescribeEnvironment(*Sandbox::Open(other))->digest;
  EXPECT_NE(before, environment->digest);
  ASSERT_TRUE(staging_->AddFile("library.so", "x").ok());
  EXPECT_NE(DescribeEnvironment(*Sandbox::Open(other))->digest, before);
}

// What a plain user may have no means for: cgroups are root's on most machines, and x32 is a matter of x86-64.
constexpr const char* kMayBeSkippedForAPlainUser[] = {"MemoryOfManyProcesses", "AnX32CallIsKilled"};

// Runs `command` as a plain user. Returns its wait status and what it wrote.
std::pair<int, std::string> RunAsPlainUser(const std::string& command) {
  std::FILE* run = ::popen(
      Text("cd / && unset TMPDIR && exec setpriv --reuid 65534 --regid 65534 --clear-groups -- ", command, " 2>&1")
          .c_str(),
      "r");
  if (run == nullptr) return {-1, "popen failed"};
  std::string output;
  char chunk[4096];
  while (const size_t got = std::fread(chunk, 1, sizeof chunk, run)) output.append(chunk, got);
  return {::pclose(run), output};
}

// Every test above again as somebody who is not root. What is printed here must not hold the marker of a skipped test:
// ctest takes this test for skipped then, whatever came of it.
TEST(SandboxAsPlainUserTest, AllHoldsForAPlainUserToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "the others run as a plain user already";
  if (const auto [status, output] = RunAsPlainUser("bwrap --unshare-all --ro-bind / / /usr/bin/true"); status != 0) {
    GTEST_SKIP() << "NOT TESTED: a plain user has no bubblewrap here: " << output;
  }
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  if (const auto [status, output] = RunAsPlainUser(Text(self, " --gtest_list_tests")); status != 0) {
    GTEST_SKIP() << "NOT TESTED: a plain user can't run this program: " << output;
  }
  const auto [status, output] = RunAsPlainUser(Text(self, " --gtest_color=no --gtest_filter='SandboxTest.*'"));
  EXPECT_EQ(status, 0);
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  int looked_at = 0;
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    if (std::string_view(suite.name()) != "SandboxTest") continue;
    for (int k = 0; k < suite.total_test_count(); ++k, ++looked_at) {
      const std::string name = suite.GetTestInfo(k)->name();
      const bool skipped = output.find(Text("[  SKIPPED ] SandboxTest.", name, " ")) != std::string::npos;
      if (skipped && std::ranges::count(kMayBeSkippedForAPlainUser, name) != 0) {
        std::cout << "NOT TESTED for a plain user: " << name << "\n";
        continue;
      }
      EXPECT_NE(output.find(Text("[       OK ] SandboxTest.", name, " ")), std::string::npos) << name;
    }
  }
  EXPECT_GT(looked_at, 20);
  if (HasFailure()) {
    std::cout << absl::StrReplaceAll(output, {{"[  SKIPPED ]", "[  skipped ]"}});
  }
}

}  // namespace
}  // namespace anamnesis
