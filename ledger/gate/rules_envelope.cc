// What the adaptation may be: G05, G10, G11.

#include <algorithm>
#include <set>

#include "ledger/base/decimal.h"
#include "ledger/crypto/sha256.h"
#include "ledger/envelope/envelope.h"
#include "ledger/event/names.h"
#include "ledger/gate/rules.h"
#include "ledger/query/item_scope.h"

namespace anamnesis::gate {
namespace {

// Chains of parents are followed so far.
constexpr size_t kParentsMax = 10'000;

// The activations of the unit in the period before the time of the decision.
StatusOr<uint64_t> ActivationsWithin(Subject& s, uint64_t period_s, uint64_t enough) {
  const v1::EntityRef unit = ToEntity({"device_unit", s.request.unit});
  const int64_t begin = s.request.at.us - static_cast<int64_t>(std::min<uint64_t>(period_s, 1'000'000'000)) * 1'000'000;
  // Newest first; records come late, so the walk goes on past the first that is older, and stops after some.
  constexpr size_t kOlderMax = 100;
  uint64_t count = 0;
  size_t step = 64;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> facts, s.facts.Typed(unit, "artifact.activated", step, true));
    count = 0;
    size_t older_in_a_row = 0;
    for (const Fact* fact : facts) {
      const bool within = fact->latest().us > begin && fact->earliest() <= s.request.at;
      const v1::EntityRef* artifact = FindReference(fact->header(), "artifact");
      older_in_a_row = within ? 0 : older_in_a_row + 1;
      const bool is_of_what_runs = s.request.activated == fact->event.index;
      if (within && artifact->kind() == "artifact" && !is_of_what_runs) ++count;
      if (count >= enough || older_in_a_row >= kOlderMax) return count;
    }
    if (facts.size() < step || step >= kTypedEventsMax / 2) return count;
    step *= 4;
  }
}

// What an artifact reports in a dimension; "0" when it moves nothing there.
std::string StepIn(const v1::ArtifactProduced& artifact, std::string_view dimension) {
  for (const auto& parameter : artifact.parameters()) {
    if (parameter.dimension() == dimension && !parameter.value().empty()) return parameter.value();
  }
  return "0";
}

// Sums the steps along the chain of parents; nullopt when a parent is not recorded, or the chain doesn't end.
StatusOr<std::optional<std::string>> SumOfSteps(Subject& s, std::string_view dimension, Judgement& j) {
  std::string sum = "0";
  const Fact* fact = s.produced;
  std::set<uint64_t> seen;
  while (fact != nullptr && seen.insert(fact->event.index.value).second && seen.size() <= kParentsMax) {
    const auto* artifact = fact->body<v1::ArtifactProduced>();
    if (artifact == nullptr) return std::optional<std::string>();
    std::string step = StepIn(*artifact, dimension);
    step = step.starts_with('-') ? step.substr(1) : Text("-", step);
    ASSIGN_OR_RETURN(sum, SubtractDecimals(sum, step));
    j.Rest(fact);
    const v1::EntityRef* parent = FindReference(fact->header(), "parent");
    if (parent == nullptr) return std::optional<std::string>(sum);
    ASSIGN_OR_RETURN(fact, s.facts.Definition(Bare(*parent)));
  }
  return std::optional<std::string>();
}

ReportedArtifact Reported(Subject& s, Judgement& j) {
  ReportedArtifact reported;
  reported.produced = s.artifact;
  reported.at = s.request.at;
  reported.activations = [&s](uint64_t period_s, uint64_t enough) { return ActivationsWithin(s, period_s, enough); };
  reported.sum_of_steps = [&s, &j](std::string_view dimension) { return SumOfSteps(s, dimension, j); };
  return reported;
}

// The dimensions whose value moved from the anchor.
std::set<std::string> Moved(const v1::ArtifactProduced& artifact) {
  std::set<std::string> moved;
  for (const auto& parameter : artifact.parameters()) {
    const StatusOr<Decimal> value = Decimal::Parse(parameter.value());
    if (parameter.symbols_size() > 0 || !value.ok() || !value->zero()) moved.insert(parameter.dimension());
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

// The authorisation in force that lets such a change be made without a new one; nullptr when none does.
const Authorisation* AllowsChange(const Subject& s) {
  if (s.artifact == nullptr) return nullptr;
  const std::string change = ChangeClassOf(*s.artifact);
  for (const Authorisation& authorisation : s.authorisations) {
    const auto& allowed = authorisation.terms->change_classes_allowed();
    if (authorisation.inactive_because.empty() && std::find(allowed.begin(), allowed.end(), change) != allowed.end()) {
      return &authorisation;
    }
  }
  return nullptr;
}

StatusOr<bool> WithinBounds(const google::protobuf::RepeatedPtrField<v1::Bound>& bounds,
                            const v1::ArtifactProduced& artifact, const std::set<std::string>& dimensions,
                            std::string_view what, Judgement& j) {
  bool within = true;
  for (const v1::Bound& bound : bounds) {
    if (dimensions.count(bound.dimension()) == 0) continue;
    for (const auto& parameter : artifact.parameters()) {
      if (parameter.dimension() != bound.dimension()) continue;
      ASSIGN_OR_RETURN(const bool inside, IsWithin(parameter.value(), bound.low(), bound.high()));
      if (inside && parameter.unit() == bound.unit()) continue;
      within = false;
      j.Fail(Text(what, ": ", parameter.dimension(), " ", parameter.value(), " is outside [", bound.low(), ", ",
                  bound.high(), "] ", bound.unit()));
    }
  }
  return within;
}

// Whether `value` compares with `limit` as the comparator says.
StatusOr<bool> Meets(std::string_view value, std::string_view comparator, std::string_view limit) {
  ASSIGN_OR_RETURN(const Decimal v, Decimal::Parse(value));
  ASSIGN_OR_RETURN(const Decimal l, Decimal::Parse(limit));
  if (comparator == "<") return v < l;
  if (comparator == "<=") return v <= l;
  if (comparator == "=") return v == l;
  if (comparator == ">=") return v >= l;
  return comparator == ">" && v > l;
}

class PlanCheck {
 public:
  PlanCheck(Subject& s, Judgement& j) : s_(s), j_(j), terms_(*s.plan->terms) {}

  Status Check() {
    const std::set<std::string> moved = Moved(*s_.artifact);
    std::set<std::string> mapped;
    for (const v1::ChangePlanTerms::Modification& modification : terms_.modifications()) {
      RETURN_IF_ERROR(CheckModification(modification, moved, mapped));
    }
    for (const std::string& dimension : moved) {
      if (mapped.count(dimension) == 0) {
        j_.Fail(Text("outside the plan: no modification describes a change of ", dimension));
      }
    }
    RETURN_IF_ERROR(CheckCriteria());
    RETURN_IF_ERROR(CheckCumulative());
    RETURN_IF_ERROR(CheckProtocol());
    return CheckPurpose();
  }

 private:
  // A modification is used when it describes a dimension that moved.
  Status CheckModification(const v1::ChangePlanTerms::Modification& modification, const std::set<std::string>& moved,
                           std::set<std::string>& mapped) {
    std::set<std::string> here;
    for (const std::string& dimension : modification.dimensions()) {
      if (moved.count(dimension) > 0) here.insert(dimension);
    }
    if (here.empty()) return OkStatus();
    mapped.insert(here.begin(), here.end());
    ASSIGN_OR_RETURN(const bool within, WithinBounds(modification.bounds(), *s_.artifact, here,
                                                     Text("modification ", modification.id()), j_));
    static_cast<void>(within);
    const bool local = FindReference(s_.produced->header(), "unit") != nullptr;
    if (local != (modification.extent() == v1::ChangePlanTerms::Modification::LOCAL)) {
      j_.Fail(Text("modification ", modification.id(), " is ",
                   local ? "global, the artifact is for one unit" : "local, the artifact is for no certain unit"));
    }
    const bool manual = s_.certification != nullptr && s_.certification->has_signature();
    if (modification.mode() == v1::ChangePlanTerms::Modification::MANUAL && !manual) {
      j_.Fail(Text("modification ", modification.id(), " is implemented manually: a person has to certify it"));
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
      ASSIGN_OR_RETURN(const std::optional<std::string> sum, SumOfSteps(s_, bound.dimension(), j_));
      if (!sum.has_value()) {
        j_.Fail(Text("cumulative limit of ", bound.dimension(), ": the chain of parents is not complete"));
        continue;
      }
      ASSIGN_OR_RETURN(const bool within, IsWithin(*sum, bound.low(), bound.high()));
      if (!within) j_.Fail(Text("cumulative limit: ", bound.dimension(), " is ", *sum, " from the anchor"));
    }
    return OkStatus();
  }

  Status CheckProtocol() {
    const v1::EntityRef* used = s_.certified == nullptr ? nullptr : FindReference(s_.certified->header(), "protocol");
    bool names_any = false;
    bool named = false;
    for (const v1::EntityRef& ref : s_.plan->authorised->header().refs()) {
      if (ref.role() != "protocol") continue;
      names_any = true;
      named |= used != nullptr && SameEntity(Bare(ref), Bare(*used));
    }
    if (!names_any) return OkStatus();
    j_.Rest(s_.certified);
    if (used == nullptr) {
      j_.Fail("nothing was certified by the plan's protocol");
    } else if (!named) {
      j_.Fail(Text("certified by ", EntityKeyText(*used), ", which the plan doesn't authorise"));
    }
    return OkStatus();
  }

  Status CheckPurpose() {
    if (terms_.intended_purpose_digest().empty()) return OkStatus();
    for (const Authorisation& authorisation : s_.authorisations) {
      if (authorisation.terms->intended_purpose_digest() == terms_.intended_purpose_digest()) return OkStatus();
    }
    j_.Fail("the intended purpose is not the one that the plan was authorised for");
    return OkStatus();
  }

  Subject& s_;
  Judgement& j_;
  const v1::ChangePlanTerms& terms_;
};

}  // namespace

StatusOr<std::vector<const v1::Metric*>> MetricsOf(Subject& s, Judgement* j) {
  std::vector<const v1::Metric*> metrics;
  ASSIGN_OR_RETURN(const std::vector<const Fact*> evaluations,
                   s.facts.Typed(Bare(s.request.artifact), "evaluation.completed"));
  for (const Fact* fact : evaluations) {
    if (fact->earliest() > s.request.at) continue;
    if (j != nullptr) j->Rest(fact);
    for (const v1::Metric& metric : fact->body<v1::EvaluationCompleted>()->metrics()) metrics.push_back(&metric);
  }
  return metrics;
}

Status JudgeEnvelope(Subject& s, Judgement& j) {
  if (s.produced == nullptr || s.envelopes.empty()) {
    j.Fail(s.produced == nullptr ? "the artifact is not recorded" : s.no_envelope_because);
    j.Rest(s.envelope_ended);
    return OkStatus();
  }
  j.Rest(s.produced);
  const auto* item = s.item_identified == nullptr ? nullptr : s.item_identified->body<v1::SoftwareItemIdentified>();
  if (item == nullptr || item->trainability() != v1::SoftwareItemIdentified::TRAINABLE) {
    j.Fail("the item is not identified as trainable, so it must not adapt");
  }
  j.Rest(s.item_identified);
  ReportedArtifact reported = Reported(s, j);
  const bool reads_metrics = std::any_of(s.envelopes.begin(), s.envelopes.end(), [](const EnvelopeInForce& envelope) {
    const auto& dimensions = envelope.terms->dimensions();
    return std::any_of(dimensions.begin(), dimensions.end(), [](const auto& dimension) {
      return dimension.kind() == "floor" || dimension.kind() == "ceiling";
    });
  });
  if (reads_metrics) {
    ASSIGN_OR_RETURN(reported.metrics, MetricsOf(s, &j));
  }
  std::vector<const v1::EnvelopeTerms*> terms;
  for (const EnvelopeInForce& envelope : s.envelopes) {
    j.Rest(envelope.approved);
    terms.push_back(envelope.terms);
    ASSIGN_OR_RETURN(const std::vector<std::string> reasons, WhyOutside(*envelope.terms, reported));
    for (const std::string& reason : reasons) j.Fail(Text("outside ", envelope.name, ": ", reason));
  }
  for (const std::string& dimension : Unnamed({terms.front()}, *s.artifact)) {
    j.Fail(Text("outside ", s.envelopes.front().name, ": it doesn't name ", dimension));
  }
  return OkStatus();
}

Status JudgeChangeControl(Subject& s, Judgement& j) {
  // An approved request for this change.
  ASSIGN_OR_RETURN(const std::vector<const Fact*> implemented,
                   s.facts.Typed(Bare(s.request.artifact), "change.implemented"));
  for (const Fact* fact : implemented) {
    const v1::EntityRef change = Bare(*FindReference(fact->header(), "change"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> approved, s.facts.Typed(change, "change.approved"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> rejected, s.facts.Typed(change, "change.rejected"));
    if (approved.empty() || !rejected.empty()) continue;
    j.Rest(fact);
    j.Rest(approved.back());
    return OkStatus();
  }
  // Or what was approved beforehand for changes of its class.
  if (s.envelopes.empty()) {
    j.Fail("no approved change request covers it, and no approved envelope");
    return OkStatus();
  }
  j.Rest(s.envelopes.front().approved);
  if (const Authorisation* allows = AllowsChange(s); allows != nullptr) {
    j.Rest(allows->terms_from);
  } else if (s.plan.has_value()) {
    j.Rest(s.plan->authorised);
  } else {
    j.Fail("no approved change request covers it, and the approved envelope has no change plan beside it here");
  }
  return OkStatus();
}

Status JudgeChangePlan(Subject& s, Judgement& j) {
  if (s.artifact == nullptr) {
    j.Fail("the artifact is not recorded");
    return OkStatus();
  }
  if (const Authorisation* allows = AllowsChange(s); allows != nullptr) {
    j.Rest(allows->terms_from);
    j.NotApplicable(Text("the authorisation allows changes of class ", ChangeClassOf(*s.artifact)));
    return OkStatus();
  }
  if (!s.plan.has_value()) {
    j.Fail(Text("a change of class ", ChangeClassOf(*s.artifact), " needs a new submission in ", s.request.jurisdiction,
                ": no authorisation allows it and no change plan is in force"));
    return OkStatus();
  }
  j.Rest(s.produced);
  j.Rest(s.plan->authorised);
  return PlanCheck(s, j).Check();
}

}  // namespace anamnesis::gate
