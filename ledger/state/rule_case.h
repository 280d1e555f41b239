#ifndef ANAMNESIS_LEDGER_STATE_RULE_CASE_H_
#define ANAMNESIS_LEDGER_STATE_RULE_CASE_H_

#include <vector>

#include "ledger/state/broken_rules.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// What rules that code checks are asked of. Borrows all.
struct RuleCase {
  const RecordedEvent& event;
  // The log before the event.
  const RowFinder& rows;
  // Where what it breaks is added.
  std::vector<BrokenRule>& broken;

  const v1::EventHeader& header() const { return event.header->fields; }
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_RULE_CASE_H_
