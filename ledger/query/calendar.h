#ifndef ANAMNESIS_LEDGER_QUERY_CALENDAR_H_
#define ANAMNESIS_LEDGER_QUERY_CALENDAR_H_

// Days as laws count them. Pure: a day is one of a fixed offset from UTC, and holidays are data.

#include <set>
#include <string>

#include "absl/time/civil_time.h"
#include "ledger/base/time.h"

namespace anamnesis {

class Calendar {
 public:
  // `offset_minutes`: east of UTC.
  explicit Calendar(int32_t offset_minutes) : offset_us_(int64_t{offset_minutes} * 60 * 1'000'000) {}

  absl::CivilDay DayOf(Timestamp time) const;
  Timestamp StartOf(absl::CivilDay day) const;
  bool is_utc() const { return offset_us_ == 0; }

 private:
  int64_t offset_us_;
};

// The last of `count` days after `start`, where `start` is day 1 unless it is left out. Count 0 is `start` itself.
absl::CivilDay AddDays(absl::CivilDay start, uint32_t count, bool exclude_start);
// The same over days that are neither Saturday, Sunday nor one of `holidays` (YYYY-MM-DD).
absl::CivilDay AddWorkDays(absl::CivilDay start, uint32_t count, bool exclude_start,
                           const std::set<std::string>& holidays);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CALENDAR_H_
