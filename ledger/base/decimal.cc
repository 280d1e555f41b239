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

// Whole digits, most significant first and of one length, as numbers without signs.
std::string AddDigits(const std::string& a, const std::string& b) {
  std::string sum(a.size() + 1, '0');
  int carry = 0;
  for (size_t i = a.size(); i-- > 0;) {
    const int digit = (a[i] - '0') + (b[i] - '0') + carry;
    sum[i + 1] = static_cast<char>('0' + digit % 10);
    carry = digit / 10;
  }
  sum[0] = static_cast<char>('0' + carry);
  return sum;
}

// `a` is not smaller.
std::string SubtractDigits(const std::string& a, const std::string& b) {
  std::string difference(a.size(), '0');
  int borrow = 0;
  for (size_t i = a.size(); i-- > 0;) {
    int digit = (a[i] - '0') - (b[i] - '0') - borrow;
    borrow = digit < 0 ? 1 : 0;
    if (digit < 0) digit += 10;
    difference[i] = static_cast<char>('0' + digit);
  }
  return difference;
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

StatusOr<std::string> SubtractDecimals(std::string_view a, std::string_view b) {
  constexpr int64_t kDigitsMax = 1000;
  ASSIGN_OR_RETURN(const Decimal left, Decimal::Parse(a));
  ASSIGN_OR_RETURN(Decimal right, Decimal::Parse(b));
  right.negative_ = !right.negative_ && !right.zero();
  // Both as digits before and after the point.
  const auto size = [](const Decimal& number) { return static_cast<int64_t>(number.digits_.size()); };
  const int64_t whole = std::max({int64_t{1}, left.exponent_, right.exponent_});
  const int64_t fraction = std::max({int64_t{0}, size(left) - left.exponent_, size(right) - right.exponent_});
  if (whole + fraction > kDigitsMax) {
    return absl::OutOfRangeError(Text("the difference of ", a, " and ", b, " has more than ", kDigitsMax, " digits"));
  }
  const auto aligned = [&](const Decimal& number) {
    std::string digits(static_cast<size_t>(whole + fraction), '0');
    std::copy(number.digits_.begin(), number.digits_.end(), digits.begin() + (whole - number.exponent_));
    return digits;
  };
  const std::string l = aligned(left);
  const std::string r = aligned(right);
  const bool add = left.negative_ == right.negative_;
  std::string digits = add ? AddDigits(l, r) : l >= r ? SubtractDigits(l, r) : SubtractDigits(r, l);
  const bool negative = add || l >= r ? left.negative_ : right.negative_;
  std::string text = digits.substr(0, digits.size() - static_cast<size_t>(fraction));
  text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
  std::string rest = digits.substr(digits.size() - static_cast<size_t>(fraction));
  while (rest.ends_with('0')) rest.pop_back();
  if (!rest.empty()) text += Text(".", rest);
  return negative && text != "0" ? Text("-", text) : text;
}

}  // namespace anamnesis
