#ifndef ANAMNESIS_LEDGER_ENGINE_ERASURE_CHECK_H_
#define ANAMNESIS_LEDGER_ENGINE_ERASURE_CHECK_H_

// Whether the bodies that are missing are those that were erased: a missing one that no event erased is lost, and one
// that is still there though it was erased must go.

#include <functional>
#include <string_view>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Compares the bodies in `rows` with the erasures among the first `size` leaves, by the projections, which must be
// complete. Reads the leaves of erasable types only. `lost` gets what is missing without an erasure, `kept` what is
// there in spite of one.
Status CompareErasures(const RowReader& rows, TreeSize size, const std::function<void(LeafIndex)>& lost,
                       const std::function<void(LeafIndex)>& kept);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_ERASURE_CHECK_H_
