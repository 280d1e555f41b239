#ifndef ANAMNESIS_LEDGER_GATE_SEAL_KEY_H_
#define ANAMNESIS_LEDGER_GATE_SEAL_KEY_H_

// The key that sealed an event, and whether it can still be trusted for it. Private to the room.

#include <string>

#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis::gate {

// The public key that sealed the run of the event; empty for what the ledger itself recorded.
StatusOr<std::string> SealKeyOf(Facts& facts, LeafIndex index);

// Whether any key of whoever recorded `fact` was revoked or reported lost, with effect whenever: of nobody else's seals
// can the questions below say anything.
StatusOr<bool> HasEndedKeys(Facts& facts, const Fact& fact);

// What is recorded by the size that makes the seal of `fact` doubtful at `at`: its key was lost before it was sealed,
// or was revoked by now as of before then; "" when nothing is. For a person to read, after "the key ".
// `because` is then the event that says so.
StatusOr<std::string> WhyKeyIsDoubtful(Facts& facts, const Fact& fact, Timestamp at, const Fact** because);

// The same for a key that has to be good at `at` still: revoked or lost at any time up to then.
StatusOr<std::string> WhyKeyIsNotInForce(Facts& facts, const Fact& fact, Timestamp at, const Fact** because);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_SEAL_KEY_H_
