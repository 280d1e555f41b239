#ifndef ANAMNESIS_TESTS_CLIENT_EXPORTS_HOURS_H_
#define ANAMNESIS_TESTS_CLIENT_EXPORTS_HOURS_H_

// Times of histories, in hours from where they begin.

#include <utility>

#include "tests/support/test_run.h"

namespace anamnesis::exports {

inline constexpr int64_t kHour = int64_t{3600} * 1'000'000;

inline Timestamp Hour(int64_t hour) { return Timestamp(kTestStart.us + hour * kHour); }

inline EventDraft AtHour(EventDraft draft, int64_t from, int64_t until) {
  SetOccurred(draft, Hour(from), Hour(until));
  return draft;
}
inline EventDraft AtHour(EventDraft draft, int64_t hour) { return AtHour(std::move(draft), hour, hour); }

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_TESTS_CLIENT_EXPORTS_HOURS_H_
