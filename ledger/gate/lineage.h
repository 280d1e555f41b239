#ifndef ANAMNESIS_LEDGER_GATE_LINEAGE_H_
#define ANAMNESIS_LEDGER_GATE_LINEAGE_H_

// What an artifact was made from, back to the beginning. Private to the room.

#include <string>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/status.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// Parents, of artifacts and of models, are followed so far.
inline constexpr size_t kParentsMax = 10'000;

struct ParentChain {
  // What records the artifact, its parent, and so on.
  std::vector<const Fact*> productions;
  // Why the chain can't be followed to an artifact without a parent; empty when it can.
  std::string incomplete_because;
};

// The requested artifact and its parents, which it has to be recorded for.
StatusOr<ParentChain> ChainOfParents(Subject& s);

// The datasets behind the artifact, its parents, and the models that these and those were trained on from. Fails for
// what is missing on the way, and rests on what is not.
StatusOr<std::vector<v1::EntityRef>> DatasetsBehind(Subject& s, Judgement& j);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_LINEAGE_H_
