// Whether the change was approved, and needs no new submission: G10, G11.

#include <algorithm>
#include <set>

#include "ledger/base/decimal.h"
#include "ledger/envelope/envelope.h"
#include "ledger/event/names.h"
#include "ledger/gate/leave.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/steps.h"

namespace anamnesis::gate {
namespace {

// The dimensions in which something moved from the anchor.
std::set<std::string> Moved(const v1::ArtifactProduced& artifact) {
  const auto stays = [](const std::string& number) {
    const StatusOr<Decimal> value = Decimal::Parse(number);
    return value.ok() && value->zero();
  };
  std::set<std::string> moved;
  for (const auto& parameter : artifact.parameters()) {
    const bool still = parameter.symbols().empty() && stays(parameter.value()) &&
                       (parameter.high().empty() || stays(parameter.high()));
    if (!still) moved.insert(parameter.dimension());
  }
  return moved;
}

// What authorisations call a change of this kind.
std::string ChangeClassOf(const v1::ArtifactProduced& artifact) {
  std::string name = v1::ArtifactProduced::Kind_Name(artifact.kind());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  return name;
}

// What approved a change of which the artifact is the result; nullptr when nothing did.
StatusOr<const Fact*> ApprovalOfRequest(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> implemented,
                   s.facts.Typed(Bare(s.request.artifact), "change.implemented"));
  for (const Fact* fact : implemented) {
    const v1::EntityRef change = Bare(*FindReference(fact->header(), "change"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> approved, s.facts.Typed(change, "change.approved"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> rejected, s.facts.Typed(change, "change.rejected"));
    if (approved.empty() || !rejected.empty()) continue;
    j.Rest(fact);
    return approved.back();
  }
  return nullptr;
}

class PlanCheck {
 public:
  PlanCheck(Subject& s, const Leave& leave, Judgement& j)
      : s_(s), leave_(leave), terms_(*leave.plan->terms), moved_(Moved(*s.artifact)), j_(j) {}

  Status Check() {
    std::set<std::string> mapped;
    for (const v1::ChangePlanTerms::Modification& modification : terms_.modifications()) {
      const std::set<std::string> here = UsedBy(modification);
      if (here.empty()) continue;
      mapped.insert(here.begin(), here.end());
      CheckForm(modification);
    }
    RETURN_IF_ERROR(CheckBounds());
    for (const std::string& dimension : moved_) {
      if (mapped.count(dimension) == 0) {
        j_.Fail(Text("outside the plan: no modification describes a change of ", dimension));
      }
    }
    RETURN_IF_ERROR(CheckCriteria());
    RETURN_IF_ERROR(CheckCumulative());
    CheckProtocol();
    CheckPurpose();
    return OkStatus();
  }

  // The plan's bounds are part of the effective envelope (domain.md C.4), whatever else lets the change be made.
  Status CheckBounds() {
    for (const v1::ChangePlanTerms::Modification& modification : terms_.modifications()) {
      for (const std::string& dimension : UsedBy(modification)) {
        for (const v1::Bound& bound : modification.bounds()) {
          if (bound.dimension() == dimension) RETURN_IF_ERROR(CheckBound(modification, bound));
        }
      }
    }
    return OkStatus();
  }

 private:
  // A modification is used when it describes a dimension that moved.
  std::set<std::string> UsedBy(const v1::ChangePlanTerms::Modification& modification) const {
    std::set<std::string> here;
    for (const std::string& dimension : modification.dimensions()) {
      if (moved_.count(dimension) > 0) here.insert(dimension);
    }
    return here;
  }

  void CheckForm(const v1::ChangePlanTerms::Modification& modification) {
    const bool local = FindReference(s_.produced->header(), "unit") != nullptr;
    if (local != (modification.extent() == v1::ChangePlanTerms::Modification::LOCAL)) {
      j_.Fail(Text("modification ", modification.id(), " is ",
                   local ? "global, the artifact is for one unit" : "local, the artifact is for no certain unit"));
    }
    const bool manual = s_.certification != nullptr && s_.certification->has_signature();
    if (modification.mode() == v1::ChangePlanTerms::Modification::MANUAL && !manual) {
      j_.Fail(Text("modification ", modification.id(), " is implemented manually: a person has to certify it"));
    }
  }

  Status CheckBound(const v1::ChangePlanTerms::Modification& modification, const v1::Bound& bound) {
    for (const auto& parameter : s_.artifact->parameters()) {
      if (parameter.dimension() != bound.dimension()) continue;
      ASSIGN_OR_RETURN(const std::string why, WhyNotWithin(parameter, bound.low(), bound.high(), bound.unit()));
      if (!why.empty()) j_.Fail(Text("modification ", modification.id(), ": ", parameter.dimension(), " ", why));
    }
    return OkStatus();
  }

  Status CheckCriteria() {
    if (terms_.acceptance_criteria().empty()) return OkStatus();
    ASSIGN_OR_RETURN(const std::vector<const v1::Metric*> metrics, MetricsOf(s_, &j_));
    for (const v1::ChangePlanTerms::Criterion& criterion : terms_.acceptance_criteria()) {
      const v1::Metric* found = nullptr;
      for (const v1::Metric* metric : metrics) {
        if (metric->name() == criterion.metric() && metric->subgroup() == criterion.subgroup()) found = metric;
      }
      const std::string name =
          Text(criterion.metric(), criterion.subgroup().empty() ? "" : " of ", criterion.subgroup());
      if (found == nullptr) {
        j_.Fail(Text("acceptance criterion ", name, ": no evaluation reports it"));
        continue;
      }
      ASSIGN_OR_RETURN(const bool met, Meets(found->value(), criterion.comparator(), criterion.value()));
      if (!met)
        j_.Fail(Text("acceptance criterion ", name, ": ", found->value(), " is not ", criterion.comparator(), " ",
                     criterion.value()));
    }
    return OkStatus();
  }

  Status CheckCumulative() {
    for (const v1::Bound& bound : terms_.cumulative_limits()) {
      ASSIGN_OR_RETURN(const StepSum sum, SumOfSteps(s_, bound.dimension(), bound.unit(), j_));
      if (!sum.unknown_because.empty()) {
        j_.Fail(Text("cumulative limit of ", bound.dimension(), ": ", sum.unknown_because));
        continue;
      }
      ASSIGN_OR_RETURN(const bool within, IsWithin(sum.value, bound.low(), bound.high()));
      if (!within) j_.Fail(Text("cumulative limit: ", bound.dimension(), " is ", sum.value, " from the anchor"));
    }
    return OkStatus();
  }

  void CheckProtocol() {
    const v1::EntityRef* used = s_.certified == nullptr ? nullptr : FindReference(s_.certified->header(), "protocol");
    bool names_any = false;
    bool named = false;
    for (const v1::EntityRef& ref : leave_.plan->authorised->header().refs()) {
      if (ref.role() != "protocol") continue;
      names_any = true;
      named |= used != nullptr && SameEntity(Bare(ref), Bare(*used));
    }
    if (!names_any) return;
    j_.Rest(s_.certified);
    if (used == nullptr) {
      j_.Fail("nothing was certified by the plan's protocol");
    } else if (!named) {
      j_.Fail(Text("certified by ", EntityKeyText(*used), ", which the plan doesn't authorise"));
    }
  }

  void CheckPurpose() {
    const std::string& purpose = terms_.intended_purpose_digest();
    if (purpose.empty() || leave_.authorisation->terms->intended_purpose_digest() == purpose) return;
    j_.Fail("the intended purpose is not the one that the plan was authorised for");
  }

  Subject& s_;
  const Leave& leave_;
  const v1::ChangePlanTerms& terms_;
  const std::set<std::string> moved_;
  Judgement& j_;
};

// What ended the last of the plans.
const Fact* EndOfPlans(const Authorisation& authorisation) {
  const Fact* last = nullptr;
  for (const ChangePlan& plan : authorisation.plans) {
    if (plan.ended != nullptr) last = plan.ended;
  }
  return last;
}

bool IsAllowed(const Subject& s, const Leave& leave) {
  return leave.authorisation != nullptr && AllowsChange(s, *leave.authorisation);
}

}  // namespace

bool AllowsChange(const Subject& s, const Authorisation& authorisation) {
  if (s.artifact == nullptr) return false;
  const auto& allowed = authorisation.terms->change_classes_allowed();
  return std::find(allowed.begin(), allowed.end(), ChangeClassOf(*s.artifact)) != allowed.end();
}

Status JudgeChangeControlBy(Subject& s, const Leave& leave, Judgement& j) {
  ASSIGN_OR_RETURN(const Fact* approved, ApprovalOfRequest(s, j));
  if (approved != nullptr) {
    j.Rest(approved);
    return OkStatus();
  }
  // Or what was approved beforehand for changes of its class.
  if (s.envelopes.empty()) {
    j.Fail("no approved change request covers it, and no approved envelope");
    return OkStatus();
  }
  j.Rest(s.envelopes.front().approved);
  if (IsAllowed(s, leave)) {
    j.Rest(leave.authorisation->terms_from);
  } else if (leave.plan != nullptr) {
    j.Rest(leave.plan->authorised);
  } else {
    j.Fail("no approved change request covers it, and the approved envelope has no change plan beside it here");
  }
  return OkStatus();
}

Status JudgeChangePlanBy(Subject& s, const Leave& leave, Judgement& j) {
  if (s.artifact == nullptr) {
    j.Fail("the artifact is not recorded");
    return OkStatus();
  }
  if (IsAllowed(s, leave)) {
    j.Rest(leave.authorisation->terms_from);
    if (leave.plan != nullptr) {
      j.Rest(leave.plan->authorised);
      j.Rest(leave.plan->ended);
      RETURN_IF_ERROR(PlanCheck(s, leave, j).CheckBounds());
    }
    j.NotApplicable(Text("the authorisation allows changes of class ", ChangeClassOf(*s.artifact)));
    return OkStatus();
  }
  if (leave.plan == nullptr) {
    j.Fail(Text("a change of class ", ChangeClassOf(*s.artifact), " needs a new submission in ", s.request.jurisdiction,
                ": no authorisation allows it and no change plan is in force"));
    if (leave.authorisation != nullptr) j.Rest(EndOfPlans(*leave.authorisation));
    return OkStatus();
  }
  j.Rest(s.produced);
  j.Rest(leave.plan->authorised);
  return PlanCheck(s, leave, j).Check();
}

}  // namespace anamnesis::gate
