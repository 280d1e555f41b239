#ifndef ANAMNESIS_LEDGER_ENGINE_RECEIPT_H_
#define ANAMNESIS_LEDGER_ENGINE_RECEIPT_H_

#include <string>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The receipt of leaf `index` under a checkpoint of this ledger, whose note goes into it byte for byte. UNAVAILABLE:
// the checkpoint is not over that leaf yet. INVALID_ARGUMENT: the note is malformed. Otherwise fails as `rows` does.
StatusOr<v1::Receipt> MakeReceipt(const RowReader& rows, LeafIndex index, std::string checkpoint_note);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_RECEIPT_H_
