#ifndef ANAMNESIS_LEDGER_GATE_RUNS_WITH_H_
#define ANAMNESIS_LEDGER_GATE_RUNS_WITH_H_

// What an activation would put into operation, and what it would rest on. Private to the room.

#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/status.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// The artifact and all that it would run with: its item and those that contain it, the unit and its model, baseline,
// releases and SOUP, the artifact's model.
StatusOr<std::vector<v1::EntityRef>> RunsWith(Subject& s);

// That, and what says that it may: envelopes, certification, protocol, and where the unit is.
StatusOr<std::vector<v1::EntityRef>> RestsOn(Subject& s);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_RUNS_WITH_H_
