#ifndef ANAMNESIS_LEDGER_GATE_CLOSURE_H_
#define ANAMNESIS_LEDGER_GATE_CLOSURE_H_

// Which risk controls rely on what an artifact changes. Private to the room.

#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// A risk control that relies on what the artifact changes: on its item, on one that contains it or on a part of it,
// itself or over requirements, models, SOUP and other items.
struct AffectedControl {
  v1::EntityRef control;
  // Its newest definition, and the newest of all that it relies on; nullptr where nothing is recorded any more.
  const Fact* defined = nullptr;
  const Fact* changed = nullptr;
  // Why nobody can say what it relies on: then it counts as affected, and can't pass. Empty when that is known.
  std::string unknown_because;
};

// Of the members of the envelope's risk-control set and of those that name an item or a part of it.
StatusOr<std::vector<AffectedControl>> AffectedControls(Subject& s);

// The risk-control set that the artifact's envelope protects, in its newest version; nullptr when it names none.
StatusOr<const Fact*> RiskControlSet(Subject& s);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_CLOSURE_H_
