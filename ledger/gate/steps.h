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
// it or through what it is taken back to, so that leaving the parent out doesn't begin anew. Rests on the chain.
StatusOr<StepSum> SumOfSteps(Subject& s, std::string_view dimension, std::string_view unit, Judgement& j);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_STEPS_H_
