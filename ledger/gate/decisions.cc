#include "ledger/gate/decisions.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/held_authority.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {
namespace {

bool IsAbout(const v1::DecisionRecorded& decision, std::string_view choice, DecisionsAbout about) {
  const auto& options = decision.options();
  return about == DecisionsAbout::kEntity || decision.choice() == choice ||
         std::find(options.begin(), options.end(), choice) != options.end();
}

}  // namespace

StatusOr<const Fact*> LastDecisionFor(Facts& facts, const std::vector<v1::EntityRef>& entities, std::string_view item,
                                      std::string_view choice, DecisionsAbout about, std::optional<LeafIndex> after) {
  const Fact* last = nullptr;
  for (const v1::EntityRef& entity : entities) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> decisions, TypedOfEither(facts, entity, "decision.recorded"));
    for (const Fact* fact : decisions) {
      const auto* body = fact->body<v1::DecisionRecorded>();
      if (body == nullptr || (after.has_value() && fact->event.index < *after) || !IsAbout(*body, choice, about))
        continue;
      if (last != nullptr && fact->event.index < last->event.index) continue;
      if (body->choice() == choice) {
        ASSIGN_OR_RETURN(const bool may, MayPermit(facts, *fact, item));
        if (!may) continue;
      }
      last = fact;
    }
  }
  const bool made = last != nullptr && last->body<v1::DecisionRecorded>()->choice() == choice;
  return made ? last : nullptr;
}

}  // namespace anamnesis::gate
