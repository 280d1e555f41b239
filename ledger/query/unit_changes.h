#ifndef ANAMNESIS_LEDGER_QUERY_UNIT_CHANGES_H_
#define ANAMNESIS_LEDGER_QUERY_UNIT_CHANGES_H_

// When what runs on a device unit may change. Pure.

#include <set>
#include <string>

#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// The times in (from, until) at which the unit's configuration may become another one: between two of them it is one.
// NOT_FOUND, naming `field`, when nothing is recorded of the unit; RESOURCE_EXHAUSTED when there are too many.
StatusOr<std::set<Timestamp>> TimesOfChange(Facts& facts, const std::string& unit, Timestamp from, Timestamp until,
                                            std::string_view field);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_UNIT_CHANGES_H_
