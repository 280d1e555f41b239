#ifndef ANAMNESIS_LEDGER_QUERY_UNIT_PLACE_H_
#define ANAMNESIS_LEDGER_QUERY_UNIT_PLACE_H_

// Where a device unit was at a time, and as which device. Pure.

#include <string>
#include <string_view>

#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Borrowed from the facts; what isn't known is null or empty.
struct UnitPlace {
  const Fact* commissioned = nullptr;
  // As which it was commissioned.
  const v1::EntityRef* device_model = nullptr;
  // The commissioning or relocation that says where it was.
  const Fact* placed = nullptr;
  // ISO 3166-1 alpha-2 code of the country whose law applied.
  std::string jurisdiction;
  const v1::EntityRef* site = nullptr;
  // The one that says so may have happened after the time, or another one after it.
  bool uncertain = false;
};

// By what had begun by then: of two the one that began later; of those that began at once a move, and else the one
// recorded later.
StatusOr<UnitPlace> PlaceOfUnit(Facts& facts, std::string_view unit, Timestamp at);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_UNIT_PLACE_H_
