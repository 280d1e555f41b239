#include "ledger/event/run_result.h"

#include "ledger/event/refusal.h"

namespace anamnesis {

void PutRunIndex(v1::RunResult& result, size_t run_index) {
  if (!result.has_refused()) return;
  const Status refused = FromRpcStatus(result.refused());
  const auto detail = RefusalDetailOf(refused);
  if (detail.has_value()) *result.mutable_refused() = ToRpcStatus(AtPlace(refused, run_index, detail->event_index()));
}

}  // namespace anamnesis
