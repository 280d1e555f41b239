#ifndef ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_
#define ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/gate_world.h"

namespace anamnesis {

inline EventDraft Because(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

// Fails the test when the story has no such step.
inline Step StepOf(std::vector<Step> story, const std::string& name) {
  for (Step& step : story) {
    if (step.name == name) return std::move(step);
  }
  ADD_FAILURE() << name;
  return {};
}

inline Step StepNamed(const std::string& name) { return StepOf(GateStory(), name); }

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_GATE_GATE_STORY_H_
