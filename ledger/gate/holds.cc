#include "ledger/gate/holds.h"

#include <algorithm>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/decisions.h"
#include "ledger/gate/lineage.h"
#include "ledger/gate/seal_key.h"
#include "ledger/query/item_scope.h"

namespace anamnesis::gate {
namespace {

// Whether one of the events that take something back does. What was sealed with a key that was lost before doesn't:
// `doubtful` becomes the loss.
StatusOr<bool> AnyTakesBack(Subject& s, const std::vector<const Fact*>& events, const Fact*& doubtful) {
  for (const Fact* fact : events) {
    if (EffectiveFrom(*fact) > s.request.at) continue;
    ASSIGN_OR_RETURN(const std::string why, WhyKeyIsDoubtful(s.facts, *fact, s.request.at, &doubtful));
    if (why.empty()) return true;
  }
  return false;
}

// The revocations of an artifact that have effect at the time where the unit is.
StatusOr<std::vector<const Fact*>> RevocationsOf(Subject& s, const v1::EntityRef& artifact) {
  ASSIGN_OR_RETURN(std::vector<const Fact*> revoked, TypedOfEither(s.facts, artifact, "artifact.revoked"));
  std::erase_if(revoked, [&](const Fact* fact) {
    const auto* body = fact->body<v1::ArtifactRevoked>();
    if (EffectiveFrom(*fact, body->effective_from_us()) > s.request.at) return true;
    return !body->jurisdictions().empty() &&
           std::none_of(body->jurisdictions().begin(), body->jurisdictions().end(),
                        [&](const std::string& each) { return IsAmong(s.jurisdictions, each); });
  });
  return revoked;
}

}  // namespace

Status FindHolds(Subject& s, const v1::EntityRef& entity, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> holds, TypedOfAny(s.facts, entity, "hold.placed"));
  for (const Fact* fact : holds) {
    if (EffectiveFrom(*fact, fact->body<v1::HoldPlaced>()->effective_from_us()) > s.request.at) continue;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> lifts,
                     s.facts.Typed(Bare(*FindReference(fact->header(), "hold")), "hold.lifted"));
    const Fact* doubtful = nullptr;
    ASSIGN_OR_RETURN(const bool lifted, AnyTakesBack(s, lifts, doubtful));
    if (lifted) continue;
    j.Rest(doubtful);
    j.Rest(fact);
    j.Fail(Text(EntityKeyText(entity), " is under hold (leaf ", fact->event.index.value, ")"));
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> actions, TypedOfAny(s.facts, entity, "field_action.initiated"));
  for (const Fact* fact : actions) {
    const auto* body = fact->body<v1::FieldActionInitiated>();
    if (Timestamp(body->initiated_at_us()) > s.request.at) continue;
    if (!body->jurisdiction().empty() && !IsAmong(s.jurisdictions, body->jurisdiction())) continue;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> completed,
                     s.facts.Typed(Bare(*FindReference(fact->header(), "field_action")), "field_action.completed"));
    const Fact* doubtful = nullptr;
    ASSIGN_OR_RETURN(const bool over, AnyTakesBack(s, completed, doubtful));
    if (over) continue;
    j.Rest(doubtful);
    j.Rest(fact);
    j.Fail(Text("a field action on ", EntityKeyText(entity), " is under way (leaf ", fact->event.index.value, ")"));
  }
  return OkStatus();
}

Status FindRevocations(Subject& s, const v1::EntityRef& artifact, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> revoked, RevocationsOf(s, artifact));
  for (const Fact* fact : revoked) {
    j.Rest(fact);
    j.Fail(Text(EntityKeyText(artifact), " is revoked (leaf ", fact->event.index.value, ")"));
  }
  return OkStatus();
}

Status FindHoldsOnKey(Subject& s, const Fact& sealed, Judgement& j) {
  ASSIGN_OR_RETURN(const std::string key, SealKeyOf(s.facts, sealed.event.index));
  return key.empty() ? OkStatus() : FindHolds(s, ToEntity({"credential", HexEncode(key)}), j);
}

Status FindHoldsOnParents(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const ParentChain chain, ChainOfParents(s));
  for (size_t i = 1; i < chain.productions.size(); ++i) {
    const v1::EntityRef parent = Bare(*FindReference(chain.productions[i]->header(), "artifact"));
    RETURN_IF_ERROR(FindHolds(s, parent, j));
    const v1::EntityRef* model = FindReference(chain.productions[i]->header(), "model");
    if (model != nullptr) RETURN_IF_ERROR(FindHolds(s, Bare(*model), j));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> revoked, RevocationsOf(s, parent));
    if (revoked.empty()) continue;
    const Fact& last = *revoked.back();
    ASSIGN_OR_RETURN(const Fact* permitted, LastDecisionFor(s.facts, {parent}, s.item == nullptr ? "" : s.item->id(),
                                                            kUsePermitted, DecisionsAbout::kEntity, last.event.index));
    j.Rest(permitted);
    if (permitted != nullptr) continue;
    j.Rest(&last);
    j.Fail(Text(EntityKeyText(parent), ", which it was made from, is revoked (leaf ", last.event.index.value,
                "); a decision.recorded about it since with the choice ", kUsePermitted,
                ", by somebody who answers for it, would let it be used"));
  }
  return OkStatus();
}

}  // namespace anamnesis::gate
