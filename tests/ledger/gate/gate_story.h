#ifndef ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_
#define ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_

#include <vector>

#include "tests/support/gate_world.h"

namespace anamnesis {

inline EventDraft Because(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_
