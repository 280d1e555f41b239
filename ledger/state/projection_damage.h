#ifndef ANAMNESIS_LEDGER_STATE_PROJECTION_DAMAGE_H_
#define ANAMNESIS_LEDGER_STATE_PROJECTION_DAMAGE_H_

// DATA_LOSS that costs nothing: what is damaged is derived from the log, and is whole again when the projections are
// rebuilt. Whoever has the ledger open takes note of it by a mark on the Status, which crosses no network.

#include <string_view>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

bool IsProjection(Family family);

// `what` says what is damaged, without the remedy.
Status ProjectionDamage(std::string_view what);

// Whether `status` or what it was made of came from ProjectionDamage.
bool IsProjectionDamage(const Status& status);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_PROJECTION_DAMAGE_H_
