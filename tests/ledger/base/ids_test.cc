#include "ledger/base/ids.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace anamnesis {
namespace {

using absl::StatusCode;

constexpr std::array<uint8_t, 10> kOnes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

TEST(EventIdTest, Version7HasTimeVersionAndVariant) {
  const EventId id = EventId::MakeVersion7(0x0123456789ab, {});
  EXPECT_EQ(id.text(), "01234567-89ab-7000-8000-000000000000");
  EXPECT_EQ(id.version(), 7);
  EXPECT_TRUE(id.standard_variant());
  EXPECT_EQ(EventId::MakeVersion7(0, kOnes).text(), "00000000-0000-7fff-bfff-ffffffffffff");
  EXPECT_LT(EventId::MakeVersion7(5, kOnes), EventId::MakeVersion7(6, {}));
}

TEST(EventIdTest, Version8KeepsTheDigestsOtherBits) {
  const EventId id = EventId::MakeVersion8(std::string(32, '\xff'));
  EXPECT_EQ(id.text(), "ffffffff-ffff-8fff-bfff-ffffffffffff");
  EXPECT_EQ(EventId::MakeVersion8(std::string(32, '\0')).text(), "00000000-0000-8000-8000-000000000000");
}

TEST(EventIdTest, TextRoundTripsInEitherCase) {
  const std::string text = "01950000-abcd-7ef0-8123-456789abcdef";
  EXPECT_EQ(EventId::FromText(text)->text(), text);
  EXPECT_EQ(EventId::FromText("01950000-ABCD-7EF0-8123-456789ABCDEF")->text(), text);
  for (const char* bad : {"", "01950000abcd7ef08123456789abcdef", "01950000-abcd-7ef0-8123-456789abcde",
                          "01950000-abcd-7ef0-8123-456789abcdefa", "0195000-0abcd-7ef0-8123-456789abcdef",
                          "01950000-abcd-7ef0-8123-456789abcdeg", "{01950000-abcd-7ef0-8123-456789abcdef}",
                          "01950000-abcd-7ef0-8123-4567-9abcdef", "01950000_abcd_7ef0_8123_456789abcdef"}) {
    EXPECT_EQ(EventId::FromText(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(EventIdTest, BytesAreSixteen) {
  EXPECT_EQ(EventId::FromBytes(std::string(16, 'a'))->bytes(), std::string(16, 'a'));
  for (size_t size : {0u, 15u, 17u}) {
    const Status status = EventId::FromBytes(std::string(size, 'a'), "the_field").status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.ToString().find("the_field"), std::string::npos);
  }
}

}  // namespace
}  // namespace anamnesis
