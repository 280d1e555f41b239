// What was verified and on which data: G07 to G09, G18.

#include <algorithm>
#include <set>

#include "ledger/event/names.h"
#include "ledger/gate/held_authority.h"
#include "ledger/gate/rules.h"
#include "ledger/query/event_pattern.h"
#include "ledger/query/item_scope.h"

namespace anamnesis::gate {
namespace {

// How far dependencies of a risk control are followed.
constexpr size_t kDependenciesMax = 1000;

// The item and those that contain it.
StatusOr<std::set<std::string>> ItemsAffected(Subject& s) {
  if (s.item == nullptr) return std::set<std::string>();
  ASSIGN_OR_RETURN(const ItemPath path, ItemAndAbove(s.facts.rows(), s.item->id(), s.facts.size()));
  for (const LeafIndex part : path.parts) RETURN_IF_ERROR(s.facts.At(part).status());
  return std::set<std::string>(path.items.begin(), path.items.end());
}

// The newest definition of a control.
StatusOr<const Fact*> DefinitionOfControl(Facts& facts, const v1::EntityRef& control) {
  const v1::EntityRef bare = Bare(control, true);
  const Fact* newest = nullptr;
  for (const std::string_view type : {"risk_control.defined", "risk_control.revised"}) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.Typed(bare, type));
    for (const Fact* fact : found) {
      if (FindReference(fact->header(), "control")->id() != control.id()) continue;
      if (newest == nullptr || newest->event.index < fact->event.index) newest = fact;
    }
  }
  return newest;
}

// Whether what a control relies on, itself or over what that relies on, is among the affected items.
class Closure {
 public:
  Closure(Facts& facts, const std::set<std::string>& affected) : facts_(facts), affected_(affected) {}

  StatusOr<bool> Meets(const Fact& control) { return AnyOf(control.header()); }

 private:
  StatusOr<bool> AnyOf(const v1::EventHeader& header) {
    for (const v1::EntityRef& ref : header.refs()) {
      if (ref.role() != "depends_on") continue;
      ASSIGN_OR_RETURN(const bool meets, Reaches(ref));
      if (meets) return true;
    }
    return false;
  }

  StatusOr<bool> Reaches(const v1::EntityRef& ref) {
    if (seen_.size() >= kDependenciesMax || !seen_.insert(EntityKeyText(ref)).second) return false;
    if (ref.kind() == "software_item") {
      if (affected_.count(ref.id()) > 0) return true;
      ASSIGN_OR_RETURN(const Fact* item, facts_.Definition(Bare(ref, true)));
      if (item == nullptr) return false;
      return AnyOf(item->header());
    }
    // A requirement or a model belongs to an item; SOUP to the items that use it.
    ASSIGN_OR_RETURN(const Fact* defined,
                     ref.version().empty() ? NewestDefinition(facts_, ref) : facts_.Definition(Bare(ref)));
    if (defined == nullptr) return false;
    for (const v1::EntityRef& of : defined->header().refs()) {
      if (of.role() == "item" && affected_.count(of.id()) > 0) return true;
    }
    return false;
  }

  Facts& facts_;
  const std::set<std::string>& affected_;
  std::set<std::string> seen_;
};

Status JudgeControl(Subject& s, const AffectedControl& each, const std::vector<const Fact*>& verifications,
                    Judgement& j) {
  j.Rest(each.defined);
  for (const v1::RiskControlVerified::Aspect aspect :
       {v1::RiskControlVerified::IMPLEMENTATION, v1::RiskControlVerified::EFFECTIVENESS}) {
    const Fact* newest = nullptr;
    for (const Fact* fact : verifications) {
      const auto* body = fact->body<v1::RiskControlVerified>();
      const v1::EntityRef* control = FindReference(fact->header(), "control");
      const bool is_of_it =
          control->id() == each.control.id() && body->aspect() == aspect && body->configuration_digest() == s.candidate;
      if (is_of_it) newest = fact;
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
    } else if (newest->event.index < each.defined->event.index) {
      j.Fail(Text(EntityKeyText(each.control), " was changed (leaf ", each.defined->event.index.value,
                  ") after the verification of its ", name, " (leaf ", newest->event.index.value, ")"));
    }
  }
  return OkStatus();
}

// The last evaluation of an anomaly; nullptr when there is none.
StatusOr<const Fact*> EvaluationOf(Subject& s, const v1::EntityRef& anomaly) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> evaluated, TypedOfEither(s.facts, anomaly, "anomaly.evaluated"));
  return evaluated.empty() ? nullptr : evaluated.back();
}

// Why the problem stands against running the artifact; empty when it doesn't.
StatusOr<std::string> WhyProblemStands(Subject& s, const Fact& reported, Judgement& j) {
  const v1::EntityRef problem = Bare(*FindReference(reported.header(), "problem"));
  const Fact* ended = nullptr;
  for (const std::string_view type : {"problem.closed", "problem.no_action_decided"}) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> facts, s.facts.Typed(problem, type));
    for (const Fact* fact : facts) {
      if (ended == nullptr || ended->event.index < fact->event.index) ended = fact;
    }
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> reopened, s.facts.Typed(problem, "problem.reopened"));
  const bool open_again = ended != nullptr && !reopened.empty() && ended->event.index < reopened.back()->event.index;
  if (ended != nullptr && !open_again) {
    j.Rest(ended);
    return std::string();
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> decisions, s.facts.Typed(problem, "decision.recorded"));
  for (const Fact* fact : decisions) {
    if (fact->body<v1::DecisionRecorded>()->choice() != "operation_permitted") continue;
    ASSIGN_OR_RETURN(const bool may, MayPermit(s.facts, *fact, s.item == nullptr ? "" : s.item->id()));
    if (!may) continue;
    j.Rest(fact);
    return std::string();
  }
  return Text(EntityKeyText(problem), " concerns safety and is open (leaf ", reported.event.index.value,
              "); a decision.recorded about it with the choice operation_permitted, by a QUALITY_OFFICER, "
              "ACTIVATION_APPROVER or REGULATORY_OFFICER, would let it run");
}

Status JudgeDataset(Subject& s, const v1::EntityRef& dataset, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> sealed, s.facts.Typed(Bare(dataset), "dataset.sealed"));
  if (sealed.empty()) {
    j.Fail(Text(EntityKeyText(dataset), " is not sealed"));
    return OkStatus();
  }
  j.Rest(sealed.back());
  ASSIGN_OR_RETURN(const std::vector<const Fact*> splits, s.facts.Typed(Bare(dataset), "split.defined"));
  for (const Fact* fact : splits) {
    const auto* body = fact->body<v1::SplitDefined>();
    if (body->overlapping_records() > 0 || body->overlapping_subjects() > 0) {
      j.Fail(Text("parts of ", EntityKeyText(dataset), " overlap (leaf ", fact->event.index.value, ")"));
    } else if (!body->overlap_computed()) {
      j.Fail(Text("nobody computed whether parts of ", EntityKeyText(dataset), " overlap (leaf ",
                  fact->event.index.value, ")"));
    }
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> withdrawn, s.facts.Typed(Bare(dataset), "dataset.record_withdrawn"));
  if (withdrawn.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::vector<const Fact*> decisions, TypedOfEither(s.facts, dataset, "decision.recorded"));
  for (auto decision = decisions.rbegin(); decision != decisions.rend(); ++decision) {
    if ((*decision)->event.index < withdrawn.back()->event.index) break;
    ASSIGN_OR_RETURN(const bool may, MayPermit(s.facts, **decision, s.item == nullptr ? "" : s.item->id()));
    if (!may) continue;
    j.Rest(*decision);
    return OkStatus();
  }
  j.Fail(Text("records of ", EntityKeyText(dataset), " were withdrawn (leaf ", withdrawn.back()->event.index.value,
              ") and nobody who may permit it decided about it since"));
  return OkStatus();
}

// The datasets that an event names or that the run it names was trained on.
Status AddDatasets(Subject& s, const Fact& fact, std::vector<v1::EntityRef>& datasets, Judgement& j) {
  for (const v1::EntityRef& ref : fact.header().refs()) {
    if (ref.role() == "dataset") datasets.push_back(ref);
  }
  const v1::EntityRef* run = FindReference(fact.header(), "training_run");
  if (run == nullptr) return OkStatus();
  ASSIGN_OR_RETURN(const Fact* started, s.facts.Definition(Bare(*run)));
  if (started == nullptr) {
    j.Fail(Text(EntityKeyText(*run), " is not recorded"));
    return OkStatus();
  }
  j.Rest(started);
  for (const v1::EntityRef& ref : started->header().refs()) {
    if (ref.role() == "dataset") datasets.push_back(ref);
  }
  return OkStatus();
}

}  // namespace

StatusOr<const Fact*> RiskControlSet(Subject& s) {
  if (s.envelopes.empty()) return nullptr;
  const v1::EntityRef* set = FindReference(s.envelopes.front().approved->header(), "risk_control_set");
  if (set == nullptr) return nullptr;
  return NewestDefinition(s.facts, *set);
}

StatusOr<std::vector<AffectedControl>> AffectedControls(Subject& s) {
  ASSIGN_OR_RETURN(const std::set<std::string> items, ItemsAffected(s));
  std::map<std::string, v1::EntityRef> candidates;
  ASSIGN_OR_RETURN(const Fact* set, RiskControlSet(s));
  if (set != nullptr) {
    for (const v1::EntityRef& ref : set->header().refs()) {
      if (ref.role() == "member") candidates[ref.id()] = Bare(ref, true);
    }
  }
  // Those that name an affected item themselves may be missing from the set.
  for (const std::string& id : items) {
    const v1::EntityRef item = ToEntity({"software_item", id});
    for (const std::string_view type : {"risk_control.defined", "risk_control.revised"}) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> facts, s.facts.Typed(item, type));
      for (const Fact* fact : facts) {
        const v1::EntityRef& control = *FindReference(fact->header(), "control");
        candidates[control.id()] = Bare(control, true);
      }
    }
  }
  std::vector<AffectedControl> affected;
  for (const auto& [id, control] : candidates) {
    ASSIGN_OR_RETURN(const Fact* defined, DefinitionOfControl(s.facts, control));
    if (defined == nullptr) continue;
    ASSIGN_OR_RETURN(const bool meets, Closure(s.facts, items).Meets(*defined));
    if (meets) affected.push_back({control, defined});
  }
  return affected;
}

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

Status JudgeClassEvidence(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> profile,
                   PolicyInForceAt(s.facts.rows(), v1::PolicyAdopted::PROCESS_PROFILE, s.facts.size()));
  if (!profile.has_value()) {
    j.Fail("no process profile is in force: anamnesis policy adopt");
    return OkStatus();
  }
  RETURN_IF_ERROR(s.facts.At(profile->index).status());
  j.RestOn(profile->index.value);
  if (s.candidate.empty()) {
    j.Fail("the candidate configuration is not certain");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> runs, s.facts.Typed(Bare(s.request.artifact), "test_run.completed"));
  std::string missing;
  for (const v1::ProcessProfile::Evidence& line : profile->body.document().process_profile().evidence()) {
    const EventPatterns patterns(line.events());
    const bool about_tests = std::any_of(patterns.all().begin(), patterns.all().end(), [](const EventPattern& pattern) {
      return pattern.type == "test_run.completed";
    });
    const bool holds =
        std::find(line.classes().begin(), line.classes().end(), s.item_class.safety_class) != line.classes().end();
    // Lines with a condition are about what happened to the item, not about a candidate.
    if (!about_tests || !holds || !line.when().empty()) continue;
    const Fact* found = nullptr;
    for (const Fact* run : runs) {
      const auto* body = run->body<v1::TestRunCompleted>();
      const bool counts = body->configuration_digest() == s.candidate && body->result() == v1::TestRunCompleted::PASS;
      if (counts && patterns.Match(*run)) found = run;
    }
    if (found == nullptr) missing += Text(missing.empty() ? "" : ", ", line.clause(), " (", line.title(), ")");
    j.Rest(found);
  }
  if (!missing.empty()) j.Fail(Text("no test run that passed on the candidate configuration shows ", missing));
  return OkStatus();
}

Status JudgeAnomalies(Subject& s, Judgement& j) {
  std::vector<const Fact*> anomalies;
  std::vector<const Fact*> problems;
  std::vector<v1::EntityRef> about = {Bare(s.request.artifact)};
  if (s.item != nullptr) about.push_back(Bare(*s.item, true));
  for (const v1::EntityRef& entity : about) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, TypedOfEither(s.facts, entity, "anomaly.recorded"));
    anomalies.insert(anomalies.end(), found.begin(), found.end());
    ASSIGN_OR_RETURN(const std::vector<const Fact*> reported, TypedOfEither(s.facts, entity, "problem.reported"));
    problems.insert(problems.end(), reported.begin(), reported.end());
  }
  for (const Fact* fact : anomalies) {
    const v1::EntityRef& anomaly = *FindReference(fact->header(), "anomaly");
    ASSIGN_OR_RETURN(const Fact* evaluated, EvaluationOf(s, anomaly));
    const auto* body = evaluated == nullptr ? nullptr : evaluated->body<v1::AnomalyEvaluated>();
    if (body == nullptr && s.class_b_or_c()) {
      j.Fail(Text(EntityKeyText(anomaly), " is not evaluated (leaf ", fact->event.index.value, ")"));
    } else if (body != nullptr && body->unacceptable_risk()) {
      j.Fail(Text(EntityKeyText(anomaly), " has an unacceptable risk (leaf ", evaluated->event.index.value, ")"));
    } else {
      j.Rest(evaluated);
    }
  }
  for (const Fact* fact : problems) {
    if (fact->body<v1::ProblemReported>()->criticality() != v1::ProblemReported::SAFETY) continue;
    ASSIGN_OR_RETURN(const std::string why, WhyProblemStands(s, *fact, j));
    if (!why.empty()) j.Fail(why);
  }
  return OkStatus();
}

Status JudgeDataLineage(Subject& s, Judgement& j) {
  if (s.produced == nullptr) {
    j.Fail("the artifact is not recorded");
    return OkStatus();
  }
  j.Rest(s.produced);
  std::vector<v1::EntityRef> datasets;
  RETURN_IF_ERROR(AddDatasets(s, *s.produced, datasets, j));
  if (const v1::EntityRef* model = FindReference(s.produced->header(), "model"); model != nullptr) {
    ASSIGN_OR_RETURN(const Fact* registered, s.facts.Definition(Bare(*model)));
    if (registered == nullptr) {
      j.Fail(Text(EntityKeyText(*model), " is not recorded"));
    } else {
      j.Rest(registered);
      RETURN_IF_ERROR(AddDatasets(s, *registered, datasets, j));
    }
  }
  // Local data stays at its site; the artifact commits to it.
  if (datasets.empty() && s.artifact->local_data_commitment().empty()) {
    j.Fail("the artifact names neither a dataset nor the local data that it was made from");
  }
  std::set<std::string> judged;
  for (const v1::EntityRef& dataset : datasets) {
    if (judged.insert(EntityKeyText(dataset)).second) RETURN_IF_ERROR(JudgeDataset(s, dataset, j));
  }
  return OkStatus();
}

}  // namespace anamnesis::gate
