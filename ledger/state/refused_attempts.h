#ifndef ANAMNESIS_LEDGER_STATE_REFUSED_ATTEMPTS_H_
#define ANAMNESIS_LEDGER_STATE_REFUSED_ATTEMPTS_H_

// Attempts that were refused for want of authority, as the ledger recorded them (21 CFR 11.300(d)): at most one of one
// key and reason in ten minutes, so that refusals can't fill the ledger.
//
// Rows of kAuthority: "x" || reason || 0 || key -> be64 recorded time of the last one.

#include <string_view>

#include "anamnesis/v1/errors.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

inline constexpr int64_t kRefusedAttemptsPauseUs = int64_t{600} * 1'000'000;

// Whether an attempt refused at `at` is to be recorded. Keys that the ledger doesn't know count as one.
StatusOr<bool> AttemptIsToBeRecorded(const RowFinder& rows, v1::RefusalReason reason, std::string_view key,
                                     Timestamp at);

Status FoldRefusedAttempts(const RecordedEvent& event, RowOverlay& rows);
bool RefusedAttemptsReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_REFUSED_ATTEMPTS_H_
