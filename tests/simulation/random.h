#ifndef ANAMNESIS_TESTS_SIMULATION_RANDOM_H_
#define ANAMNESIS_TESTS_SIMULATION_RANDOM_H_

// Pseudo-random numbers that a seed determines on every machine (SplitMix64).

#include <cstddef>
#include <cstdint>
#include <vector>

namespace anamnesis {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15 + 0x1234567) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // In [0, limit); `limit` is at least 1.
  size_t Below(size_t limit) { return static_cast<size_t>(Next() % limit); }
  // In [first, last].
  int64_t Between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(Next() % static_cast<uint64_t>(last - first + 1));
  }
  // True so often in a thousand.
  bool Chance(int permille) { return static_cast<int>(Below(1000)) < permille; }
  // One of a vector that is not empty.
  template <typename T>
  const T& OneOf(const std::vector<T>& choices) {
    return choices[Below(choices.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SIMULATION_RANDOM_H_
