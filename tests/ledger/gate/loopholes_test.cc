// Ways around single rules that are closed: creep without a parent, activations that are taken back, protocols that
// nobody named, decisions of nobody in particular, forks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/gate/decide.h"
#include "ledger/state/broken_rules.h"
#include "tests/ledger/gate/full_story.h"
#include "tests/support/shipped_policy.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

EventDraft Retract(GateWorld& world, const std::string& step) {
  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf(step));
  EXPECT_TRUE(event.ok()) << event.status();
  return Because(Correct(*EventId::FromBytes(event->header.fields.event_id()), v1::RecordCorrected::RETRACTED));
}

// The story under an envelope with one more dimension.
std::vector<Step> WithDimension(const std::function<void(v1::EnvelopeTerms::Dimension&)>& fill) {
  return Changed(GateStory(), "envelope", Edit<v1::EnvelopeApproved>([&](v1::EnvelopeApproved& body) {
                   fill(*body.mutable_terms()->add_dimensions());
                 }));
}

std::vector<Step> WithLimitOfCreep(const std::string& unit = "") {
  return WithDimension([&](v1::EnvelopeTerms::Dimension& total) {
    total.set_name("threshold_total");
    total.set_kind("cumulative");
    total.set_of("threshold_shift");
    total.set_high("0.05");
    total.set_unit(unit);
  });
}

StatusOr<RunVerdict> Activate(GateWorld& world, const std::string& version, const std::string& name = "activated") {
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-1", "artifact=artifact:shift@" + version});
  SetOccurred(draft, world.now(), world.now());
  return world.Do({name, "ICU-1", draft});
}

void Add(GateWorld& world, const Adaptation& adaptation) {
  for (const Step& step : AdaptationSteps(adaptation)) {
    ASSERT_TRUE(world.Do(step).ok()) << step.name << ": " << world.refused().at(step.name);
  }
}

TEST(GateLoopholes, CreepCountsThoughNoParentIsNamed) {
  GateWorld world(WithLimitOfCreep());
  ASSERT_TRUE(Activate(world, "1").ok());
  Add(world, {.version = "2", .shift = "0.045", .substrate = SubstrateDigest("7.2")});
  EXPECT_EQ(Failed(world.Ask("2")), "G05");
  EXPECT_THAT(NoteOf(world.Ask("2"), "G05"), HasSubstr("artifact:shift@1 runs on alert_threshold"));
  Add(world, {.version = "3", .shift = "0.045", .substrate = SubstrateDigest("7.2"), .parent = "1"});
  EXPECT_THAT(NoteOf(world.Ask("3"), "G05"), HasSubstr("the distance from the anchor is 0.055"));
  Add(world, {.version = "4", .shift = "0.04", .substrate = SubstrateDigest("7.2"), .parent = "1"});
  EXPECT_EQ(Failed(world.Ask("4")), "");
  EXPECT_EQ(Failed(world.Ask("1")), "") << "what runs is no step further";
  EXPECT_EQ(Failed(world.Ask("2", "ICU-2", "DE")), "G05") << "0.045 is outside the overlay there";
  EXPECT_THAT(NoteOf(world.Ask("2", "ICU-2", "DE"), "G05"), testing::Not(HasSubstr("runs on")));
}

// A story in which the envelope has a limit of creep and is anchored elsewhere.
std::vector<Step> WithAnchor(std::vector<Step> story, const std::string& kind, const std::string& id,
                             const std::string& version) {
  return Changed(std::move(story), "envelope", [&](EventDraft& draft) {
    for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
      if (ref.role() != "anchor") continue;
      ref.set_kind(kind);
      ref.set_id(id);
      ref.set_version(version);
    }
    draft.body = StepOf(WithLimitOfCreep(), "envelope").draft.body;
  });
}

// What a baseline has moved already counts: a chain that begins at another than the anchor has no known length.
TEST(GateLoopholes, CreepIsCountedFromTheAnchor) {
  v1::BaselineEstablished before;
  before.set_baseline_digest(Sha256("baseline 4").bytes());
  *before.mutable_signature() = FreshSignature();
  std::vector<Step> steps = WithAnchor(GateStory(), "baseline", "base", "4");
  const Step old = {"old", "ada",
                    DraftWith(before, {"baseline=baseline:base@4", "device_model=device_model:monitor",
                                       "member=software_item:alert"})};
  steps.insert(std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.name == "baseline"; }), old);
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask()), "G05");
  EXPECT_THAT(NoteOf(world.Ask(), "G05"),
              HasSubstr("artifact:shift@1, with which the steps begin, was not made for baseline:base@4, the anchor"));
  EXPECT_EQ(Failed(GateWorld(WithAnchor(GateStory(), "release", "app", "1")).Ask()), "G05") << "nobody says what it is";
  EXPECT_EQ(Failed(GateWorld(WithAnchor(FullStory(), "release", "app", "1")).Ask()), "")
      << "what the unit stands on has it as a member";
}

// One that consists of the item and a release.
Step EstablishBaseline(const std::string& version, const std::string& digest_of, const std::string& release) {
  v1::BaselineEstablished body;
  body.set_baseline_digest(Sha256(digest_of).bytes());
  *body.mutable_signature() = FreshSignature();
  return {"baseline-" + version, "ada",
          DraftWith(body, {"baseline=baseline:base@" + version, "device_model=device_model:monitor",
                           "member=software_item:alert", "member=release:app@" + release})};
}

Step PutOnBaseline(const GateWorld& world, const std::string& version) {
  v1::DeviceUnitServiced body;
  body.set_kind(v1::DeviceUnitServiced::REPAIR);
  body.set_storage(v1::DeviceUnitServiced::PRESERVED);
  EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-1", "baseline=baseline:base@" + version});
  SetOccurred(draft, world.now(), world.now());
  return {"serviced-" + version, "ada", draft};
}

// The steps began on a baseline that the unit has left since: what both are made of is the anchor all the same.
TEST(GateLoopholes, CreepIsCountedFromAReleaseThatAnotherBaselineHasToo) {
  GateWorld world(WithAnchor(FullStory(), "release", "app", "1"));
  ASSERT_TRUE(world.Do(EstablishBaseline("6", "baseline 6", "1")).ok());
  ASSERT_TRUE(world.Do(PutOnBaseline(world, "6")).ok()) << world.refused().at("serviced-6");
  EXPECT_THAT(NoteOf(world.Ask(), "G03"), HasSubstr("was made for baseline")) << "it stands on another one";
  EXPECT_EQ(NoteOf(world.Ask(), "G05"), "");
}

// Adaptations went into the release of a new baseline. Whoever signs that the digest of that is of one with the old
// release brings them no nearer to the anchor.
TEST(GateLoopholes, CreepBeginsNotAnewWithABaselineThatNoUnitWasPutOn) {
  GateWorld world(
      Changed(WithAnchor(FullStory(), "release", "app", "1"), "produced",
              Edit<v1::ArtifactProduced>([](auto& body) { body.set_baseline_digest(Sha256("baseline 6").bytes()); })));
  ASSERT_TRUE(world.Do(EstablishBaseline("6", "baseline 6", "2")).ok());
  ASSERT_TRUE(world.Do(PutOnBaseline(world, "6")).ok()) << world.refused().at("serviced-6");
  EXPECT_EQ(NoteOf(world.Ask(), "G03"), "") << "it was made for what the unit stands on";
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("was not made for release:app@1"));
  Step forged = EstablishBaseline("x", "baseline 6", "1");
  forged.writer = "eve";
  ASSERT_TRUE(world.Do(forged).ok()) << world.refused().at("baseline-x");
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("was not made for release:app@1"));
  EXPECT_FALSE(world.Do({"by-eve", "eve", PutOnBaseline(world, "x").draft}).ok()) << "she may service no unit";
}

TEST(GateLoopholes, StepsInAnotherUnitDoNotAddUp) {
  GateWorld world(WithLimitOfCreep("mV"));
  EXPECT_EQ(Failed(world.Ask()), "G05");
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("the limit is in \"mV\""));
}

TEST(GateLoopholes, ActivationsThatAreTakenBackCountAgainstTheRate) {
  GateWorld world(WithDimension([](v1::EnvelopeTerms::Dimension& rate) {
    rate.set_name("activations");
    rate.set_kind("rate");
    rate.set_high("70");
    rate.set_per_period_s(86'400);
  }));
  for (int i = 0; i < 69; ++i) ASSERT_TRUE(Activate(world, "1", Text("activated-", i)).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do({"retracted", "ICU-1", Retract(world, "activated-60")}).ok());
  ASSERT_TRUE(Activate(world, "1", "one-more").ok());
  EXPECT_EQ(Failed(world.Ask()), "G05");
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("this would be activation 71"));
}

TEST(GateLoopholes, ProtocolHasToBeNamedAndTheNewest) {
  const auto protocol = [](const std::function<void(v1::EntityRef&)>& change) {
    return Changed(GateStory(), "envelope", [&](EventDraft& draft) {
      for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
        if (ref.role() == "protocol") change(ref);
      }
    });
  };
  GateWorld none(Changed(GateStory(), "envelope", [](EventDraft& draft) {
    draft.header.mutable_refs()->RemoveLast();  // sandbox_protocol:suite@1
  }));
  EXPECT_EQ(Failed(none.Ask()), "G06");
  GateWorld any(protocol([](v1::EntityRef& ref) { ref.clear_version(); }));
  EXPECT_EQ(Failed(any.Ask()), "");
  for (Step step : GateStory()) {
    if (step.name != "protocol") continue;
    step.draft.header.mutable_refs(0)->set_version("2");
    Edit<v1::SandboxProtocolApproved>(
        [](v1::SandboxProtocolApproved& body) { *body.mutable_signature() = FreshSignature(); })(step.draft);
    ASSERT_TRUE(any.Do({"protocol-2", "carl", step.draft}).ok()) << any.refused().at("protocol-2");
  }
  EXPECT_EQ(Failed(any.Ask()), "G06") << "certified by an older one";
}

class Problem {
 public:
  explicit Problem(GateWorld& world) : world_(world) {
    v1::ProblemReported problem;
    problem.set_criticality(v1::ProblemReported::SAFETY);
    problem.set_description("missed an alert");
    problem.set_configuration_unknown_because("the unit was off");
    Do("ada", DraftWith(problem, {"problem=problem:p1", "affected=software_item:alert"}));
  }
  void Do(const std::string& writer, EventDraft draft) {
    const StatusOr<RunVerdict> done = world_.Do({Text("step-", ++count_), writer, Because(std::move(draft))});
    ASSERT_TRUE(done.ok()) << done.status();
  }
  void Decide(const std::string& writer, const std::string& choice) {
    v1::DecisionRecorded decision;
    decision.set_question("may it run on?");
    decision.add_options(choice);
    decision.set_choice(choice);
    Do(writer, DraftWith(decision, {Text("decision=decision:d", ++count_), "about=problem:p1"}));
  }

 private:
  GateWorld& world_;
  int count_ = 0;
};

TEST(GateLoopholes, OnlyTheLastDecisionOfSomebodyWhoAnswersForItPermits) {
  GateWorld world(GateStory());
  Problem problem(world);
  EXPECT_EQ(Failed(world.Ask()), "G09");
  problem.Decide("eve", "operation_permitted");
  EXPECT_EQ(Failed(world.Ask()), "G09") << "eve has no role for it";
  problem.Decide("ada", "operation_permitted");
  EXPECT_EQ(Failed(world.Ask()), "");
  problem.Decide("eve", "stop_it");
  EXPECT_EQ(Failed(world.Ask()), "G09") << "decided against since";
  problem.Decide("rita", "operation_permitted");
  EXPECT_EQ(Failed(world.Ask()), "");
  // Closed and opened again: what was permitted before is not about that.
  problem.Do("ada", DraftWith(v1::ProblemNoActionDecided(), {"problem=problem:p1"}));
  EXPECT_EQ(Failed(world.Ask()), "");
  v1::ProblemClosed closed;
  problem.Do("ada", DraftWith(closed, {"problem=problem:p1"}));
  problem.Do("ada", DraftWith(v1::ProblemReopened(), {"problem=problem:p1"}));
  EXPECT_EQ(Failed(world.Ask()), "G09");
  problem.Decide("ada", "operation_permitted");
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateLoopholes, ProblemsOfWhatItRunsWithStandToo) {
  for (const char* affected : {"device_model:monitor", "soup:foundation@7.2", "soup:foundation"}) {
    GateWorld world(GateStory());
    v1::ProblemReported problem;
    problem.set_criticality(v1::ProblemReported::SAFETY);
    problem.set_description("missed an alert");
    problem.set_configuration_unknown_because("the unit was off");
    ASSERT_TRUE(
        world.Do({"problem", "ada", DraftWith(problem, {"problem=problem:p1", Text("affected=", affected)})}).ok());
    EXPECT_EQ(Failed(world.Ask()), "G09") << affected;
  }
}

// The story with a dataset behind the artifact.
std::vector<Step> WithDataset() {
  return Changed(GateStory(), "produced",
                 [](EventDraft& draft) { AddReference(draft, "dataset", "dataset", "rhythms", "1"); });
}

TEST(GateLoopholes, WhatIsMeasuredOnItsOwnTrainingDataShowsNothing) {
  const auto evaluated = [](const std::string& id, const std::vector<std::string>& refs) {
    v1::EvaluationCompleted body;
    body.set_result(v1::EvaluationCompleted::PASS);
    return Step{id, "certifier",
                WithRefs(DraftWith(body, {"model=artifact:shift@1", "evaluation=evaluation:" + id}), refs)};
  };
  std::vector<Step> steps = DatasetSteps("rhythms");
  for (Step& step : WithDataset()) steps.push_back(std::move(step));
  steps.push_back(SplitStep("whole", "rhythms", {v1::SplitDefined::TRAINING}));
  steps.push_back(SplitStep("apart", "rhythms", {v1::SplitDefined::TRAINING, v1::SplitDefined::TEST}));
  for (Step& step : DatasetSteps("others")) steps.push_back(std::move(step));
  steps.push_back(SplitStep("elsewhere", "others", {v1::SplitDefined::TEST}));
  for (Step& step : DatasetSteps("derived")) steps.push_back(std::move(step));
  steps = Changed(std::move(steps), "sealed-derived",
                  [](EventDraft& draft) { AddReference(draft, "parent", "dataset", "rhythms", "1"); });
  const auto with = [&](const Step& evaluation) {
    GateWorld world(steps);
    EXPECT_EQ(Failed(world.Ask()), "");
    EXPECT_TRUE(world.Do(evaluation).ok());
    return world.Ask();
  };
  EXPECT_EQ(Failed(with(evaluated("others", {"dataset=dataset:others@1"}))), "");
  EXPECT_EQ(Failed(with(evaluated("apart", {"dataset=dataset:rhythms@1", "split=split:apart"}))), "");
  EXPECT_EQ(Failed(with(evaluated("part", {"split=split:apart"}))), "");
  for (const std::vector<std::string>& refs : std::vector<std::vector<std::string>>{
           {"dataset=dataset:rhythms@1"},
           {"dataset=dataset:rhythms"},
           {"dataset=dataset:rhythms@2"},
           {"dataset=dataset:derived@1"},
           {"dataset=dataset:rhythms@1", "split=split:whole"},
           {"split=split:whole"},
           {"dataset=dataset:others@1", "split=split:whole"},
           {"dataset=dataset:rhythms@1", "split=split:elsewhere"},
           {"dataset=dataset:others@1", "dataset=dataset:rhythms@1", "split=split:elsewhere"},
           {"dataset=dataset:rhythms@1", "split=split:unheard-of"}}) {
    const v1::GateDecided decided = with(evaluated("same", refs));
    EXPECT_EQ(Failed(decided), "G18");
    EXPECT_THAT(NoteOf(decided, "G18"), HasSubstr(", which it was made from (leaf "));
  }
  for (const std::vector<std::string>& refs : std::vector<std::vector<std::string>>{{}, {"split=split:unheard-of"}}) {
    const v1::GateDecided decided = with(evaluated("unsaid", refs));
    EXPECT_EQ(Failed(decided), "G18");
    EXPECT_THAT(NoteOf(decided, "G18"), HasSubstr("says neither on which dataset"));
  }
}

TEST(GateLoopholes, WhatWasMadeFromDatasetsNeedsTheirSplitsAndDecisions) {
  std::vector<Step> steps = WithDataset();
  steps.push_back({"curated", "ada", DraftWith(CuratedWithCriteria(), {"dataset=dataset:rhythms@1"})});
  v1::DatasetSealed sealed;
  sealed.set_manifest_root(Sha256("manifest").bytes());
  sealed.set_records(3);
  steps.push_back({"sealed", "ada", DraftWith(sealed, {"dataset=dataset:rhythms@1"})});
  GateWorld world(steps);
  EXPECT_TRUE(world.refused().empty()) << world.refused().begin()->second;
  EXPECT_EQ(Failed(world.Ask()), "G18");
  EXPECT_THAT(NoteOf(world.Ask(), "G18"), HasSubstr("no split of dataset:rhythms@1 is defined"));
  ASSERT_TRUE(world.Do(SplitStep("s1", "rhythms", {v1::SplitDefined::TRAINING})).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  v1::DatasetRecordWithdrawn withdrawn;
  withdrawn.set_basis("consent");
  ASSERT_TRUE(
      world.Do({"withdrawn", "ada", Because(DraftWith(withdrawn, {"dataset=dataset:rhythms@1", "record=record:3"}))})
          .ok());
  EXPECT_EQ(Failed(world.Ask()), "G18");
  const auto decide = [&](const std::string& writer, const std::string& choice) {
    v1::DecisionRecorded decision;
    decision.set_question("may it be used on?");
    decision.add_options(choice);
    decision.set_choice(choice);
    ASSERT_TRUE(
        world
            .Do({"decided", writer,
                 Because(DraftWith(decision, {"decision=decision:" + writer + choice, "about=dataset:rhythms@1"}))})
            .ok());
  };
  decide("ada", "retrain");
  EXPECT_EQ(Failed(world.Ask()), "G18") << "that doesn't permit its use";
  decide("eve", "use_permitted");
  EXPECT_EQ(Failed(world.Ask()), "G18");
  decide("ada", "use_permitted");
  EXPECT_EQ(Failed(world.Ask()), "");
}

// What was taken out of a dataset is in those that were made from it before; those that were made since are without it.
TEST(GateLoopholes, WhatWasTakenOutOfADatasetIsInThoseMadeFromIt) {
  v1::DatasetRecordWithdrawn withdrawn;
  withdrawn.set_basis("consent");
  const Step taken{"withdrawn", "ada",
                   Because(DraftWith(withdrawn, {"dataset=dataset:hospital@1", "record=record:3"}))};
  for (const char* role : {"parent", "source"}) {
    std::vector<Step> steps = DatasetSteps("hospital");
    for (Step& step : DatasetSteps("between")) steps.push_back(std::move(step));
    for (Step& step : DatasetSteps("rhythms")) steps.push_back(std::move(step));
    for (Step& step : WithDataset()) steps.push_back(std::move(step));
    const std::string made = std::string(role) == "parent" ? "sealed-" : "curated-";
    steps = Changed(std::move(steps), made + "between",
                    [&](EventDraft& draft) { AddReference(draft, role, "dataset", "hospital", "1"); });
    steps = Changed(std::move(steps), made + "rhythms",
                    [&](EventDraft& draft) { AddReference(draft, role, "dataset", "between", "1"); });
    GateWorld world(steps);
    ASSERT_EQ(Failed(world.Ask()), "") << role;
    ASSERT_TRUE(world.Do(taken).ok());
    EXPECT_EQ(Failed(world.Ask()), "G18") << role;
    EXPECT_THAT(NoteOf(world.Ask(), "G18"),
                HasSubstr("records of dataset:hospital@1, which dataset:rhythms@1 was made from, were withdrawn"));

    const auto sealed =
        std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.name == "sealed-rhythms"; });
    steps.insert(sealed, taken);
    EXPECT_EQ(Failed(GateWorld(steps).Ask()), "") << "it was made without them";
  }
}

// With a dataset that was made from another.
std::vector<Step> WithParentOfDataset() {
  std::vector<Step> steps = DatasetSteps("hospital");
  for (Step& step : DatasetSteps("rhythms")) steps.push_back(std::move(step));
  for (Step& step : WithDataset()) steps.push_back(std::move(step));
  return Changed(std::move(steps), "sealed-rhythms",
                 [](EventDraft& draft) { AddReference(draft, "parent", "dataset", "hospital", "1"); });
}

// A seal of what was made from it says nothing of the dataset itself, and one that repeats the first changes nothing.
TEST(GateLoopholes, AnotherSealMakesNoDatasetLaterThanItIs) {
  v1::DatasetRecordWithdrawn withdrawn;
  withdrawn.set_basis("consent");
  std::vector<Step> steps = WithParentOfDataset();
  const auto sealed =
      std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.name == "sealed-rhythms"; });
  const Step again = *sealed;
  GateWorld world(steps);
  ASSERT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(
      world.Do({"withdrawn", "ada", Because(DraftWith(withdrawn, {"dataset=dataset:hospital@1", "record=record:3"}))})
          .ok());
  ASSERT_EQ(Failed(world.Ask()), "G18");
  ASSERT_TRUE(world.Do(again).ok());
  EXPECT_EQ(Failed(world.Ask()), "G18") << "the same members, whenever it is said again";
  std::vector<Step> child = DatasetSteps("later");
  child = Changed(std::move(child), "sealed-later",
                  [](EventDraft& draft) { AddReference(draft, "parent", "dataset", "rhythms", "1"); });
  for (const Step& step : child) ASSERT_TRUE(world.Do(step).ok());
  EXPECT_EQ(Failed(world.Ask()), "G18") << "the seal of what was made from it since";

  steps.erase(std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.name == "sealed-rhythms"; }));
  steps.insert(steps.end(), child.begin(), child.end());
  EXPECT_THAT(NoteOf(GateWorld(steps).Ask(), "G18"), HasSubstr("dataset:rhythms@1 is not sealed"));
}

TEST(GateLoopholes, ASealThatIsTakenBackMakesNoDatasetLaterThanItIs) {
  v1::DatasetRecordWithdrawn withdrawn;
  withdrawn.set_basis("consent");
  std::vector<Step> steps = WithParentOfDataset();
  Step again = StepOf(steps, "sealed-rhythms");
  again.name = "sealed-again";
  const auto denied_when_sealed_again = [&](const Step& second) {
    GateWorld world(steps);
    const EventDraft taken = DraftWith(withdrawn, {"dataset=dataset:hospital@1", "record=record:3"});
    EXPECT_TRUE(world.Do({"withdrawn", "ada", Because(taken)}).ok());
    EXPECT_TRUE(world.Do({"retracted", "ada", Retract(world, "sealed-rhythms")}).ok());
    EXPECT_TRUE(world.Do(second).ok()) << world.refused().at(second.name);
    return NoteOf(world.Ask(), "G18");
  };
  EXPECT_THAT(denied_when_sealed_again(again), HasSubstr("which dataset:rhythms@1 was made from, were withdrawn"));
  // The same members have another root each time that they are sealed.
  Edit<v1::DatasetSealed>([](v1::DatasetSealed& body) {
    body.set_manifest_root(Sha256("manifest with other salts").bytes());
  })(again.draft);
  EXPECT_THAT(denied_when_sealed_again(again), HasSubstr("which dataset:rhythms@1 was made from, were withdrawn"));
}

TEST(GateLoopholes, WhatWasCuratedFromTheTrainingDataMayShareRecords) {
  std::vector<Step> steps = DatasetSteps("rhythms");
  for (Step& step : WithDataset()) steps.push_back(std::move(step));
  for (Step& step : DatasetSteps("hard-cases")) steps.push_back(std::move(step));
  steps = Changed(std::move(steps), "curated-hard-cases",
                  [](EventDraft& draft) { AddReference(draft, "source", "dataset", "rhythms", "1"); });
  GateWorld world(steps);
  ASSERT_EQ(Failed(world.Ask()), "");
  v1::EvaluationCompleted body;
  body.set_result(v1::EvaluationCompleted::PASS);
  const std::vector<std::string> refs = {"model=artifact:shift@1", "evaluation=evaluation:e",
                                         "dataset=dataset:hard-cases@1"};
  ASSERT_TRUE(world.Do({"evaluated", "certifier", DraftWith(body, refs)}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G18");
}

// Two policies say in which larger jurisdiction a country lies; where they differ, it is said of the one that came
// later.
TEST(GateLoopholes, RegionsOfTwoPoliciesThatDifferAreFound) {
  GateWorld world(GateStory());
  const auto adopt = [&](const std::string& version, bool same) {
    v1::PolicyDocument document = ReadPolicy("retention");
    if (!same) document.mutable_retention()->mutable_regions(0)->mutable_members()->RemoveLast();
    EventDraft draft = Adopt(v1::PolicyAdopted::RETENTION, document);
    draft.header.mutable_refs(0)->set_version(version);
    const StatusOr<RunVerdict> adopted = world.Do({"retention-" + version, "ada", draft});
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    const StatusOr<std::vector<v1::Finding>> findings =
        FindingsOf(world.ledger().rows(), world.LeafOf("retention-" + version));
    EXPECT_TRUE(findings.ok()) << findings.status();
    return std::count_if(findings->begin(), findings->end(),
                         [](const v1::Finding& finding) { return finding.rule() == "POLICY-REGIONS"; });
  };
  EXPECT_EQ(adopt("1", true), 0);
  EXPECT_EQ(adopt("2", false), 1);
}

v1::ForkDetected ForkOf(const std::string& stream) {
  v1::ForkDetected body;
  body.set_stream(stream);
  body.set_position(3);
  body.set_header_digest_here(Sha256("here").bytes());
  body.set_header_digest_there(Sha256("there").bytes());
  body.set_evidence("two headers");
  return body;
}

TEST(GateLoopholes, ForkOfAStreamThatItRestsOnDenies) {
  GateWorld world(GateStory());
  const auto fork = [&](const std::string& name, const std::string& stream) {
    ASSERT_TRUE(world.Do({name, "eve", DraftWith(ForkOf(stream), {})}).ok());
  };
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  ASSERT_TRUE(
      world.Do({"anomaly", "ICU-2", DraftWith(anomaly, {"anomaly=anomaly:a1", "found_in=software_item:alert"})}).ok());
  ASSERT_TRUE(world.Do({"evaluated", "ada", Because(DraftWith(v1::AnomalyEvaluated(), {"anomaly=anomaly:a1"}))}).ok());
  fork("elsewhere", "device_unit/ICU-2");
  EXPECT_EQ(Failed(world.Ask()), "") << "it doesn't rest on the anomaly that was recorded there";
  fork("certifier", "software/certifier");
  EXPECT_EQ(Failed(world.Ask()), "G17");
  EXPECT_THAT(NoteOf(world.Ask(), "G17"), HasSubstr("stream software/certifier has two histories"));
  ASSERT_TRUE(world.Do({"retracted", "ada", Retract(world, "certifier")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  fork("own", "device_unit/ICU-1");
  EXPECT_EQ(Failed(world.Ask()), "G17");
}

// Anybody may record forks of a stream of their own, as many as they like.
TEST(GateLoopholes, ForksOfOtherStreamsDenyNothing) {
  GateWorld world(GateStory());
  const EventDraft elsewhere = DraftWith(ForkOf("person/mallory"), {});
  for (int i = 0; i < 3; ++i) world.DoAll("eve", std::vector<EventDraft>(3400, elsewhere));
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do({"certifier", "eve", DraftWith(ForkOf("software/certifier"), {})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G17");
  ASSERT_TRUE(world.Do({"retracted", "ada", Retract(world, "certifier")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateLoopholes, ForksOfItsOwnStreamsThatCannotAllBeLookedAtTakeNothingBack) {
  GateWorld world(GateStory());
  const auto denied_as_evaluated = [&] {
    Facts facts(world.ledger().rows(), world.ledger().size());
    Reservations reservations;
    const StatusOr<v1::GateDecided> decision = Decide(facts, world.Request(), &reservations);
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision.ok() ? Failed(*decision) : "", "G17");
    return reservations.not_evaluated.count("G17") == 0;
  };
  const EventDraft fork = DraftWith(ForkOf("software/certifier"), {});
  const uint64_t first = world.ledger().size().value;
  for (int i = 0; i < 3; ++i) world.DoAll("eve", std::vector<EventDraft>(3400, fork));
  EXPECT_TRUE(denied_as_evaluated());
  std::vector<EventDraft> retractions;
  for (uint64_t leaf = first; leaf < world.ledger().size().value; ++leaf) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(leaf));
    ASSERT_TRUE(event.ok()) << event.status();
    if (event->type->name() != "fork.detected") continue;
    retractions.push_back(
        Because(Correct(*EventId::FromBytes(event->header.fields.event_id()), v1::RecordCorrected::RETRACTED)));
  }
  ASSERT_EQ(retractions.size(), 10'200u);
  for (size_t i = 0; i < retractions.size(); i += 3400) {
    world.DoAll("ada", {retractions.begin() + static_cast<ptrdiff_t>(i),
                        retractions.begin() + static_cast<ptrdiff_t>(i + 3400)});
  }
  EXPECT_FALSE(denied_as_evaluated());
  EXPECT_THAT(NoteOf(world.Ask(), "G17"), HasSubstr("are recorded than are looked at"));
}

}  // namespace
}  // namespace anamnesis
