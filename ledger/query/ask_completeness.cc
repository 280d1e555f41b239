#include <algorithm>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"
#include "ledger/query/clause_evidence.h"
#include "ledger/query/item_requirements.h"
#include "ledger/query/plans_in_force.h"

namespace anamnesis {
namespace {

// The artifacts of the item that an event of the type should be about, and aren't, for activities that produce
// artifacts.
void AddGaps(const ItemScope& scope, const v1::PlanContent::Activity& planned,
             v1::CompletenessAnswer::Activity& activity) {
  const auto& types = planned.deliverables();
  if (std::find(types.begin(), types.end(), "artifact.produced") == types.end()) return;
  std::map<EntityName, std::set<std::string>> delivered;
  for (const auto& [leaf, fact] : scope.events) {
    const v1::EntityRef* artifact = FindReference(fact->header(), "artifact");
    if (artifact != nullptr && artifact->kind() == "artifact") {
      delivered[{artifact->id(), artifact->version()}].insert(fact->type());
    }
  }
  for (const auto& [artifact, done] : delivered) {
    for (const std::string& type : types) {
      if (done.count(type) > 0) continue;
      v1::CompletenessAnswer::Activity::Gap& gap = *activity.add_gaps();
      gap.mutable_entity()->set_kind("artifact");
      gap.mutable_entity()->set_id(artifact.first);
      gap.mutable_entity()->set_version(artifact.second);
      gap.set_event_type(type);
    }
  }
}

Status AddActivity(Facts& facts, const ItemScope& scope, const Fact& plan, const v1::PlanContent::Activity& planned,
                   v1::CompletenessAnswer& answer) {
  v1::CompletenessAnswer::Activity& activity = *answer.add_activities();
  *activity.mutable_plan() = *FindReference(plan.header(), "plan");
  activity.set_plan_leaf(plan.event.index.value);
  facts.Cite(plan.event.index);
  activity.set_id(planned.id());
  activity.set_text(planned.text());
  activity.set_clause(planned.clause());
  for (const std::string& type : planned.deliverables()) {
    v1::CompletenessAnswer::Activity::Deliverable& deliverable = *activity.add_deliverables();
    deliverable.set_event_type(type);
    for (const auto& [leaf, fact] : scope.events) {
      if (fact->type() != type) continue;
      if (deliverable.delivered_size() == kEvidenceShownMax) {
        deliverable.set_more(true);
        break;
      }
      ASSIGN_OR_RETURN(*deliverable.add_delivered(), facts.Reference(LeafIndex(leaf)));
    }
  }
  AddGaps(scope, planned, activity);
  return OkStatus();
}

}  // namespace

Status AnswerCompleteness(Facts& facts, const v1::CompletenessQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(CheckIsItem("completeness.item", question.item()));
  v1::CompletenessAnswer& filled = *answer.mutable_completeness();
  ASSIGN_OR_RETURN(const ItemScope scope, ScopeOf(facts, question.item()));
  ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass safety_class,
                   ClassFor(facts, question.item(), question.safety_class(), *filled.mutable_class_assigned_to()));
  filled.set_safety_class(safety_class);
  for (const auto& [id, plan] : PlansInForce(scope)) {
    const v1::PlanContent* content = PlanOf(*plan);
    if (content == nullptr) continue;
    for (const v1::PlanContent::Activity& planned : content->activities()) {
      RETURN_IF_ERROR(AddActivity(facts, scope, *plan, planned, filled));
    }
  }
  RETURN_IF_ERROR(AddRequirements(facts, scope, answer));
  v1::LeafReference adoption;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, v1::PolicyAdopted::PROCESS_PROFILE, answer, &adoption));
  if (!policy.has_value()) return OkStatus();
  *filled.mutable_profile() = std::move(adoption);
  const v1::ProcessProfile& profile = policy->body->document().process_profile();
  filled.set_standard(profile.standard());
  *filled.mutable_levels() = LevelsOf(profile, safety_class);
  filled.set_complete_by_clause(true);
  filled.set_complete_by_policy(std::all_of(filled.subgroups().begin(), filled.subgroups().end(),
                                            [](const auto& planned) { return planned.missing().empty(); }));
  for (const v1::ProcessProfile::Evidence& asked : profile.evidence()) {
    const bool own_classes = question.safety_class() == v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
    ASSIGN_OR_RETURN(v1::ClauseEvidence evidence, JudgeEvidence(facts, scope, asked, safety_class, own_classes));
    if (evidence.state() == v1::MISSING_BY_CLAUSE) filled.set_complete_by_clause(false);
    if (IsMissing(evidence.state())) filled.set_complete_by_policy(false);
    *filled.add_evidence() = std::move(evidence);
  }
  return OkStatus();
}

}  // namespace anamnesis
