#include <gtest/gtest.h>

#include <random>
#include <string>

#include "ledger/base/decimal.h"

namespace anamnesis {
namespace {

TEST(DecimalDifferenceTest, IsExact) {
  struct Case {
    const char* a;
    const char* b;
    const char* difference;
  };
  for (const Case& c : {
           Case{"0.925", "0.90", "0.025"},
           Case{"0.96", "0.92", "0.04"},
           Case{"0.1", "0.3", "-0.2"},
           Case{"1", "1.0", "0"},
           Case{"-1", "1", "-2"},
           Case{"1", "-1", "2"},
           Case{"-1.5", "-1.5", "0"},
           Case{"-3", "-1", "-2"},
           Case{"1e3", "0.001", "999.999"},
           Case{"0", "0.00", "0"},
           Case{"1000000000000000000000", "1", "999999999999999999999"},
           Case{"5e-4", "1e-3", "-0.0005"},
       }) {
    EXPECT_EQ(SubtractDecimals(c.a, c.b).value(), c.difference) << c.a << " - " << c.b;
  }
}

TEST(DecimalDifferenceTest, AgreesWithIntegers) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    const int64_t a = static_cast<int64_t>(random() % 200001) - 100000;
    const int64_t b = static_cast<int64_t>(random() % 200001) - 100000;
    EXPECT_EQ(SubtractDecimals(std::to_string(a), std::to_string(b)).value(), std::to_string(a - b));
    const std::string thousandth = SubtractDecimals(Text(a, "e-3"), Text(b, "e-3")).value();
    EXPECT_EQ(Decimal::Parse(thousandth).value(), Decimal::Parse(Text(a - b, "e-3")).value()) << thousandth;
  }
}

TEST(DecimalDifferenceTest, WhatIsNoNumberOrTooLongIsRefused) {
  EXPECT_EQ(SubtractDecimals("x", "1").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SubtractDecimals("1", "").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SubtractDecimals("1e5000", "1").status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(SubtractDecimals("1e-5000", "1").status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace anamnesis
