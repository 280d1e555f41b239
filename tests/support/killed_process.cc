#include "tests/support/killed_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "ledger/base/check.h"
#include "ledger/base/status.h"

namespace anamnesis {
namespace {

using std::chrono::microseconds;

pid_t Start(const OwnTest& test, const std::string& value) {
  const std::string filter = Text("--gtest_filter=", test.name);
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child != 0) return child;
  ::setenv(test.variable.c_str(), value.c_str(), 1);
  ::execl("/proc/self/exe", test.name.c_str(), filter.c_str(), "--gtest_also_run_disabled_tests", nullptr);
  ::_exit(127);
}

// Whether it was killed. When it was not, it has to have succeeded.
bool WasKilled(pid_t child) {
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  return false;
}

}  // namespace

microseconds RunWhole(const OwnTest& test, const std::string& value) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(WasKilled(Start(test, value)));
  return std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - began);
}

int KillUntilItEnds(const OwnTest& test, const std::string& value, microseconds whole, std::mt19937_64& random,
                    const std::function<bool()>& after_kill) {
  // The first six run for half of the whole together, at most. After thirty kills one may outlast it, and each more
  // probably, were nothing of what the others did kept.
  const auto step = static_cast<uint64_t>(whole.count()) / 30 + 1;
  int kills = 0;
  for (bool ended = false; !ended && !testing::Test::HasFailure();) {
    const pid_t child = Start(test, value);
    std::this_thread::sleep_for(microseconds(random() % (step * static_cast<uint64_t>(kills) + 1)));
    ::kill(child, SIGKILL);
    const bool killed = WasKilled(child);
    kills += killed ? 1 : 0;
    ended = !killed || after_kill();
  }
  return kills;
}

}  // namespace anamnesis
