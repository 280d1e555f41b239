#ifndef ANAMNESIS_LEDGER_QUERY_WORDING_H_
#define ANAMNESIS_LEDGER_QUERY_WORDING_H_

// Values of an answer in words: the same on a terminal and in an export.

#include <string>
#include <string_view>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/time.h"

namespace anamnesis {

// "MISSING_BY_CLAUSE" as "missing by clause".
std::string Words(std::string_view enum_name);
// UTC; "-" for what is no time that an event can have.
std::string TimeText(const google::protobuf::Timestamp& time);
// "0.92", "92%", "5 mmol/L": UCUM's unit 1, of what has no unit, is no part of a number.
std::string QuantityText(std::string_view value, std::string_view unit);
// An instant, or "earliest .. latest".
std::string IntervalText(Timestamp earliest, Timestamp latest);

// "in service", "decommissioned", …
std::string UnitStateText(v1::UnitState state);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_WORDING_H_
