#include "ledger/query/calendar.h"

namespace anamnesis {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
const absl::CivilDay kEpochDay(1970, 1, 1);

bool IsWorkDay(absl::CivilDay day, const std::set<std::string>& holidays) {
  const absl::Weekday weekday = absl::GetWeekday(day);
  return weekday != absl::Weekday::saturday && weekday != absl::Weekday::sunday &&
         holidays.count(absl::FormatCivilTime(day)) == 0;
}

}  // namespace

absl::CivilDay Calendar::DayOf(Timestamp time) const {
  const int64_t local = time.us + offset_us_;
  const int64_t days = local >= 0 ? local / kDayUs : -((-local + kDayUs - 1) / kDayUs);
  return kEpochDay + days;
}

Timestamp Calendar::StartOf(absl::CivilDay day) const { return Timestamp((day - kEpochDay) * kDayUs - offset_us_); }

absl::CivilDay AddDays(absl::CivilDay start, uint32_t count, bool exclude_start) {
  return start + (static_cast<int64_t>(count) - (exclude_start || count == 0 ? 0 : 1));
}

absl::CivilDay AddWorkDays(absl::CivilDay start, uint32_t count, bool exclude_start,
                           const std::set<std::string>& holidays) {
  absl::CivilDay day = start;
  uint32_t counted = !exclude_start && IsWorkDay(day, holidays) ? 1 : 0;
  while (counted < count) {
    ++day;
    if (IsWorkDay(day, holidays)) ++counted;
  }
  return day;
}

}  // namespace anamnesis
