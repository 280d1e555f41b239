#include "client/cli/utc_offset.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace anamnesis::cli {
namespace {

TEST(UtcOffset, IsHoursAndMinutesWithASign) {
  EXPECT_EQ(*ParseUtcOffset("Z"), 0);
  EXPECT_EQ(*ParseUtcOffset("+00:00"), 0);
  EXPECT_EQ(*ParseUtcOffset("+02:00"), 120);
  EXPECT_EQ(*ParseUtcOffset("-09:30"), -570);
  EXPECT_EQ(*ParseUtcOffset("+05:45"), 345);
}

TEST(UtcOffset, IsNoBareNumber) {
  for (const std::string text : {"", "2", "+1", "120", "-570", "+2:00", "02:00", "+02:60", "+0200", ".5Z", "+02:0x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseUtcOffset(text).status())) << text;
  }
}

TEST(UtcOffset, IsAnOption) {
  CLI::App app;
  int32_t minutes = std::numeric_limits<int32_t>::max();
  AddUtcOffsetOption(app, minutes, "of the days that count");
  app.parse("--utc-offset -09:30");
  EXPECT_EQ(minutes, -570);
  EXPECT_THROW(app.parse("--utc-offset 2"), CLI::ValidationError);
}

}  // namespace
}  // namespace anamnesis::cli
