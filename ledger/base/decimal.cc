#include "ledger/base/decimal.h"

#include <algorithm>
#include <cstdlib>

namespace anamnesis {
namespace {

constexpr int64_t kExponentMax = 10'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The parts of a decimal number, borrowed from its text.
struct Parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  bool exponent_negative = false;
  std::string_view exponent;
};

bool TakeDigits(std::string_view& text, std::string_view& digits) {
  size_t count = 0;
  while (count < text.size() && IsDigit(text[count])) ++count;
  digits = text.substr(0, count);
  text.remove_prefix(count);
  return count > 0;
}

bool TakeOne(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool Split(std::string_view text, Parts& parts) {
  parts.negative = TakeOne(text, "-");
  if (!TakeDigits(text, parts.whole)) return false;
  if (TakeOne(text, ".") && !TakeDigits(text, parts.fraction)) return false;
  if (TakeOne(text, "eE")) {
    parts.exponent_negative = text.starts_with('-');
    (void)TakeOne(text, "+-");
    if (!TakeDigits(text, parts.exponent)) return false;
  }
  return text.empty();
}

}  // namespace

bool IsDecimal(std::string_view text) {
  Parts parts;
  return Split(text, parts);
}

StatusOr<Decimal> Decimal::Parse(std::string_view text) {
  Parts parts;
  if (!Split(text, parts)) return absl::InvalidArgumentError(Text("\"", text, "\" is not a decimal number"));
  int64_t exponent = 0;
  for (const char digit : parts.exponent) {
    exponent = exponent * 10 + (digit - '0');
    if (exponent > kExponentMax) {
      return absl::InvalidArgumentError(Text("\"", text, "\" has an exponent beyond ", kExponentMax));
    }
  }
  Decimal number;
  number.digits_ = std::string(parts.whole) + std::string(parts.fraction);
  number.exponent_ = (parts.exponent_negative ? -exponent : exponent) + static_cast<int64_t>(parts.whole.size());
  const size_t leading = std::min(number.digits_.find_first_not_of('0'), number.digits_.size());
  number.digits_.erase(0, leading);
  number.exponent_ -= static_cast<int64_t>(leading);
  while (number.digits_.ends_with('0')) number.digits_.pop_back();
  number.negative_ = parts.negative && !number.digits_.empty();
  if (number.digits_.empty()) number.exponent_ = 0;
  return number;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  const auto sign = [](const Decimal& number) { return number.zero() ? 0 : number.negative_ ? -1 : 1; };
  if (sign(a) != sign(b)) return sign(a) <=> sign(b);
  if (a.zero()) return std::strong_ordering::equal;
  // Digits are compared as fractions, so the shorter of two with one start is the smaller.
  const std::strong_ordering magnitude =
      a.exponent_ != b.exponent_ ? a.exponent_ <=> b.exponent_ : a.digits_.compare(b.digits_) <=> 0;
  return a.negative_ ? 0 <=> magnitude : magnitude;
}

double Decimal::Approximate() const {
  const std::string text = Text(negative_ ? "-" : "", "0.", digits_.empty() ? "0" : digits_, "e", exponent_);
  return std::strtod(text.c_str(), nullptr);
}

}  // namespace anamnesis
