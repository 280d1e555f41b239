#ifndef ANAMNESIS_LEDGER_BASE_DECIMAL_H_
#define ANAMNESIS_LEDGER_BASE_DECIMAL_H_

// Decimal numbers as text, as they are signed (FieldRule.format DECIMAL): -?digits[.digits][e[+-]digits]. Compared
// exactly, never through binary floating point. Pure; any thread.

#include <compare>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

// Whether `text` is a decimal number.
bool IsDecimal(std::string_view text);

// A decimal number, normalised: equal numbers compare equal however they were written.
class Decimal {
 public:
  // INVALID_ARGUMENT when `text` is no decimal number or its exponent lies outside [-10000, 10000].
  static StatusOr<Decimal> Parse(std::string_view text);

  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
  friend bool operator==(const Decimal& a, const Decimal& b) { return (a <=> b) == 0; }

  bool negative() const { return negative_; }
  bool zero() const { return digits_.empty(); }
  // The nearest double: for display and statistics only.
  double Approximate() const;

  friend StatusOr<std::string> SubtractDecimals(std::string_view a, std::string_view b);

 private:
  // (-1)^negative * 0.DIGITS * 10^exponent, digits without leading or trailing zeros; empty for zero.
  bool negative_ = false;
  std::string digits_;
  int64_t exponent_ = 0;
};

// a - b, exactly, as digits with an optional sign and fraction: "-0.04". INVALID_ARGUMENT as Decimal::Parse;
// OUT_OF_RANGE when that takes more than 1,000 digits.
StatusOr<std::string> SubtractDecimals(std::string_view a, std::string_view b);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_DECIMAL_H_
