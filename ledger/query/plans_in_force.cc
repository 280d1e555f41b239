#include "ledger/query/plans_in_force.h"

#include <algorithm>

#include "ledger/query/place_in_time.h"

namespace anamnesis {

std::map<std::string, const Fact*> PlansInForce(std::vector<const Fact*> events) {
  std::sort(events.begin(), events.end(), StandsEarlier);
  std::map<std::string, const Fact*> plans;
  for (const Fact* fact : events) {
    if (fact->type() != "plan.approved" && fact->type() != "plan.revised") continue;
    plans[FindReference(fact->header(), "plan")->id()] = fact;
  }
  return plans;
}

std::map<std::string, const Fact*> PlansInForce(const ItemScope& scope) {
  return PlansInForce(EarliestFirst(scope.events));
}

const v1::PlanContent* PlanOf(const Fact& fact) {
  if (const auto* approved = fact.body<v1::PlanApproved>()) return &approved->content();
  if (const auto* revised = fact.body<v1::PlanRevised>()) return &revised->content();
  return nullptr;
}

}  // namespace anamnesis
