#ifndef ANAMNESIS_LEDGER_GATE_HELD_AUTHORITY_H_
#define ANAMNESIS_LEDGER_GATE_HELD_AUTHORITY_H_

// Whether who recorded something held the authority for it at its place in the log. Admission asks the same of what
// comes in; the gate asks again of what it rests on, since what was admitted can have been sealed under a delegation
// whose withdrawal arrived later, or under rules that asked for less. Private to the room.

#include <string>
#include <string_view>
#include <vector>

#include "ledger/query/facts.h"
#include "ledger/state/delegations.h"

namespace anamnesis::gate {

// What `agent`'s role covered when `act` was recorded, by each grant that was in force: any of them is enough. Empty
// when they didn't hold it then. Says as ScopesOfRole does at the end of the log, which keeps no past, with one
// exception: a grant that an older version let somebody retract or replace counts for no permission here.
StatusOr<std::vector<v1::Scope>> ScopesHeldAt(Facts& facts, const v1::Agent& agent, v1::Role role, const Fact& act);

// Whether a decision.recorded about `item` (empty: about none) is of somebody who may permit what would else be
// denied: of those who lift holds.
StatusOr<bool> MayPermit(Facts& facts, const Fact& decision, std::string_view item);

// Why `certified` is not of a certifier for the matter, for a person to read; empty when it is: by the writer's own
// role, or under the delegation that it names.
StatusOr<std::string> WhyNotOfCertifier(Facts& facts, const Fact& certified, const Matter& matter);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_HELD_AUTHORITY_H_
