#ifndef ANAMNESIS_LEDGER_GATE_STEPS_H_
#define ANAMNESIS_LEDGER_GATE_STEPS_H_

// How far adaptations went together, step by step from the anchor. Private to the room.

#include <string_view>

#include "ledger/base/status.h"
#include "ledger/envelope/envelope.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// The sum of the steps in the dimension along the artifact's chain of parents. The chain ends at an artifact without a
// parent, which was made from the anchor; where an adapted artifact runs on the surface, the chain has to pass through
// it or through what it is taken back to, so that leaving the parent out doesn't begin anew. That first artifact was
// made for the baseline that the envelope is anchored at, or for one that the anchor is part of and that the unit was
// put on: otherwise nobody knows what the baseline itself moved. Rests on the chain and the anchor.
StatusOr<StepSum> SumOfSteps(Subject& s, const EnvelopeInForce& envelope, std::string_view dimension,
                             std::string_view unit, Judgement& j);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_STEPS_H_
