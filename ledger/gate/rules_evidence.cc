// What was verified and on which data: G08, G09, G18.

#include <algorithm>
#include <initializer_list>
#include <set>

#include "ledger/event/names.h"
#include "ledger/gate/decisions.h"
#include "ledger/gate/rules.h"
#include "ledger/query/event_pattern.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/item_tree.h"

namespace anamnesis::gate {
namespace {

// The last evaluation of an anomaly; nullptr when there is none.
StatusOr<const Fact*> EvaluationOf(Subject& s, const v1::EntityRef& anomaly) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> evaluated, TypedOfEither(s.facts, anomaly, "anomaly.evaluated"));
  return evaluated.empty() ? nullptr : evaluated.back();
}

// The last event of some types about an entity; nullptr when there is none.
StatusOr<const Fact*> LastOf(Facts& facts, const v1::EntityRef& entity, std::initializer_list<std::string_view> types) {
  const Fact* last = nullptr;
  for (const std::string_view type : types) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.Typed(entity, type));
    for (const Fact* fact : found) {
      if (last == nullptr || last->event.index < fact->event.index) last = fact;
    }
  }
  return last;
}

// Why the problem stands against running the artifact; empty when it doesn't.
StatusOr<std::string> WhyProblemStands(Subject& s, const Fact& reported, Judgement& j) {
  const v1::EntityRef problem = Bare(*FindReference(reported.header(), "problem"));
  ASSIGN_OR_RETURN(const Fact* ended, LastOf(s.facts, problem, {"problem.closed", "problem.no_action_decided"}));
  ASSIGN_OR_RETURN(const Fact* begun, LastOf(s.facts, problem, {"problem.reported", "problem.reopened"}));
  if (ended != nullptr && begun->event.index < ended->event.index) {
    j.Rest(ended);
    return std::string();
  }
  ASSIGN_OR_RETURN(const Fact* permitted,
                   LastDecisionFor(s.facts, {problem}, s.item == nullptr ? "" : s.item->id(), kOperationPermitted,
                                   DecisionsAbout::kEntity, begun->event.index));
  if (permitted != nullptr) {
    j.Rest(permitted);
    return std::string();
  }
  return Text(EntityKeyText(problem), " concerns safety and is open (leaf ", begun->event.index.value,
              "); a decision.recorded about it since with the choice ", kOperationPermitted,
              ", by somebody who answers for it, would let it run");
}

// The artifact and what it would run with, as far as an anomaly or a problem can be of it.
StatusOr<std::vector<v1::EntityRef>> RunsWith(Subject& s) {
  std::vector<v1::EntityRef> entities = {Bare(s.request.artifact)};
  if (s.item != nullptr) {
    ASSIGN_OR_RETURN(const std::set<std::string> items, ItemAndContaining(s.facts, s.item->id()));
    for (const std::string& item : items) entities.push_back(ToEntity({"software_item", item}));
  }
  if (s.device_model != nullptr) entities.push_back(Bare(*s.device_model));
  const v1::EntityRef* model = s.produced == nullptr ? nullptr : FindReference(s.produced->header(), "model");
  if (model != nullptr) entities.push_back(Bare(*model));
  if (s.substrate_fact == nullptr) return entities;
  for (const v1::EntityRef& ref : s.substrate_fact->header().refs()) {
    if (ref.role() == "soup") entities.push_back(Bare(ref));
  }
  return entities;
}

Status JudgeDataset(Subject& s, const v1::EntityRef& dataset, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> sealed, s.facts.Typed(Bare(dataset), "dataset.sealed"));
  if (sealed.empty()) {
    j.Fail(Text(EntityKeyText(dataset), " is not sealed"));
    return OkStatus();
  }
  j.Rest(sealed.back());
  ASSIGN_OR_RETURN(const std::vector<const Fact*> splits, s.facts.Typed(Bare(dataset), "split.defined"));
  if (splits.empty()) {
    j.Fail(Text("no split of ", EntityKeyText(dataset), " is defined, so nobody knows whether its parts overlap"));
  }
  for (const Fact* fact : splits) {
    j.Rest(fact);
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
  ASSIGN_OR_RETURN(const Fact* permitted,
                   LastDecisionFor(s.facts, {dataset}, s.item == nullptr ? "" : s.item->id(), kUsePermitted,
                                   DecisionsAbout::kEntity, withdrawn.back()->event.index));
  if (permitted == nullptr) {
    j.Fail(Text("records of ", EntityKeyText(dataset), " were withdrawn (leaf ", withdrawn.back()->event.index.value,
                ") and nothing recorded since permits its use: a decision.recorded about it with the choice ",
                kUsePermitted, ", by somebody who answers for it, would"));
  }
  j.Rest(permitted);
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

// What a model was made from stands nowhere else than in its own records.
Status AddModel(Subject& s, const Fact& registered, std::vector<v1::EntityRef>& datasets, Judgement& j) {
  j.Rest(&registered);
  const size_t before = datasets.size();
  RETURN_IF_ERROR(AddDatasets(s, registered, datasets, j));
  const std::string name = EntityKeyText(*FindReference(registered.header(), "model"));
  if (FindReference(registered.header(), "training_run") == nullptr) j.Fail(Text(name, " names no training run"));
  if (datasets.size() == before) j.Fail(Text("nothing says on which dataset ", name, " was trained"));
  return OkStatus();
}

}  // namespace

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
  ASSIGN_OR_RETURN(const std::vector<v1::EntityRef> about, RunsWith(s));
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
      RETURN_IF_ERROR(AddModel(s, *registered, datasets, j));
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
