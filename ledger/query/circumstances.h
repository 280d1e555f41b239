#ifndef ANAMNESIS_LEDGER_QUERY_CIRCUMSTANCES_H_
#define ANAMNESIS_LEDGER_QUERY_CIRCUMSTANCES_H_

// Where a unit ran what it ran: jurisdiction and site, as which device, under which identifiers, and what authorities
// allowed of that device there. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Adds them, the leaves that they rest on and what of them is not certain to a view of the unit at `at`, over the
// leaves that the view is over.
Status AddCircumstances(const RowReader& rows, std::string_view unit, Timestamp at, v1::Configuration& view);

// One circumstance in words: the same on a terminal, in an export and in a difference. Borrows from the circumstances.
struct CircumstanceText {
  // "jurisdiction", "UDI-PI", "authorisation:K1@1", …; each once.
  std::string what;
  std::string text;
  // The events that say so, the one that decides last.
  std::vector<const v1::LeafReference*> by;
  // An authorisation that was not in force.
  bool bad = false;
};
std::vector<CircumstanceText> InWords(const v1::Circumstances& circumstances);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CIRCUMSTANCES_H_
