#include "ledger/base/time.h"

#include "absl/time/time.h"

namespace anamnesis {

std::string FormatTime(Timestamp time) {
  const char* format = time.us % 1000000 == 0 ? "%Y-%m-%dT%H:%M:%SZ"
                       : time.us % 1000 == 0  ? "%Y-%m-%dT%H:%M:%E3SZ"
                                              : "%Y-%m-%dT%H:%M:%E6SZ";
  return absl::FormatTime(format, absl::FromUnixMicros(time.us), absl::UTCTimeZone());
}

StatusOr<Timestamp> ParseTime(std::string_view text) {
  absl::Time parsed;
  std::string error;
  const bool ok = absl::ParseTime(absl::RFC3339_full, absl::string_view(text.data(), text.size()), &parsed, &error);
  // absl accepts "infinite-future"; an RFC 3339 time starts with a digit.
  if (!ok || text.empty() || text[0] < '0' || text[0] > '9') {
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
