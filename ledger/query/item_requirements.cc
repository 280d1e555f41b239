#include "ledger/query/item_requirements.h"

#include <map>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/place_in_time.h"

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
  for (const Fact* fact : EarliestFirst(scope.events)) {
    const v1::EntityRef* requirement = FindReference(fact->header(), "requirement");
    if (requirement == nullptr) continue;
    if (ContentOf(*fact) != nullptr) requirements[requirement->id()] = fact;
    if (fact->type() == "requirement.retired") requirements.erase(requirement->id());
  }
  return requirements;
}

// What of the item is learned, in the versions that count now.
class NewestVersions {
 public:
  explicit NewestVersions(const ItemScope& scope) {
    for (const Fact* fact : EarliestFirst(scope.events)) {
      const v1::EntityRef* defined = DefinedBy(*fact);
      const bool learned = fact->type() == "model.registered" || fact->type() == "artifact.produced";
      if (!learned || defined == nullptr) continue;
      newest_[NameOf(*defined)] = fact;
      // A model that follows another, and be it by another name, takes its place.
      const v1::EntityRef* previous = FindReference(fact->header(), "previous_model");
      if (previous != nullptr && NameOf(*previous) != NameOf(*defined)) newest_[NameOf(*previous)] = nullptr;
    }
  }

  bool Has(const v1::EntityRef& entity) const {
    const auto found = newest_.find(NameOf(entity));
    if (found == newest_.end() || found->second == nullptr) return false;
    if (DefinedBy(*found->second)->version() != entity.version()) return false;
    // An artifact counts no longer than the model that it adapts, if that is the item's too.
    const v1::EntityRef* model =
        entity.kind() == "artifact" ? FindReference(found->second->header(), "model") : nullptr;
    return model == nullptr || newest_.count(NameOf(*model)) == 0 || Has(*model);
  }

 private:
  // nullptr: another took its place.
  std::map<EntityName, const Fact*> newest_;
};

struct Result {
  const Fact* evaluation = nullptr;
  const v1::Metric* metric = nullptr;
};

class Subgroups {
 public:
  Subgroups(Facts& facts, const ItemScope& scope, v1::Answer& answer) : facts_(facts), newest_(scope), answer_(answer) {
    for (const Fact* fact : EarliestFirst(scope.events)) {
      if (fact->body<v1::EvaluationCompleted>() != nullptr) evaluations_.push_back(fact);
    }
  }

  Status Add(const Fact& requirement, const v1::AcceptanceCriterion& criterion) {
    v1::CompletenessAnswer::PlannedSubgroup& planned = *answer_.mutable_completeness()->add_subgroups();
    *planned.mutable_requirement() = *FindReference(requirement.header(), "requirement");
    planned.set_metric(criterion.metric());
    planned.set_subgroup(criterion.subgroup());
    facts_.Cite(requirement.event.index);
    const Result result = Last(criterion, true);
    if (result.metric == nullptr) {
      planned.add_missing("evaluation");
      NoteOlder(planned, Last(criterion, false));
      return OkStatus();
    }
    *planned.mutable_result() = *result.metric;
    ASSIGN_OR_RETURN(*planned.mutable_evaluated(), facts_.Reference(result.evaluation->event.index));
    if (result.metric->n() == 0) planned.add_missing("n");
    const bool interval = !result.metric->ci_low().empty() && !result.metric->ci_high().empty();
    if (!interval) planned.add_missing("confidence_interval");
    return OkStatus();
  }

 private:
  // The last evaluation with a result for the criterion's subgroup, of what counts now or of anything.
  Result Last(const v1::AcceptanceCriterion& criterion, bool of_newest) const {
    Result last;
    for (const Fact* fact : evaluations_) {
      if (of_newest && !newest_.Has(*FindReference(fact->header(), "model"))) continue;
      for (const v1::Metric& metric : fact->body<v1::EvaluationCompleted>()->metrics()) {
        const bool asked = metric.name() == criterion.metric() && metric.subgroup() == criterion.subgroup();
        if (asked) last = {fact, &metric};
      }
    }
    return last;
  }

  void NoteOlder(const v1::CompletenessAnswer::PlannedSubgroup& planned, const Result& older) {
    if (older.evaluation == nullptr) return;
    facts_.Cite(older.evaluation->event.index);
    answer_.add_notes(Text(planned.metric(), " in ", planned.subgroup(), " was last evaluated of ",
                           EntityKeyText(*FindReference(older.evaluation->header(), "model")), " (leaf ",
                           older.evaluation->event.index.value, "), which is not the newest version of the item's"));
  }

  Facts& facts_;
  const NewestVersions newest_;
  v1::Answer& answer_;
  // The earliest first.
  std::vector<const Fact*> evaluations_;
};

}  // namespace

Status AddRequirements(Facts& facts, const ItemScope& scope, v1::Answer& answer) {
  std::map<v1::RequirementContent::Kind, uint32_t> kinds;
  Subgroups subgroups(facts, scope, answer);
  for (const auto& [id, fact] : RequirementsInForce(scope)) {
    const v1::RequirementContent& content = *ContentOf(*fact);
    ++kinds[content.kind()];
    if (content.has_acceptance() && !content.acceptance().subgroup().empty()) {
      RETURN_IF_ERROR(subgroups.Add(*fact, content.acceptance()));
    }
  }
  for (const auto& [kind, requirements] : kinds) {
    v1::CompletenessAnswer::RequirementCount& count = *answer.mutable_completeness()->add_requirements();
    count.set_kind(kind);
    count.set_requirements(requirements);
  }
  return OkStatus();
}

}  // namespace anamnesis
