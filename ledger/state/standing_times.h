#ifndef ANAMNESIS_LEDGER_STATE_STANDING_TIMES_H_
#define ANAMNESIS_LEDGER_STATE_STANDING_TIMES_H_

// When time alone changes what the gate decides: an end of validity, a due date, a beginning that lies ahead. Every
// such time that an event names and that lies after its recording is kept with the event, so that the standing check
// (gate/standing_check.h) looks again at whom the event touches when the time comes. One row for an event and a time,
// however many units rest on it, and all of it follows from the events.
//
// Rows of kEntities: "ST" || be64 microseconds || be64 leaf -> "1". Each time is in a timeline too, once, so that the
// next one is found without walking rows.

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/event/vocabulary.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Whether events of this type can change what the gate decides.
bool CanChangeDecisions(const EventType& type);

// Whether this event can: what takes the place of another changes what that one supplied, whatever its type.
bool CanChangeDecisions(const v1::EventHeader& header, const EventType& type);

// The times after its recording that an event names, ascending.
std::vector<Timestamp> TimesAhead(const RecordedEvent& event);

struct StandingTime {
  Timestamp at;
  LeafIndex leaf;
  friend auto operator<=>(const StandingTime&, const StandingTime&) = default;
};
// How far the check came with times begins with this, before the encoded time; with other work it never does.
inline constexpr std::string_view kTimesCursor = "t";
// 16 bytes that sort as the times do; INVALID_ARGUMENT when they are not that many.
std::string EncodeStandingTime(const StandingTime& time);
StatusOr<StandingTime> DecodeStandingTime(std::string_view bytes);

// The first time after `after`; nullopt when there is none.
StatusOr<std::optional<Timestamp>> NextStandingTime(const RowFinder& rows, Timestamp after, TreeSize size);
// Those after `after` up to and including `until`, ascending; at most `max`.
StatusOr<std::vector<StandingTime>> StandingTimesUntil(const RowReader& rows, const StandingTime& after,
                                                       Timestamp until, size_t max);

Status FoldStandingTimes(const RecordedEvent& event, RowOverlay& rows);
bool StandingTimesReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_STANDING_TIMES_H_
