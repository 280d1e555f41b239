#include "ledger/base/time.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

namespace anamnesis {
namespace {

using absl::StatusCode;

TEST(TimeTest, FormatsWithAsManyDigitsAsNeeded) {
  EXPECT_EQ(FormatTime(Timestamp(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(Timestamp(1742036400001000)), "2025-03-15T11:00:00.001Z");
  EXPECT_EQ(FormatTime(Timestamp(1742036400000001)), "2025-03-15T11:00:00.000001Z");
  EXPECT_EQ(FormatTime(Timestamp(-1)), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTime(kTimestampMin), "1900-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(Timestamp(kTimestampLimit.us - 1)), "2199-12-31T23:59:59.999999Z");
}

TEST(TimeTest, ParsesZonesAndFractions) {
  const std::pair<const char*, int64_t> cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T01:00:00+01:00", 0},
      {"1969-12-31T19:00:00-05:00", 0},
      {"1970-01-01T00:00:00.5Z", 500000},
      {"1970-01-01T00:00:00.000001Z", 1},
      {"1970-01-01T00:00:00.0000019Z", 1},
      {"1969-12-31T23:59:59.9999995Z", -1},
      {"2024-02-29T12:00:00Z", 1709208000000000},
      {"1900-01-01T00:00:00Z", kTimestampMin.us},
      {"2199-12-31T23:59:59.999999Z", kTimestampLimit.us - 1},
  };
  for (const auto& [text, us] : cases) {
    const StatusOr<Timestamp> time = ParseTime(text);
    ASSERT_TRUE(time.ok()) << text << " " << time.status();
    EXPECT_EQ(time->us, us) << text;
  }
}

TEST(TimeTest, RefusesWhatIsNotATimeWithAZone) {
  for (const char* bad : {"",
                          "now",
                          "1970-01-01",
                          "1970-01-01T00:00:00",
                          "1970-13-01T00:00:00Z",
                          "2023-02-29T00:00:00Z",
                          "1970-01-01T25:00:00Z",
                          "1970-01-01T00:61:00Z",
                          "1970-01-01T00:00:00Zx",
                          "x1970-01-01T00:00:00Z",
                          "1899-12-31T23:59:59.999999Z",
                          "2200-01-01T00:00:00Z",
                          "infinite-future",
                          "infinite-past",
                          "1970-01-01T00:00:00.Z",
                          " 1970-01-01T00:00:00Z",
                          "1970-01-01T00:00:00Z ",
                          "1970-1-1T00:00:00Z",
                          "1970-01-01 00:00:00Z",
                          "1970-01-01T00:00:00+0100",
                          "1970-01-01T00:00:00+01",
                          "99999-01-01T00:00:00Z"}) {
    EXPECT_EQ(ParseTime(bad).status().code(), StatusCode::kInvalidArgument) << "\"" << bad << "\"";
  }
}

TEST(TimeTest, WhatIsFormattedIsParsedBack) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 5000; ++i) {
    const auto range = static_cast<uint64_t>(kTimestampLimit.us - kTimestampMin.us);
    const Timestamp time(kTimestampMin.us + static_cast<int64_t>(random() % range));
    ASSERT_EQ(*ParseTime(FormatTime(time)), time) << FormatTime(time);
  }
}

}  // namespace
}  // namespace anamnesis
