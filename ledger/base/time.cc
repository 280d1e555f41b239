#include "ledger/base/time.h"

#include <algorithm>

#include "absl/time/time.h"

namespace anamnesis {
namespace {

// Whether `text` is `pattern` with a digit for each 0.
bool Matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i]) return false;
  }
  return true;
}

// absl takes more than RFC 3339: blanks around it, single digits, "infinite-future", zones without a colon.
bool HasShape(std::string_view text) {
  constexpr std::string_view kSeconds = "0000-00-00T00:00:00";
  if (!Matches(text.substr(0, kSeconds.size()), kSeconds)) return false;
  text.remove_prefix(kSeconds.size());
  if (text.starts_with('.')) {
    const size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    if (end == 1) return false;
    text.remove_prefix(end);
  }
  return text == "Z" || Matches(text, "+00:00") || Matches(text, "-00:00");
}

}  // namespace

std::string FormatTime(Timestamp time) {
  const char* format = time.us % 1000000 == 0 ? "%Y-%m-%dT%H:%M:%SZ"
                       : time.us % 1000 == 0  ? "%Y-%m-%dT%H:%M:%E3SZ"
                                              : "%Y-%m-%dT%H:%M:%E6SZ";
  return absl::FormatTime(format, absl::FromUnixMicros(time.us), absl::UTCTimeZone());
}

StatusOr<Timestamp> ParseTime(std::string_view text) {
  absl::Time parsed;
  std::string error;
  if (!HasShape(text) ||
      !absl::ParseTime(absl::RFC3339_full, absl::string_view(text.data(), text.size()), &parsed, &error)) {
    return absl::InvalidArgumentError(
        Text("\"", text, "\" is not an RFC 3339 time with zone, for example 2026-11-21T14:03:07Z"));
  }
  const Timestamp time(absl::ToUnixMicros(parsed));
  if (time < kTimestampMin || time >= kTimestampLimit) {
    return absl::InvalidArgumentError(Text("\"", text, "\" lies outside the years 1900 to 2199"));
  }
  return time;
}

}  // namespace anamnesis
