#ifndef ANAMNESIS_LEDGER_QUERY_NONCONFORMITY_H_
#define ANAMNESIS_LEDGER_QUERY_NONCONFORMITY_H_

// What ran without the gate's leave, or was put there by somebody else than the unit, ran all the same: no answer drops
// it, and each says why it did not conform. That is found when the event is recorded, once a gate policy is in force
// (ledger/state/adaptation_rules.h). Pure.

#include <string>

#include "anamnesis/v1/finding.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

using FindingList = google::protobuf::RepeatedPtrField<v1::Finding>;

// Of an event's findings, those of the rules ACTIVATION-*.
FindingList NonconformityIn(const FindingList& findings);
// Of the event at a leaf; empty when it conforms.
StatusOr<FindingList> NonconformityOf(const RowFinder& rows, LeafIndex index);

// "header.refs cites no decision of the gate".
std::string FindingText(const v1::Finding& finding);
// "did not conform: …; …", empty without findings.
std::string NonconformityText(const FindingList& findings);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_NONCONFORMITY_H_
