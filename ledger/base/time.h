#ifndef ANAMNESIS_LEDGER_BASE_TIME_H_
#define ANAMNESIS_LEDGER_BASE_TIME_H_

// Points in time as data: int64 microseconds since the Unix epoch, UTC. No function here reads a clock.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

struct Timestamp {
  int64_t us = 0;

  constexpr Timestamp() = default;
  constexpr explicit Timestamp(int64_t microseconds) : us(microseconds) {}
  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
};

// The range that events may name: [1900-01-01, 2200-01-01). It keeps arithmetic on times far from overflow.
inline constexpr Timestamp kTimestampMin{-2208988800000000};
inline constexpr Timestamp kTimestampLimit{7258118400000000};

// RFC 3339 with "Z" and as many fractional digits (0, 3 or 6) as the value needs.
std::string FormatTime(Timestamp time);

// Parses RFC 3339 with a zone ("2026-11-21T14:03:07+01:00", fractions allowed, digits beyond microseconds cut off).
// INVALID_ARGUMENT when it is not that, lacks the zone, or lies outside [kTimestampMin, kTimestampLimit).
StatusOr<Timestamp> ParseTime(std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_TIME_H_
