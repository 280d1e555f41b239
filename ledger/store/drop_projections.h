#ifndef ANAMNESIS_LEDGER_STORE_DROP_PROJECTIONS_H_
#define ANAMNESIS_LEDGER_STORE_DROP_PROJECTIONS_H_

// For a store that can't be opened because files of projections are damaged: OpenRocksStore then fails with
// ProjectionDamage (ledger/state/projection_damage.h), and with another DATA_LOSS if anything else is damaged too.
// Reading and writing fail with it in the same way.

#include <string>

#include "ledger/base/status.h"

namespace anamnesis {

// Drops what the projection families of the store in `dir` hold, without reading any of it; nobody has it open. Whoever
// calls has noted that they are to be rebuilt. DATA_LOSS: other families are damaged; nothing was done.
Status DropProjections(const std::string& dir);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STORE_DROP_PROJECTIONS_H_
