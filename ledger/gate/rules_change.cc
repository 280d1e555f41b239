// Whether the change was approved, and needs no new submission: G10, G11.

#include <algorithm>
#include <set>

#include "ledger/base/decimal.h"
#include "ledger/envelope/envelope.h"
#include "ledger/envelope/metrics.h"
#include "ledger/event/names.h"
#include "ledger/gate/leave.h"
#include "ledger/gate/measured.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/seal_key.h"
#include "ledger/gate/steps.h"
#include "ledger/query/item_tree.h"

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

// The item that adapts and those that contain it, by id; and the artifact's envelope.
struct Adapting {
  std::set<std::string> items;
  const v1::EntityRef* envelope = nullptr;
};

StatusOr<Adapting> WhatAdapts(Subject& s) {
  Adapting adapting;
  if (s.item != nullptr) {
    ASSIGN_OR_RETURN(adapting.items, ItemAndContaining(s.facts, s.item->id()));
  }
  if (!s.envelopes.empty()) adapting.envelope = s.envelopes.front().ref;
  return adapting;
}

// Whether the change was asked for of what adapts.
bool IsAbout(const Fact& requested, const Adapting& adapting) {
  const auto& refs = requested.header().refs();
  return std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& ref) {
    if (ref.role() != "item") return false;
    if (ref.kind() == "software_item") return adapting.items.count(ref.id()) > 0;
    return adapting.envelope != nullptr && ref.kind() == "envelope" && ref.id() == adapting.envelope->id() &&
           (ref.version().empty() || ref.version() == adapting.envelope->version());
  });
}

// What approved a change of what adapts, of which the artifact is the result; nullptr when nothing did. An approval by
// a key that was lost before is none: `doubtful` fails for it, for whoever finds no other.
StatusOr<const Fact*> ApprovalOfRequest(Subject& s, Judgement& doubtful, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> implemented,
                   s.facts.Typed(Bare(s.request.artifact), "change.implemented"));
  if (implemented.empty()) return nullptr;
  ASSIGN_OR_RETURN(const Adapting adapting, WhatAdapts(s));
  for (const Fact* fact : implemented) {
    const v1::EntityRef change = Bare(*FindReference(fact->header(), "change"));
    ASSIGN_OR_RETURN(const Fact* requested, s.facts.Definition(change));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> approved, s.facts.Typed(change, "change.approved"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> rejected, s.facts.Typed(change, "change.rejected"));
    const bool serves = requested != nullptr && IsAbout(*requested, adapting) && !approved.empty() && rejected.empty();
    if (!serves) continue;
    for (auto approval = approved.rbegin(); approval != approved.rend(); ++approval) {
      const Fact* ended = nullptr;
      ASSIGN_OR_RETURN(const std::string why, WhyKeyIsDoubtful(s.facts, **approval, s.request.at, &ended));
      if (why.empty()) {
        j.Rest(requested);
        j.Rest(fact);
        return *approval;
      }
      doubtful.Fail(Text("the key that approved ", EntityKeyText(change), " ", why));
      doubtful.Rest(*approval);
      doubtful.Rest(ended);
    }
  }
  return nullptr;
}

class PlanCheck {
 public:
  PlanCheck(Subject& s, const Leave& leave, Judgement& j)
      : s_(s), leave_(leave), terms_(*leave.plan->terms), moved_(Moved(*s.artifact)), j_(j) {}

  Status Check() {
    std::set<std::string> mapped;
    bool described = false;
    for (const v1::ChangePlanTerms::Modification& modification : terms_.modifications()) {
      if (!Describes(modification)) continue;
      described = true;
      mapped.insert(modification.dimensions().begin(), modification.dimensions().end());
      CheckForm(modification);
      CheckProtocolParts(modification);
    }
    const std::string change_class = ChangeClassOf(*s_.artifact);
    if (!described && moved_.empty()) {
      j_.Fail(Text("outside the plan: no modification describes this change of class ", change_class));
    }
    RETURN_IF_ERROR(CheckBounds());
    for (const std::string& dimension : moved_) {
      if (mapped.count(dimension) == 0) {
        j_.Fail(
            Text("outside the plan: no modification of class ", change_class, " describes a change of ", dimension));
      }
    }
    RETURN_IF_ERROR(CheckCriteria());
    RETURN_IF_ERROR(CheckCumulative());
    CheckProtocol();
    CheckPurpose();
    return OkStatus();
  }

  // The plan's bounds are part of the effective envelope (domain.md C.4), whatever else lets the change be made: those
  // of every modification that describes it, and of each all. They hold for whatever is reported, since of what the
  // artifact sets 0 may be the furthest from where it was; what isn't reported is not inside.
  Status CheckBounds() {
    for (const v1::ChangePlanTerms::Modification& modification : terms_.modifications()) {
      if (!Describes(modification)) continue;
      for (const v1::Bound& bound : modification.bounds()) RETURN_IF_ERROR(CheckBound(modification, bound));
    }
    return OkStatus();
  }

 private:
  // A modification describes the change when it is of the artifact's class, and of a dimension that the artifact
  // reports, moved or not; one that names no dimensions, when it is of the class.
  bool Describes(const v1::ChangePlanTerms::Modification& modification) const {
    if (modification.change_class() != ChangeClassOf(*s_.artifact)) return false;
    if (modification.dimensions().empty()) return true;
    const auto& parameters = s_.artifact->parameters();
    return std::any_of(parameters.begin(), parameters.end(), [&](const v1::ArtifactProduced::Parameter& parameter) {
      const auto& dimensions = modification.dimensions();
      return std::find(dimensions.begin(), dimensions.end(), parameter.dimension()) != dimensions.end();
    });
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

  // What the authority authorised is the modification with its protocol: each of the four parts says something of it,
  // be it that there is nothing to do.
  void CheckProtocolParts(const v1::ChangePlanTerms::Modification& modification) {
    const auto check = [&](const auto& part, std::string_view name) {
      if (part.empty()) j_.Fail(Text("modification ", modification.id(), ": the plan has no protocol of its ", name));
    };
    check(modification.data_management(), "data management");
    check(modification.retraining(), "re-training");
    check(modification.performance_evaluation(), "performance evaluation");
    check(modification.update_procedures(), "update procedures");
  }

  Status CheckBound(const v1::ChangePlanTerms::Modification& modification, const v1::Bound& bound) {
    bool reported = false;
    for (const auto& parameter : s_.artifact->parameters()) {
      if (parameter.dimension() != bound.dimension()) continue;
      reported = true;
      ASSIGN_OR_RETURN(const std::string why, WhyNotWithin(parameter, bound.low(), bound.high(), bound.unit()));
      if (!why.empty()) j_.Fail(Text("modification ", modification.id(), ": ", parameter.dimension(), " ", why));
    }
    if (!reported) {
      j_.Fail(Text("modification ", modification.id(), " bounds ", bound.dimension(),
                   ", which the artifact doesn't report"));
    }
    return OkStatus();
  }

  Status CheckCriteria() {
    if (terms_.acceptance_criteria().empty()) return OkStatus();
    ASSIGN_OR_RETURN(const MeasuredMetrics metrics, MetricsOf(s_, j_));
    for (const v1::ChangePlanTerms::Criterion& criterion : terms_.acceptance_criteria()) {
      RETURN_IF_ERROR(CheckCriterion(criterion, metrics));
    }
    return OkStatus();
  }

  // Each measurement of it has to meet it.
  Status CheckCriterion(const v1::ChangePlanTerms::Criterion& criterion, const MeasuredMetrics& metrics) {
    const std::string name = Text(criterion.metric(), criterion.subgroup().empty() ? "" : " of ", criterion.subgroup());
    bool reported = false;
    for (const MeasuredMetric& measured : metrics) {
      const v1::Metric& metric = *measured.metric;
      if (metric.name() != criterion.metric() || metric.subgroup() != criterion.subgroup()) continue;
      reported |= measured.counts;
      // A criterion names no unit: it is held against the number as reported.
      const HeldNumber held = NumberHeld(metric, MetricEnd::kValue, metric.unit(), "the plan");
      if (!held.missing_because.empty()) {
        j_.Fail(Text("acceptance criterion ", name, ": ", held.missing_because));
        continue;
      }
      ASSIGN_OR_RETURN(const bool met, Meets(held.number, criterion.comparator(), criterion.value()));
      if (met) continue;
      j_.Fail(Text("acceptance criterion ", name, ": ", held.number, " is not ", criterion.comparator(), " ",
                   criterion.value()));
    }
    if (!reported) j_.Fail(Text("acceptance criterion ", name, ": no evaluation reports it"));
    return OkStatus();
  }

  Status CheckCumulative() {
    if (terms_.cumulative_limits().empty()) return OkStatus();
    if (s_.envelopes.empty()) {
      j_.Fail("cumulative limits: no envelope in force says from which anchor");
      return OkStatus();
    }
    for (const v1::Bound& bound : terms_.cumulative_limits()) {
      ASSIGN_OR_RETURN(const StepSum sum, SumOfSteps(s_, s_.envelopes.front(), bound.dimension(), bound.unit(), j_));
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
    j_.Rest(s_.certified);
    if (!names_any) {
      j_.Fail("the plan names no protocol to certify by");
    } else if (used == nullptr) {
      j_.Fail("nothing was certified by the plan's protocol");
    } else if (!named) {
      j_.Fail(Text("certified by ", EntityKeyText(*used), ", which the plan doesn't authorise"));
    }
  }

  void CheckPurpose() {
    const std::string& purpose = terms_.intended_purpose_digest();
    if (purpose.empty()) {
      j_.Fail("the plan doesn't say for which intended purpose it was authorised");
    } else if (leave_.authorisation->terms->intended_purpose_digest() != purpose) {
      j_.Fail("the intended purpose is not the one that the plan was authorised for");
    }
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
  Judgement doubtful;
  ASSIGN_OR_RETURN(const Fact* approved, ApprovalOfRequest(s, doubtful, j));
  if (approved != nullptr) {
    j.Rest(approved);
    return OkStatus();
  }
  // Or what was approved beforehand for changes of its class.
  if (s.envelopes.empty()) {
    j.Fail("no approved change request covers it, and no approved envelope");
    j.FailAs(doubtful);
    return OkStatus();
  }
  j.Rest(s.envelopes.front().approved);
  if (IsAllowed(s, leave)) {
    j.Rest(leave.authorisation->terms_from);
  } else if (leave.plan != nullptr) {
    j.Rest(leave.plan->authorised);
  } else {
    j.Fail("no approved change request covers it, and the approved envelope has no change plan beside it here");
    j.FailAs(doubtful);
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
