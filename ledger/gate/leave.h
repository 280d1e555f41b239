#ifndef ANAMNESIS_LEDGER_GATE_LEAVE_H_
#define ANAMNESIS_LEDGER_GATE_LEAVE_H_

// What an adaptation may rest on where the unit is: one authorisation and, where it has one, one change plan under it.
// G10 to G12 are judged by each such leave, and one has to pass all three (rules_authorised.cc): what one authorisation
// allows is no use to another. Private to the room.

#include "ledger/base/status.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

struct Leave {
  // nullptr: none is recorded.
  const Authorisation* authorisation = nullptr;
  // One that has ended allows nothing. Where the authorisation itself allows the change, its bounds go on holding:
  // withdrawing a plan takes leave away and gives none.
  const ChangePlan* plan = nullptr;
};

// rules_change.cc
// Whether the authorisation lets the change be made without a new one. Whether it is in force and for this device is
// what G12 asks of the same authorisation.
bool AllowsChange(const Subject& s, const Authorisation& authorisation);
Status JudgeChangeControlBy(Subject& s, const Leave& leave, Judgement& j);
Status JudgeChangePlanBy(Subject& s, const Leave& leave, Judgement& j);
// rules_clearance.cc
Status JudgeClearanceBy(Subject& s, const Leave& leave, Judgement& j);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_LEAVE_H_
