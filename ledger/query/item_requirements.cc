#include "ledger/query/item_requirements.h"

#include <map>
#include <string>

#include "anamnesis/v1/vocabulary.pb.h"

namespace anamnesis {
namespace {

const v1::RequirementContent* ContentOf(const Fact& fact) {
  if (const auto* approved = fact.body<v1::RequirementApproved>()) return &approved->content();
  if (const auto* revised = fact.body<v1::RequirementRevised>()) return &revised->content();
  return nullptr;
}

// The newest version of each requirement that wasn't retired.
std::map<std::string, const Fact*> RequirementsInForce(const ItemScope& scope) {
  std::map<std::string, const Fact*> requirements;
  for (const auto& [leaf, fact] : scope.events) {
    const v1::EntityRef* requirement = FindReference(fact->header(), "requirement");
    if (requirement == nullptr) continue;
    if (ContentOf(*fact) != nullptr) requirements[requirement->id()] = fact;
    if (fact->type() == "requirement.retired") requirements.erase(requirement->id());
  }
  return requirements;
}

// The last evaluation of the item that has a result for the criterion's subgroup.
Status FindResult(Facts& facts, const ItemScope& scope, v1::CompletenessAnswer::PlannedSubgroup& planned) {
  for (const auto& [leaf, fact] : scope.events) {
    const auto* evaluation = fact->body<v1::EvaluationCompleted>();
    if (evaluation == nullptr) continue;
    for (const v1::Metric& metric : evaluation->metrics()) {
      if (metric.name() != planned.metric() || metric.subgroup() != planned.subgroup()) continue;
      *planned.mutable_result() = metric;
      ASSIGN_OR_RETURN(*planned.mutable_evaluated(), facts.Reference(LeafIndex(leaf)));
    }
  }
  return OkStatus();
}

Status AddSubgroup(Facts& facts, const ItemScope& scope, const Fact& requirement,
                   const v1::AcceptanceCriterion& criterion, v1::CompletenessAnswer& answer) {
  v1::CompletenessAnswer::PlannedSubgroup& planned = *answer.add_subgroups();
  *planned.mutable_requirement() = *FindReference(requirement.header(), "requirement");
  planned.set_metric(criterion.metric());
  planned.set_subgroup(criterion.subgroup());
  facts.Cite(requirement.event.index);
  RETURN_IF_ERROR(FindResult(facts, scope, planned));
  if (!planned.has_result()) {
    planned.add_missing("evaluation");
    return OkStatus();
  }
  facts.Cite(LeafIndex(planned.evaluated().index()));
  const v1::Metric& result = planned.result();
  if (result.n() == 0) planned.add_missing("n");
  if (result.ci_low().empty() || result.ci_high().empty()) planned.add_missing("confidence_interval");
  return OkStatus();
}

}  // namespace

Status AddRequirements(Facts& facts, const ItemScope& scope, v1::CompletenessAnswer& answer) {
  std::map<v1::RequirementContent::Kind, uint32_t> kinds;
  for (const auto& [id, fact] : RequirementsInForce(scope)) {
    const v1::RequirementContent& content = *ContentOf(*fact);
    ++kinds[content.kind()];
    if (content.has_acceptance() && !content.acceptance().subgroup().empty()) {
      RETURN_IF_ERROR(AddSubgroup(facts, scope, *fact, content.acceptance(), answer));
    }
  }
  for (const auto& [kind, requirements] : kinds) {
    v1::CompletenessAnswer::RequirementCount& count = *answer.add_requirements();
    count.set_kind(kind);
    count.set_requirements(requirements);
  }
  return OkStatus();
}

}  // namespace anamnesis
