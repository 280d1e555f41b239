// Whether the risk controls hold: G07.

#include "ledger/event/names.h"
#include "ledger/gate/closure.h"
#include "ledger/gate/rules.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis::gate {
namespace {

Status JudgeControl(Subject& s, const AffectedControl& each, const std::vector<const Fact*>& verifications,
                    Judgement& j) {
  j.Rest(each.defined);
  if (!each.unknown_because.empty()) {
    j.Fail(Text(EntityKeyText(each.control), " ", each.unknown_because));
    return OkStatus();
  }
  for (const v1::RiskControlVerified::Aspect aspect :
       {v1::RiskControlVerified::IMPLEMENTATION, v1::RiskControlVerified::EFFECTIVENESS}) {
    const Fact* newest = nullptr;
    for (const Fact* fact : verifications) {
      const auto* body = fact->body<v1::RiskControlVerified>();
      const v1::EntityRef* control = FindReference(fact->header(), "control");
      const bool is_of_it =
          control->id() == each.control.id() && body->aspect() == aspect && body->configuration_digest() == s.candidate;
      if (is_of_it && (newest == nullptr || StandsEarlier(newest, fact))) newest = fact;
    }
    const std::string_view name =
        aspect == v1::RiskControlVerified::IMPLEMENTATION ? "implementation" : "effectiveness";
    if (newest == nullptr) {
      j.Fail(
          Text("the ", name, " of ", EntityKeyText(each.control), " is not verified on the candidate configuration"));
      continue;
    }
    j.Rest(newest);
    if (newest->body<v1::RiskControlVerified>()->result() != v1::RiskControlVerified::PASS) {
      j.Fail(Text("the verification of the ", name, " of ", EntityKeyText(each.control), " failed (leaf ",
                  newest->event.index.value, ")"));
    } else if (RecordedEarlier(newest, each.changed) || !StandsEarlier(each.changed, newest)) {
      // What is told now of a verification before the change is none of what was changed.
      const std::string what = each.changed == each.defined ? "" : "what ";
      j.Fail(Text(what, EntityKeyText(each.control), what.empty() ? " was" : " relies on was", " changed (leaf ",
                  each.changed->event.index.value, ") after the verification of its ", name, " (leaf ",
                  newest->event.index.value, ")"));
    }
  }
  return OkStatus();
}

}  // namespace

Status JudgeRiskControls(Subject& s, Judgement& j) {
  if (s.item == nullptr) {
    j.Fail("the artifact names no software item, so nothing says which risk controls rely on it");
    return OkStatus();
  }
  if (!s.class_b_or_c()) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> analysed,
                     s.facts.Typed(Bare(*s.item, true), "change.impact_analysed"));
    if (analysed.empty()) {
      j.Fail("no impact analysis of a change of the item is recorded (IEC 62304 7.4.1)");
    } else {
      j.Rest(analysed.back());
    }
    return OkStatus();
  }
  if (s.candidate.empty()) {
    j.Fail("the candidate configuration is not certain");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const Fact* set, RiskControlSet(s));
  if (set == nullptr) {
    j.Fail("the envelope names no recorded set of risk controls, so nobody can say which rely on the item");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<AffectedControl> affected, AffectedControls(s));
  if (affected.empty()) {
    j.NotApplicable("no recorded risk control relies on the item");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> verifications,
                   s.facts.Typed(Bare(s.request.artifact), "risk_control.verified"));
  for (const AffectedControl& each : affected) RETURN_IF_ERROR(JudgeControl(s, each, verifications, j));
  return OkStatus();
}

}  // namespace anamnesis::gate
