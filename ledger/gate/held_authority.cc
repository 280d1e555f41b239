#include "ledger/gate/held_authority.h"

#include <utility>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/gate/subject.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/edges.h"

namespace anamnesis::gate {
namespace {

bool SameAgent(const v1::Agent& agent, const v1::EntityRef& ref) {
  return agent.kind() == ref.kind() && agent.id() == ref.id();
}

v1::Agent AgentOf(const v1::EntityRef& ref) {
  v1::Agent agent;
  agent.set_kind(ref.kind());
  agent.set_id(ref.id());
  return agent;
}

// Why the role of `agent` doesn't cover the matter of what they recorded.
StatusOr<std::string> WhyNotInRole(Facts& facts, const v1::Agent& agent, v1::Role role, const Fact& act,
                                   const Matter& matter) {
  ASSIGN_OR_RETURN(const std::vector<v1::Scope> scopes, ScopesHeldAt(facts, agent, role, act));
  if (scopes.empty()) return Text(AgentText(agent), " didn't hold ", v1::Role_Name(role));
  std::string why;
  for (const v1::Scope& scope : scopes) {
    ASSIGN_OR_RETURN(why, WhyOutOfScope(facts.rows(), scope, matter, facts.size()));
    if (why.empty()) return why;
  }
  return Text("the role ", v1::Role_Name(role), " of ", AgentText(agent), " ", why);
}

// A certification under a delegation.
class DelegatedCheck {
 public:
  DelegatedCheck(Facts& facts, const Fact& certified, const Fact& delegated, const Matter& matter)
      : facts_(facts),
        certified_(certified),
        delegated_(delegated),
        body_(*delegated.body<v1::AuthorityDelegated>()),
        matter_(matter) {}

  StatusOr<std::string> Why() {
    if (std::string why = WhyNotByItsTerms(); !why.empty()) return why;
    ASSIGN_OR_RETURN(std::string why, WhyWithdrawn());
    if (!why.empty()) return why;
    ASSIGN_OR_RETURN(why, WhyOutOfScope(facts_.rows(), body_.scope(), matter_, facts_.size()));
    if (!why.empty()) return why;
    ASSIGN_OR_RETURN(why, WhyUsedUp());
    if (!why.empty()) return why;
    // Nobody hands on more than they have.
    const v1::Agent from = AgentOf(*FindReference(delegated_.header(), "from"));
    ASSIGN_OR_RETURN(why, WhyNotInRole(facts_, from, v1::CERTIFIER, certified_, matter_));
    return why.empty() ? why : Text("is of somebody who could not give it: ", why);
  }

 private:
  std::string WhyNotByItsTerms() const {
    const v1::EntityRef& to = *FindReference(delegated_.header(), "to");
    if (!(delegated_.event.index < certified_.event.index)) return "was given later only";
    if (!SameAgent(certified_.header().actor(), to)) {
      return Text("lets ", EntityKeyText(to), " act, not ", AgentText(certified_.header().actor()));
    }
    if (body_.role() != v1::CERTIFIER) return Text("is of ", v1::Role_Name(body_.role()));
    if (certified_.event.recorded.us >= body_.valid_until_us()) return "had ended before";
    for (const std::string_view role : {"envelope", "protocol"}) {
      const v1::EntityRef* limit = FindReference(delegated_.header(), role);
      const v1::EntityRef* used = FindReference(certified_.header(), role);
      if (limit != nullptr && (used == nullptr || !SameEntity(*limit, *used))) {
        return Text("is for ", EntityKeyText(*limit));
      }
    }
    return "";
  }

  StatusOr<std::string> WhyWithdrawn() {
    const v1::EntityRef delegation = Bare(*FindReference(delegated_.header(), "delegation"), true);
    ASSIGN_OR_RETURN(const std::vector<const Fact*> withdrawals, facts_.Typed(delegation, "authority.withdrawn"));
    for (const Fact* withdrawn : withdrawals) {
      const int64_t stated_us = withdrawn->body<v1::AuthorityWithdrawn>()->effective_from_us();
      const int64_t from_us = stated_us == 0 ? withdrawn->event.recorded.us : stated_us;
      if (certified_.event.recorded.us < from_us) continue;
      return Text("was withdrawn as of before (leaf ", withdrawn->event.index.value, ")");
    }
    return std::string();
  }

  // Counted as far as the other certifications of the same delegation are looked at; admission counts all its uses.
  StatusOr<std::string> WhyUsedUp() {
    if (body_.uses_max() == 0 || body_.uses_max() > kTypedEventsMax) return std::string();
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> uses,
                     EventsOfType(facts_.rows(), Bare(*FindReference(delegated_.header(), "delegation")),
                                  "certification.issued", TreeSize(certified_.event.index.value), body_.uses_max()));
    if (uses.size() < body_.uses_max()) return std::string();
    for (const LeafIndex use : uses) RETURN_IF_ERROR(facts_.At(use).status());
    return Text("was used ", uses.size(), " times before, which is all it allows");
  }

  Facts& facts_;
  const Fact& certified_;
  const Fact& delegated_;
  const v1::AuthorityDelegated& body_;
  const Matter& matter_;
};

}  // namespace

StatusOr<std::vector<v1::Scope>> ScopesHeldAt(Facts& facts, const v1::Agent& agent, v1::Role role, const Fact& act) {
  const v1::EntityRef holder = ToEntity({agent.kind(), agent.id()});
  // Whatever else they did, and be it without end, is not looked at.
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                   ReferencesTo(facts.rows(), holder.kind(), holder.id(), "", "holder", TreeSize(act.event.index.value),
                                kQuestionEventsMax));
  std::vector<v1::Scope> held;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    const auto* withdrawn = fact->body<v1::RoleWithdrawn>();
    if (withdrawn != nullptr && withdrawn->role() == role) held.clear();
    const auto* granted = fact->body<v1::RoleGranted>();
    if (granted == nullptr || granted->role() != role || !fact->counts()) continue;
    const int64_t at_us = act.event.recorded.us;
    const bool in_force =
        at_us >= granted->valid_from_us() && (granted->valid_until_us() == 0 || at_us < granted->valid_until_us());
    if (in_force) held.push_back(granted->scope());
  }
  return held;
}

StatusOr<bool> MayPermit(Facts& facts, const Fact& decision, std::string_view item) {
  Matter matter;
  if (!item.empty()) matter.items.emplace_back(item);
  // A decision is one everywhere.
  matter.jurisdictions.emplace();
  for (const v1::Role role : {v1::QUALITY_OFFICER, v1::ACTIVATION_APPROVER, v1::REGULATORY_OFFICER}) {
    ASSIGN_OR_RETURN(const std::string why, WhyNotInRole(facts, decision.header().actor(), role, decision, matter));
    if (why.empty()) return true;
  }
  return false;
}

StatusOr<std::string> WhyNotOfCertifier(Facts& facts, const Fact& certified, const Matter& matter) {
  const v1::EntityRef* delegation = FindReference(certified.header(), "delegation");
  if (delegation == nullptr) {
    return WhyNotInRole(facts, certified.header().actor(), v1::CERTIFIER, certified, matter);
  }
  ASSIGN_OR_RETURN(const Fact* delegated, facts.Definition(Bare(*delegation)));
  if (delegated == nullptr || delegated->body<v1::AuthorityDelegated>() == nullptr) {
    return Text(EntityKeyText(*delegation), " is not recorded");
  }
  ASSIGN_OR_RETURN(const std::string why, DelegatedCheck(facts, certified, *delegated, matter).Why());
  return why.empty() ? why : Text(EntityKeyText(*delegation), " ", why);
}

}  // namespace anamnesis::gate
