#ifndef ANAMNESIS_LEDGER_GATE_FALLBACK_H_
#define ANAMNESIS_LEDGER_GATE_FALLBACK_H_

// Whether an adapted artifact may be what a unit is taken back to: what is restored runs, so the gate decides on it as
// on anything that runs, with the baseline below it. G20 asks before it allows the artifact above it, and the standing
// check before it instructs anybody to go back. Private to the room.

#include <string>

#include "ledger/base/status.h"
#include "ledger/gate/decide.h"
#include "ledger/query/facts.h"

namespace anamnesis::gate {

// The gate's decision on restoring the artifact on the unit, as of the time, with what was known by `known_until`.
StatusOr<v1::GateDecided> DecideOnFallback(Facts& facts, const v1::EntityRef& fallback, const std::string& unit,
                                           Timestamp at, Timestamp known_until, Reservations* reservations = nullptr);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_FALLBACK_H_
