#ifndef ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_
#define ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_

#include <vector>

#include "tests/support/gate_world.h"

namespace anamnesis {

// The story of gate_world.h under the policies that ship.
inline std::vector<Step> GateStory() { return GateStoryWith(ANAMNESIS_SOURCE_DIR "/deploy/policies"); }

inline EventDraft Because(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_
