#ifndef ANAMNESIS_LEDGER_QUERY_PLANS_IN_FORCE_H_
#define ANAMNESIS_LEDGER_QUERY_PLANS_IN_FORCE_H_

// A software item's plans that are in force. Pure.

#include <map>
#include <string>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

// What defined the newest version of each plan, by the plan's id.
std::map<std::string, const Fact*> PlansInForce(const ItemScope& scope);

// What an event of PlansInForce plans; nullptr when its body was erased.
const v1::PlanContent* PlanOf(const Fact& fact);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_PLANS_IN_FORCE_H_
