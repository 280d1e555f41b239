#include "ledger/base/decimal.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace anamnesis {
namespace {

Decimal Of(std::string_view text) {
  const StatusOr<Decimal> number = Decimal::Parse(text);
  EXPECT_TRUE(number.ok()) << text << ": " << number.status();
  return number.value_or(Decimal());
}

TEST(DecimalTest, EqualNumbersAreEqualHoweverTheyAreWritten) {
  for (const std::string_view text : {"94", "94.0", "094", "9.4e1", "9.4E+1", "940e-1", "0.94e2", "94.000e0"}) {
    EXPECT_EQ(Of(text), Of("94")) << text;
  }
  for (const std::string_view text : {"0", "-0", "0.00", "0e9", "-0.0e-3"}) EXPECT_EQ(Of(text), Of("0")) << text;
}

TEST(DecimalTest, OrderIsThatOfTheNumbers) {
  const std::string_view ascending[] = {"-1e3",  "-100",  "-99.9", "-1",  "-0.9", "-1e-9", "0",
                                        "1e-10", "0.009", "0.01",  "0.9", "0.99", "1",     "1.001",
                                        "9.9",   "10",    "94",    "1e2", "12e1", "1e9999"};
  for (size_t i = 0; i < std::size(ascending); ++i) {
    for (size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(Of(ascending[i]) < Of(ascending[j]), i < j) << ascending[i] << " and " << ascending[j];
    }
  }
}

TEST(DecimalTest, AgreesWithIntegersOnRandomNumbers) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t a = static_cast<int64_t>(random() % 4001) - 2000;
    const int64_t b = static_cast<int64_t>(random() % 4001) - 2000;
    // The same numbers, shifted by a power of ten.
    const int shift = static_cast<int>(random() % 7) - 3;
    const std::string tail = Text("e", shift);
    EXPECT_EQ(Of(std::to_string(a) + tail) <=> Of(std::to_string(b) + tail), a <=> b) << a << " " << b;
  }
}

TEST(DecimalTest, WhatIsNoneIsRefused) {
  for (const std::string_view text : {"", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "1 ", " 1", "1,5", "nan", "--1"}) {
    EXPECT_FALSE(IsDecimal(text)) << text;
    EXPECT_TRUE(absl::IsInvalidArgument(Decimal::Parse(text).status())) << text;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Decimal::Parse("1e10001").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Decimal::Parse("1e-99999999999999999999").status()));
}

TEST(DecimalTest, Approximates) {
  EXPECT_DOUBLE_EQ(Of("-12.5e-1").Approximate(), -1.25);
  EXPECT_DOUBLE_EQ(Of("0").Approximate(), 0);
}

}  // namespace
}  // namespace anamnesis
