#ifndef ANAMNESIS_TESTS_CONFORMANCE_VECTORS_H_
#define ANAMNESIS_TESTS_CONFORMANCE_VECTORS_H_

// Where third parties' vectors are: read in place, never copied into the project. A test that needs them starts with
// REQUIRE_VECTORS and is skipped, visibly, where they are absent.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/support/places.h"
namespace anamnesis {

inline std::filesystem::path VectorsPath(std::string_view relative) {
  return std::filesystem::path(SharedPath("vectors")) / relative;
}

inline std::string ReadVector(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace anamnesis

#define REQUIRE_VECTORS(relative)                                   \
  if (!std::filesystem::exists(::anamnesis::VectorsPath(relative))) \
  GTEST_SKIP() << "NOT TESTED: the third-party vectors are absent: " << ::anamnesis::VectorsPath(relative)

#endif  // ANAMNESIS_TESTS_CONFORMANCE_VECTORS_H_
