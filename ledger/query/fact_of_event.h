#ifndef ANAMNESIS_LEDGER_QUERY_FACT_OF_EVENT_H_
#define ANAMNESIS_LEDGER_QUERY_FACT_OF_EVENT_H_

// An event as the API shows it, read as questions read events: so that whoever has no rows judges it by the same
// functions. Pure.

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Of an event that counts and happened, as last corrected, in this interval. Without a body where that is erased or
// can't be read by this version. DATA_LOSS: it is no event that this version knows.
StatusOr<Fact> FactOfEvent(const v1::Event& event, Timestamp earliest, Timestamp latest);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_FACT_OF_EVENT_H_
