#ifndef ANAMNESIS_LEDGER_ENGINE_RECEIPTS_H_
#define ANAMNESIS_LEDGER_ENGINE_RECEIPTS_H_

#include <string>

#include "anamnesis/v1/receipt.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/checkpointer.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Answers ReceiptService.GetReceipts, with its errors, under a checkpoint that `checkpointer` has signed.
StatusOr<v1::GetReceiptsResponse> MakeReceipts(const RowReader& rows, const Checkpointer& checkpointer,
                                               const std::string& checkpoint_note,
                                               const v1::GetReceiptsRequest& request);

// INVALID_ARGUMENT, with its numbers, when the request is over a limit.
Status CheckReceiptsRequest(const v1::GetReceiptsRequest& request);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_RECEIPTS_H_
