#include "ledger/gate/decisions.h"

#include <algorithm>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/subject.h"
#include "ledger/state/edges.h"

namespace anamnesis::gate {
namespace {

constexpr size_t kGrantsMax = 10'000;

bool AnswersForDecisions(v1::Role role) {
  return role == v1::QUALITY_OFFICER || role == v1::ACTIVATION_APPROVER || role == v1::REGULATORY_OFFICER;
}

bool IsValid(const v1::RoleGranted& granted, Timestamp at) {
  return granted.valid_from_us() <= at.us && (granted.valid_until_us() == 0 || at.us < granted.valid_until_us());
}

// By what was recorded before it: the leaves that a decision of the gate rests on have to tell it elsewhere too.
StatusOr<bool> MayDecide(Facts& facts, const Fact& decision) {
  const v1::Agent& writer = decision.header().actor();
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                   ReferencesTo(facts.rows(), writer.kind(), writer.id(), "", "holder",
                                TreeSize(decision.event.index.value), kGrantsMax));
  std::map<v1::Role, const v1::RoleGranted*> held;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (!fact->counts()) continue;
    if (const auto* granted = fact->body<v1::RoleGranted>()) held[granted->role()] = granted;
    if (const auto* withdrawn = fact->body<v1::RoleWithdrawn>()) held.erase(withdrawn->role());
  }
  return std::any_of(held.begin(), held.end(), [&](const auto& each) {
    return AnswersForDecisions(each.first) && IsValid(*each.second, decision.event.recorded);
  });
}

bool IsAbout(const v1::DecisionRecorded& decision, std::string_view choice, DecisionsAbout about) {
  const auto& options = decision.options();
  return about == DecisionsAbout::kEntity || decision.choice() == choice ||
         std::find(options.begin(), options.end(), choice) != options.end();
}

}  // namespace

StatusOr<const Fact*> LastDecisionFor(Facts& facts, const std::vector<v1::EntityRef>& entities, std::string_view choice,
                                      DecisionsAbout about, std::optional<LeafIndex> after) {
  const Fact* last = nullptr;
  for (const v1::EntityRef& entity : entities) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> decisions, TypedOfEither(facts, entity, "decision.recorded"));
    for (const Fact* fact : decisions) {
      const auto* body = fact->body<v1::DecisionRecorded>();
      if (body == nullptr || (after.has_value() && fact->event.index < *after) || !IsAbout(*body, choice, about))
        continue;
      if (last != nullptr && fact->event.index < last->event.index) continue;
      if (body->choice() == choice) {
        ASSIGN_OR_RETURN(const bool may, MayDecide(facts, *fact));
        if (!may) continue;
      }
      last = fact;
    }
  }
  const bool made = last != nullptr && last->body<v1::DecisionRecorded>()->choice() == choice;
  return made ? last : nullptr;
}

}  // namespace anamnesis::gate
