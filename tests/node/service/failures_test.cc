#include "node/service/failures.h"

#include <gtest/gtest.h>

#include <string>

namespace anamnesis {
namespace {

TEST(Failures, AMessageIsCutBetweenCharacters) {
  Failures failures([](std::string_view) {});
  // A character of three bytes lies across the limit, wherever that is.
  for (size_t before = 0; before < 3; ++before) {
    std::string text(before, 'x');
    while (text.size() < 3000) text += "\xE2\x86\x92";
    const std::string message = failures.Answer("Get", absl::NotFoundError(text)).error_message();
    EXPECT_LT(message.size(), text.size());
    EXPECT_GT(message.size(), 1000u);
    EXPECT_EQ(message, text.substr(0, message.size()));
    EXPECT_EQ((message.size() - before) % 3, 0u) << before;
  }
}

}  // namespace
}  // namespace anamnesis
