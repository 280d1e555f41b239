#ifndef ANAMNESIS_LEDGER_QUERY_ITEM_REQUIREMENTS_H_
#define ANAMNESIS_LEDGER_QUERY_ITEM_REQUIREMENTS_H_

// A software item's requirements that are in force: how many of each kind, and whether the subgroups that they name
// were evaluated. Pure.

#include "anamnesis/v1/question.pb.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

// Fills `requirements` and `subgroups` of the answer on completeness: of evaluations only those of the newest version
// of a model or an artifact of the item count, and a note names an older one that would have. Fails as Facts does.
Status AddRequirements(Facts& facts, const ItemScope& scope, v1::Answer& answer);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ITEM_REQUIREMENTS_H_
