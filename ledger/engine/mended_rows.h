#ifndef ANAMNESIS_LEDGER_ENGINE_MENDED_ROWS_H_
#define ANAMNESIS_LEDGER_ENGINE_MENDED_ROWS_H_

// Rows that mend a log, on their way into a ledger that has gone on since they were made.

#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Those of `mended` that still are to be written: no body that was erased since, and tiles with what they have grown
// by. `rows` are those of the ledger, and nobody writes them meanwhile. Fails as they do.
StatusOr<Rows> StillToBeWritten(const RowFinder& rows, const Rows& mended);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_MENDED_ROWS_H_
