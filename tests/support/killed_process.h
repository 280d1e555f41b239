#ifndef ANAMNESIS_TESTS_SUPPORT_KILLED_PROCESS_H_
#define ANAMNESIS_TESTS_SUPPORT_KILLED_PROCESS_H_

// What is killed at any moment, again and again, until it gets to its end.

#include <chrono>
#include <functional>
#include <random>
#include <string>

namespace anamnesis {

// A disabled test of this program, which takes what it works on from the environment.
struct OwnTest {
  std::string name;  // "Suite.DISABLED_Name"
  std::string variable;
};

// Runs `test` with `value` in a process of its own, to its end, and says how long that took. What it failed with is a
// failure of the calling test.
std::chrono::microseconds RunWhole(const OwnTest& test, const std::string& value);

// Runs `test` with `value` in one process after the other. Each is killed at a random moment, later on average than the
// one before, until one gets to its end, or `after_kill`, which looks at what each left, says that nothing remains to
// be done. `whole` is how long it takes on this machine: the first few are killed well before, together too, however
// fast that is. Returns how many were killed.
int KillUntilItEnds(
    const OwnTest& test, const std::string& value, std::chrono::microseconds whole, std::mt19937_64& random,
    const std::function<bool()>& after_kill = [] { return false; });

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_KILLED_PROCESS_H_
