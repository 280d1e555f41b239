#ifndef ANAMNESIS_LEDGER_QUERY_ITEM_REQUIREMENTS_H_
#define ANAMNESIS_LEDGER_QUERY_ITEM_REQUIREMENTS_H_

// A software item's requirements that are in force: how many of each kind, and whether the subgroups that they name
// were evaluated. Pure.

#include "anamnesis/v1/question_lifecycle.pb.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

// Fills `requirements` and `subgroups`. Fails as Facts does.
Status AddRequirements(Facts& facts, const ItemScope& scope, v1::CompletenessAnswer& answer);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ITEM_REQUIREMENTS_H_
