#ifndef ANAMNESIS_LEDGER_GATE_HOLDS_H_
#define ANAMNESIS_LEDGER_GATE_HOLDS_H_

// What somebody placed against an entity that is relied on. Private to the room.

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/status.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// Fails for every hold on the entity and every field action about it at the time, and rests on it.
Status FindHolds(Subject& s, const v1::EntityRef& entity, Judgement& j);

// The same for what revokes an artifact where the unit is.
Status FindRevocations(Subject& s, const v1::EntityRef& artifact, Judgement& j);

// The same for holds on the key that sealed a record on which somebody's authority rests, and for its end.
Status FindHoldsOnKey(Subject& s, const Fact& sealed, Judgement& j);

// What is placed against what an artifact was made from stands against it: holds until they are lifted, revocations
// until somebody who answers for it decides that what was made from it may be used.
Status FindHoldsOnParents(Subject& s, Judgement& j);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_HOLDS_H_
