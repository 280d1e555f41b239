#ifndef ANAMNESIS_LEDGER_QUERY_PLANS_IN_FORCE_H_
#define ANAMNESIS_LEDGER_QUERY_PLANS_IN_FORCE_H_

// The plans that are in force, of those that some events approve and revise. Pure.

#include <map>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

// What defined the newest version of each plan, by its place in time; by the plan's id.
std::map<std::string, const Fact*> PlansInForce(std::vector<const Fact*> events);
std::map<std::string, const Fact*> PlansInForce(const ItemScope& scope);

// What an event of PlansInForce plans; nullptr when its body was erased.
const v1::PlanContent* PlanOf(const Fact& fact);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_PLANS_IN_FORCE_H_
