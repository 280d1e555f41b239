#ifndef ANAMNESIS_LEDGER_STATE_DATASET_RULES_H_
#define ANAMNESIS_LEDGER_STATE_DATASET_RULES_H_

// The special rules of sealing a dataset, and of the annotation that it rests on:
//
//   SEALED-ONCE           a dataset version that is sealed is not sealed again with other members (A02, A16; IEC 62304
//                         8.1.1)
//   SEAL-CRITERIA         a dataset is sealed when its curation says what was chosen, what left out, and why (A42)
//   ANNOTATION-AGREEMENT  a dataset with less annotator agreement than required is sealed only with an approved
//                         deviation (A45)
//   ANNOTATION-DEVIATION  what approves that is a decision about the dataset with the choice "deviation_approved", by
//                         somebody else than who annotated, who records that and for whom they do (A45)
//
// The annotation that counts is the last that stands before the seal (place_in_time.h).
//
// Rows of kEntities: "u" || dataset id || 0 || version -> be64 index of the last annotation.completed that fell short.
// It says only that one did: whether what counts now does is asked when the dataset is sealed.

#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Adds what the event breaks to `broken`.
Status CheckDatasetRules(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken);
// Remembers which datasets were annotated with less agreement than required.
Status FoldAgreement(const RecordedEvent& event, RowOverlay& rows);
// Whether one of the two reads bodies of this type.
bool DatasetRulesReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_DATASET_RULES_H_
