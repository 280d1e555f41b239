#include "ledger/query/vague_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace anamnesis {
namespace {

constexpr std::string_view kVague[] = {"representative", "appropriate", "adequate", "sufficient",
                                       "suitable",       "various",     "typical",  "diverse",
                                       "as needed",      "standard",    "relevant", "high quality"};
// Before a number that is a bound.
constexpr std::string_view kComparing[] = {"over", "under", "above",   "below",   "least",
                                           "most", "than",  "minimum", "maximum", "min",
                                           "max",  "up",    "exactly", "between", "to"};
// Before a number that is part of a name.
constexpr std::string_view kNaming[] = {"version", "v",     "protocol", "section", "clause", "chapter", "part",
                                        "table",   "phase", "type",     "no",      "number", "iso",     "iec",
                                        "site",    "class", "step",     "in",      "since",  "from",    "until"};
// After a number that they say nothing of.
constexpr std::string_view kJoining[] = {"and", "or", "as", "of", "in", "with", "to", "for", "at", "on", "by", "from"};

template <size_t N>
bool IsIn(const std::string_view (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }

bool IsComparator(std::string_view word) {
  return !word.empty() && (word.find_first_of("<>=") != word.npos || IsIn(kComparing, word));
}

// "2024", not "2024.5".
bool IsYear(std::string_view number) {
  return number.size() == 4 && std::all_of(number.begin(), number.end(), IsDigit) &&
         (number.starts_with("19") || number.starts_with("20"));
}

// Whether the word after a number says what it counts.
bool IsCounted(std::string_view word) {
  if (word.empty()) return false;
  const bool word_or_percent = IsLetter(word[0]) || word[0] == '%';
  return word_or_percent && !IsIn(kJoining, word) && !IsIn(kVague, word);
}

bool StatesQuantity(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view before = i == 0 ? std::string_view() : words[i - 1];
    const std::string_view after = i + 1 == words.size() ? std::string_view() : words[i + 1];
    const std::string_view word = words[i];
    const size_t begin = std::min(word.find_first_not_of("<>=~"), word.size());
    const std::string_view number = word.substr(begin, word.find_first_not_of("0123456789.", begin) - begin);
    if (number.empty() || !IsDigit(number[0])) continue;
    const std::string_view unit = word.substr(begin + number.size());
    if (IsComparator(word.substr(0, begin)) || IsComparator(before)) return true;
    // "1/2024" and "2024-03" are dates, "3-fold" and "T1" names.
    if (IsYear(number) || IsIn(kNaming, before)) continue;
    if (unit.empty() ? IsCounted(after) : (IsLetter(unit[0]) || unit[0] == '%')) return true;
  }
  return false;
}

}  // namespace

bool IsVague(std::string_view text) {
  std::string lower(text);
  absl::AsciiStrToLower(&lower);
  const bool sounds = std::any_of(std::begin(kVague), std::end(kVague),
                                  [&](std::string_view word) { return lower.find(word) != lower.npos; });
  if (!sounds) return false;
  return !StatesQuantity(absl::StrSplit(lower, absl::ByAnyChar(" \t\n,;:()\""), absl::SkipEmpty()));
}

}  // namespace anamnesis
