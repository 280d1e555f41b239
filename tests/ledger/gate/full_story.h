#ifndef ANAMNESIS_TESTS_LEDGER_GATE_FULL_STORY_H_
#define ANAMNESIS_TESTS_LEDGER_GATE_FULL_STORY_H_

// The story of gate_world.h with more around the adaptation. "alert" is part of the item "system". The unit's baseline
// consists of the release app@1 too, and app@2 was approved of it. The artifact is made from model base@2.3, which was
// trained on dataset new@1 from base@2.0, which was trained on dataset old@1.

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "ledger/crypto/sha256.h"
#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {

// Splits version 1 of a dataset, by hand and without overlap, into a part for each role.
inline Step SplitStep(const std::string& id, const std::string& dataset,
                      std::initializer_list<v1::SplitDefined::PartRole> roles) {
  v1::SplitDefined split;
  split.set_method("by hand");
  split.set_unit(v1::SplitDefined::RECORD);
  for (const v1::SplitDefined::PartRole role : roles) {
    v1::SplitDefined::Part& part = *split.add_parts();
    part.set_role(role);
    part.set_manifest_root(Sha256("part of " + dataset).bytes());
    part.set_records(3);
  }
  split.set_overlap_computed(true);
  return {"split-" + id, "ada", DraftWith(split, {"split=split:" + id, "dataset=dataset:" + dataset + "@1"})};
}

// With the criteria that a seal asks for.
inline v1::DatasetCurated CuratedWithCriteria() {
  v1::DatasetCurated curated;
  curated.add_inclusion("adults");
  curated.add_exclusion()->set_text("motion artefacts");
  curated.set_selection_rationale("as intended");
  return curated;
}

inline std::vector<Step> DatasetSteps(const std::string& id) {
  const std::string dataset = "dataset=dataset:" + id + "@1";
  v1::DatasetSealed sealed;
  sealed.set_manifest_root(Sha256("manifest of " + id).bytes());
  sealed.set_records(3);
  return {{"curated-" + id, "ada", DraftWith(CuratedWithCriteria(), {dataset})},
          {"sealed-" + id, "ada", DraftWith(sealed, {dataset})},
          SplitStep(id, id, {v1::SplitDefined::TRAINING})};
}

// A run and the model that it made.
inline std::vector<Step> ModelSteps(const std::string& version, const std::string& dataset, const std::string& parent) {
  v1::TrainingRunStarted started;
  started.set_purpose(parent.empty() ? v1::TrainingRunStarted::INITIAL : v1::TrainingRunStarted::FINE_TUNE);
  EventDraft run = DraftWith(started, {"training_run=training_run:run-" + version, "dataset=dataset:" + dataset + "@1",
                                       "code=code_revision:train@1"});
  if (!parent.empty()) AddReference(run, "parent_model", "model", "base", parent);
  v1::ModelRegistered registered;
  registered.set_change_text("trained on " + dataset);
  return {{"run-" + version, "ada", run},
          {"model-" + version, "ada",
           DraftWith(registered, {"model=model:base@" + version, "training_run=training_run:run-" + version,
                                  "dataset=dataset:" + dataset + "@1", "code=code_revision:train@1"})}};
}

// Told after the fact, so that nothing is asked of how it was built.
inline Step ReleaseStep(const std::string& version, const std::string& baseline = "") {
  v1::ReleaseApproved body;
  v1::FileRecord& file = *body.add_archive();
  file.set_path("app.tar");
  file.set_missing_digest(true);
  body.set_no_residual_anomalies(true);
  EventDraft draft = DraftWith(body, {"release=release:app@" + version, "model=model:base@2.3"});
  if (!baseline.empty()) draft = WithRefs(draft, {"baseline=" + baseline});
  draft.header.set_retrospective(true);
  return {"release-" + version, "ada", draft};
}

inline std::vector<Step> FullStory() {
  std::vector<Step> before;
  for (const auto& steps :
       {DatasetSteps("old"), DatasetSteps("new"), ModelSteps("2.0", "old", ""), ModelSteps("2.3", "new", "2.0")}) {
    before.insert(before.end(), steps.begin(), steps.end());
  }
  v1::SoftwareItemIdentified system;
  system.set_name("system");
  system.set_level(v1::SoftwareItemIdentified::SYSTEM);
  system.set_trainability(v1::SoftwareItemIdentified::FIXED);
  before.push_back({"system", "ada", DraftWith(system, {"item=software_item:system"})});
  before.push_back(ReleaseStep("1"));
  std::vector<Step> steps = GateStory();
  steps = Changed(std::move(steps), "item",
                  [](EventDraft& draft) { AddReference(draft, "parent", "software_item", "system"); });
  steps = Changed(std::move(steps), "baseline",
                  [](EventDraft& draft) { AddReference(draft, "member", "release", "app", "1"); });
  steps = Changed(std::move(steps), "produced",
                  [](EventDraft& draft) { AddReference(draft, "model", "model", "base", "2.3"); });
  steps.insert(steps.begin(), before.begin(), before.end());
  steps.push_back(ReleaseStep("2", "baseline:base@5"));
  return steps;
}

inline Step StepOfStory(const std::string& name) { return StepOf(FullStory(), name); }

// The full story with all that an allow decision can rest on beside it.
inline std::vector<Step> StoryOfEverything() {
  std::vector<Step> steps = Changed(FullStory(), "envelope", Edit<v1::EnvelopeApproved>([](auto& body) {
                                      body.mutable_terms()->set_udi_rule("new_pi");
                                      v1::EnvelopeTerms::Dimension& floor = *body.mutable_terms()->add_dimensions();
                                      floor.set_name("sensitivity");
                                      floor.set_kind("floor");
                                      floor.set_low("0.9");
                                    }));
  steps = Changed(std::move(steps), "clear-us", Edit<v1::AuthorisationGranted>([](auto& body) {
                    v1::AuthorisationCondition& condition = *body.mutable_terms()->add_conditions();
                    condition.set_id("training");
                    condition.set_text("users are trained");
                  }));
  v1::AuthorisationConditionConfirmed confirmed;
  confirmed.set_condition("training");
  *confirmed.mutable_signature() = FreshSignature();
  steps.push_back({"confirmed", "rita", DraftWith(confirmed, {"authorisation=authorisation:K1@1"})});
  v1::UdiAssigned assigned;
  assigned.set_kind(v1::UdiAssigned::UDI_PI);
  assigned.set_value("(10)2.0.1");
  steps.push_back({"udi", "rita", DraftWith(assigned, {"unit=device_unit:ICU-1"})});
  v1::EvaluationCompleted evaluated;
  evaluated.set_result(v1::EvaluationCompleted::PASS);
  v1::Metric& metric = *evaluated.add_metrics();
  metric.set_name("sensitivity");
  metric.set_value("0.95");
  steps.push_back(
      {"evaluated", "certifier",
       DraftWith(evaluated, {"model=artifact:shift@1", "evaluation=evaluation:e1", "dataset=dataset:held-out@1"})});
  return steps;
}

// The story of everything, with an amended plan, a revised device model, and results of tests that are told long after
// they came, by writers who know nothing of each other.
inline std::vector<Step> StoryToldLate() {
  std::vector<Step> steps = StoryOfEverything();
  Step amended = StepOfStory("plan-us");
  v1::ChangePlanAmended amendment;
  *amendment.mutable_terms() = static_cast<const v1::ChangePlanAuthorised&>(*amended.draft.body).terms();
  amended.draft.body = std::make_shared<v1::ChangePlanAmended>(amendment);
  amended.draft.header.mutable_refs(0)->set_version("2");
  steps.push_back({"amended", "rita", Because(amended.draft)});
  v1::DeviceModelRevised revised;
  revised.set_name("Monitor");
  steps.push_back({"revised", "rita", Because(DraftWith(revised, {"device_model=device_model:monitor"}))});
  const auto late = [&](const std::string& name, const std::string& writer, v1::TestRunCompleted::Result result,
                        int64_t after_us) {
    Step step = StepOfStory("run-system");
    step.name = name;
    step.writer = writer;
    step.draft.header.mutable_refs(0)->set_id(name);
    step.draft.header.set_retrospective(true);
    const Timestamp at(kTestStart.us + int64_t{600'000'000} + after_us);
    SetOccurred(step.draft, at, at);
    Edit<v1::TestRunCompleted>([&](v1::TestRunCompleted& body) { body.set_result(result); })(step.draft);
    steps.push_back(step);
  };
  late("late-failed", "ada", v1::TestRunCompleted::FAIL, 1);
  late("late-passed", "certifier", v1::TestRunCompleted::PASS, 2);
  late("late-failed-before", "certifier", v1::TestRunCompleted::FAIL, 0);
  return steps;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_GATE_FULL_STORY_H_
