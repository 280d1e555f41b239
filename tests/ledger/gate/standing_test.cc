// The standing check: what the ledger records of itself about what runs, when something changes that the gate reads.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "ledger/event/names.h"
#include "ledger/gate/standing_check.h"
#include "ledger/query/configuration.h"
#include "ledger/state/standing_rows.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Standing, NothingIsRecordedOfWhatIsAllowed) {
  GateWorld world(GateStory());
  Activate(world);
  EXPECT_THAT(All<v1::StandingHoldPlaced>(world), IsEmpty());
  const uint64_t size = world.ledger().size().value;
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "device_unit:ICU-2")}).ok());
  EXPECT_EQ(world.ledger().size().value, size + 1) << "nothing adapted runs on ICU-2";
}

// Golden scenario 4, of what runs.
TEST(Standing, A71A72SoupUpdatePutsTheCertificationOnTheWorklistAndRecertificationEndsIt) {
  GateWorld world(GateStory());
  Activate(world);
  v1::SoupVersionChanged changed;
  changed.mutable_soup()->set_title("foundation");
  changed.mutable_soup()->set_manufacturer("maker");
  changed.mutable_soup()->set_designator("7.3");
  const std::vector<std::string> versions = {"soup=soup:foundation@7.3", "previous=soup:foundation@7.2"};
  ASSERT_TRUE(world.Do({"soup-7.3", "ada", DraftWith(changed, versions)}).ok());
  ASSERT_TRUE(world.Do({"substrate-2", "ada", DefineSubstrate("2", "7.3")}).ok());
  EXPECT_THAT(All<v1::StandingHoldPlaced>(world), IsEmpty()) << "the unit still has the old one";
  ASSERT_TRUE(world.Do({"install-2", "ada", InstallSubstrate("ICU-1", "2")}).ok());
  const auto holds = All<v1::StandingHoldPlaced>(world);
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(Rules(holds[0]), "G04 G06 G07 G08");
  EXPECT_THAT(holds[0].causes(), ElementsAre(world.LeafOf("install-2").value));
  ASSERT_EQ(holds[0].units_size(), 1);
  EXPECT_EQ(holds[0].units(0).unit(), "ICU-1");
  EXPECT_EQ(holds[0].units(0).activated(), world.LeafOf("activated-ICU-1").value);
  const auto required = All<v1::RecertificationRequired>(world);
  ASSERT_EQ(required.size(), 1u);
  EXPECT_THAT(required[0].evidence(), testing::Contains(world.LeafOf("install-2").value));
  ASSERT_EQ(Standing(world).entries_size(), 1);
  EXPECT_TRUE(Standing(world).entries(0).has_recertification());

  for (const Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.3")})) {
    ASSERT_TRUE(world.Do(step).ok()) << step.name;
  }
  EXPECT_EQ(DeniedByRecords(world).size(), 1u) << "what runs is still the old one";
  Activate(world, "2");
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  const auto lifted = All<v1::StandingHoldLifted>(world);
  ASSERT_EQ(lifted.size(), 1u);
  EXPECT_EQ(lifted[0].reason(), v1::StandingHoldLifted::NO_LONGER_RUNS);
  EXPECT_EQ(StandingCertificationOf(world.ledger().rows(), "cert-1")->required(), 0u) << "done";
  // Back on the old ground with the old artifact, it stands again.
  ASSERT_TRUE(world.Do({"install-1", "ada", InstallSubstrate("ICU-1", "1")}).ok());
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
  EXPECT_EQ(DeniedByRecords(world).size(), 1u);
  ASSERT_TRUE(world.Do({"install-2-again", "ada", InstallSubstrate("ICU-1", "2")}).ok());
  EXPECT_EQ(All<v1::StandingHoldLifted>(world).back().reason(), v1::StandingHoldLifted::ALLOWED_AGAIN);
  ExpectRebuildsTheSame(world);
}

// A delegation that ended before it was used is known late, of what runs on what was certified under it.
TEST(Standing, AWithdrawnDelegationIsHeldAgainstWhatRuns) {
  GateWorld world(GateStory());
  Activate(world);
  v1::AuthorityWithdrawn body;
  body.set_effective_from_us(kTestStart.us);
  ASSERT_TRUE(world.Do({"withdrawn", "carl", Because(DraftWith(body, {"delegation=delegation:d1"}))}).ok());
  const auto holds = All<v1::StandingHoldPlaced>(world);
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(Rules(holds[0]), "G06");
  EXPECT_THAT(holds[0].causes(), ElementsAre(world.LeafOf("withdrawn").value));
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
  const StatusOr<LoadedEvent> withdrawn = LoadEvent(world.ledger().rows(), world.LeafOf("withdrawn"));
  const EventDraft retracted = Because(Correct(withdrawn->header.event_id, v1::RecordCorrected::RETRACTED));
  ASSERT_TRUE(world.Do({"retracted", "ada", retracted}).ok());
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  ExpectRebuildsTheSame(world);
}

// The certifications that a SOUP change left to be done again.
std::vector<v1::StandingAnswer::Entry> Stale(GateWorld& world) {
  std::vector<v1::StandingAnswer::Entry> stale;
  const v1::StandingAnswer answer = Standing(world);
  for (const auto& entry : answer.entries()) {
    if (entry.surface().empty()) stale.push_back(entry);
  }
  return stale;
}

// Golden scenario 4: 40 certifications, of which one is of what runs.
TEST(Standing, A72SoupUpdateMakesAllItsCertificationsStale) {
  std::vector<Step> story = GateStory();
  for (int i = 2; i <= 40; ++i) {
    for (Step& step : AdaptationSteps({.version = std::to_string(i), .substrate = SubstrateDigest("7.2")})) {
      story.push_back(std::move(step));
    }
  }
  GateWorld world(story);
  Activate(world, "17");
  EXPECT_THAT(Stale(world), IsEmpty());
  ASSERT_TRUE(world.Do({"soup-7.3", "ada", ChangeSoup("7.2", "7.3")}).ok());
  ASSERT_EQ(Stale(world).size(), 40u);
  EXPECT_EQ(Stale(world)[0].unit(), "ICU-1") << "what runs first";
  EXPECT_EQ(Stale(world)[0].artifact().version(), "17");
  EXPECT_EQ(Stale(world)[1].unit(), "");
  EXPECT_EQ(Stale(world)[1].since().index(), world.LeafOf("certified").value);
  EXPECT_EQ(Stale(world)[1].late(0).index(), world.LeafOf("soup-7.3").value);

  // The unit gets it: the gate denies, the envelope stands.
  ASSERT_TRUE(world.Do({"substrate-2", "ada", DefineSubstrate("2", "7.3")}).ok());
  ASSERT_TRUE(world.Do({"install-2", "ada", InstallSubstrate("ICU-1", "2")}).ok());
  const v1::GateDecided denied = world.Ask("17");
  EXPECT_EQ(Failed(denied), "G04 G06 G07 G08");
  for (const auto& result : denied.results()) {
    if (result.rule_id() == "G05") EXPECT_EQ(result.outcome(), v1::GateDecided::RuleResult::PASS);
  }
  // One more is made for the new ground, and allowed; the others are stale still.
  for (const Step& step : AdaptationSteps({.version = "41", .substrate = SubstrateDigest("7.3")})) {
    ASSERT_TRUE(world.Do(step).ok()) << step.name;
  }
  EXPECT_EQ(Failed(world.Ask("41")), "");
  EXPECT_EQ(Stale(world).size(), 39u) << "what runs is named with its unit";
  ASSERT_TRUE(world
                  .Do({"withdrawn", "carl",
                       Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:cert-2"}))})
                  .ok());
  EXPECT_EQ(Stale(world).size(), 38u) << "nothing to be done again";
  ExpectRebuildsTheSame(world);
}

// Of several certifications the one for the ground that the unit stands on is the one to be done again.
TEST(Standing, CertificationForTheGroundOfTheUnitIsOnTheWorklist) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"soup-7.3", "ada", ChangeSoup("7.2", "7.3")}).ok());
  ASSERT_TRUE(world.Do({"substrate-2", "ada", DefineSubstrate("2", "7.3")}).ok());
  const std::vector<Step> story = GateStory();
  Step other = *std::find_if(story.begin(), story.end(), [](const Step& s) { return s.name == "certified"; });
  Edit<v1::CertificationIssued>([](v1::CertificationIssued& issued) {
    issued.mutable_state()->set_substrate_digest(SubstrateDigest("7.3"));
  })(other.draft);
  for (v1::EntityRef& ref : *other.draft.header.mutable_refs()) {
    if (ref.role() == "certification") ref.set_id("cert-elsewhere");
  }
  other.name = "certified-elsewhere";
  ASSERT_TRUE(world.Do(other).ok()) << world.refused().at(other.name);
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  ASSERT_TRUE(world
                  .Do({"withdrawn", "carl",
                       Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:cert-1"}))})
                  .ok());
  ASSERT_EQ(All<v1::RecertificationRequired>(world).size(), 1u);
  EXPECT_NE(StandingCertificationOf(world.ledger().rows(), "cert-1")->required(), 0u);
  EXPECT_EQ(StandingCertificationOf(world.ledger().rows(), "cert-elsewhere")->required(), 0u);
}

// Golden scenario 5, of what runs: a control that relies on the item changes.
TEST(Standing, A59ChangedRiskControlIsSeen) {
  GateWorld world(GateStory());
  Activate(world);
  v1::RiskControlRevised revised;
  revised.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  revised.mutable_content()->set_text("alert on lower confidence");
  const std::vector<std::string> refs = {"control=risk_control:low_confidence", "depends_on=software_item:alert"};
  ASSERT_TRUE(world.Do({"revised", "ada", Now(world, Because(DraftWith(revised, refs)))}).ok());
  const auto holds = All<v1::StandingHoldPlaced>(world);
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(Rules(holds[0]), "G07");
  EXPECT_THAT(All<v1::LateKnowledgeFound>(world), IsEmpty()) << "it was changed only now";
  for (const Step& step : GateStory()) {
    if (!step.name.starts_with("verify-")) continue;
    ASSERT_TRUE(world.Do(step).ok());
  }
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
}

// What a control relies on as it was last defined, wherever that is (controls_test.cc).
TEST(Standing, WhateverAControlReliesOnWasDefinedAnew) {
  const auto requirement = [](const std::string& version) {
    v1::RequirementApproved body;
    body.mutable_content()->set_kind(v1::RequirementContent::SAFETY);
    body.mutable_content()->set_text("alert in time");
    return Because(DraftWith(body, {"requirement=requirement:r1@" + version}));
  };
  const auto model = [](const std::string& version) {
    v1::ModelRegistered body;
    body.set_change_text(version == "1" ? "" : "trained again");
    return DraftWith(body, {"model=model:m@" + version, "training_run=training_run:t", "dataset=dataset:d@1",
                            "code=code_revision:c@1"});
  };
  struct Input {
    std::string kind;
    std::string id;
    std::optional<EventDraft> first;
    EventDraft then;
  };
  for (const Input& input :
       {Input{"soup", "foundation", std::nullopt, ChangeSoup("7.2", "7.3")},
        Input{"requirement", "r1", requirement("1"), requirement("2")}, Input{"model", "m", model("1"), model("2")}}) {
    std::vector<Step> story = GateStory();
    const auto control = std::find_if(story.begin(), story.end(), [](const Step& s) { return s.name == "control"; });
    AddReference(control->draft, "depends_on", input.kind, input.id);
    if (input.first.has_value()) story.insert(control, {"first", "ada", *input.first});
    GateWorld world(story);
    Activate(world);
    ASSERT_THAT(DeniedByRecords(world), IsEmpty()) << input.kind << " " << *DeniedByRecords(world).begin();
    ASSERT_TRUE(world.Do({"then", "ada", input.then}).ok()) << world.refused().at("then");
    EXPECT_EQ(DeniedByRecords(world).size(), 1u) << input.kind;
    EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world)) << input.kind;
  }
}

// What the gate can't decide about ran without its leave all the same.
TEST(Standing, WhatIsNoVersionOfAnArtifactIsListed) {
  v1::AdaptationSurfaceIdentified identified;
  identified.set_kind(v1::AdaptationSurfaceIdentified::THRESHOLD);
  identified.set_mutable_by("the unit");
  identified.set_surface("alert_threshold");
  for (const std::string& what : {"artifact:shift", "model:big@1"}) {
    GateWorld world(GateStory());
    ASSERT_TRUE(world
                    .Do({"surface", "ada",
                         DraftWith(identified, {"surface=adaptation_surface:s1", "item=software_item:alert"})})
                    .ok());
    v1::ArtifactActivated body;
    body.set_surface("alert_threshold");
    const EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-1", "artifact=" + what});
    ASSERT_TRUE(world.Do({"activated", "ICU-1", Now(world, draft)}).ok());
    const v1::StandingAnswer standing = Standing(world);
    ASSERT_EQ(standing.entries_size(), 1) << what;
    EXPECT_EQ(standing.entries(0).unit(), "ICU-1");
    EXPECT_EQ(standing.entries(0).since().index(), world.LeafOf("activated").value);
    EXPECT_FALSE(standing.entries(0).nonconforming().empty());
    EXPECT_EQ(Failed(standing.entries(0).now()), "INPUT");
  }
}

// What a person placed stays as it is, and the ledger's own hold is no reason for itself.
TEST(Standing, LiftsWhatItPlacedItselfAndNothingElse) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  ASSERT_TRUE(world.Do({"hold-2", "ada", Hold("h2", "soup:foundation@7.2")}).ok());
  ASSERT_EQ(DeniedByRecords(world).size(), 1u);
  ASSERT_EQ(All<v1::StandingHoldPlaced>(world).size(), 2u) << "the same rule for one more reason";
  const v1::StandingHoldPlaced both = All<v1::StandingHoldPlaced>(world).back();
  EXPECT_THAT(both.causes(), ElementsAre(world.LeafOf("hold-2").value));
  EXPECT_THAT(both.results(0).evidence(),
              testing::IsSupersetOf({world.LeafOf("hold").value, world.LeafOf("hold-2").value}));
  EXPECT_EQ(All<v1::DeactivationInstructed>(world).size(), 1u) << "said once for an activation";
  ASSERT_TRUE(world.Do({"elsewhere", "ada", Hold("h3", "site:berlin")}).ok());
  EXPECT_EQ(All<v1::StandingHoldPlaced>(world).size(), 2u) << "nothing new to say";
  ASSERT_TRUE(world.Do({"lift", "ada", Lift("h1")}).ok());
  EXPECT_EQ(DeniedByRecords(world).size(), 1u) << "the other hold is still there";
  EXPECT_EQ(Failed(world.Ask()), "G13");
  ASSERT_TRUE(world.Do({"lift-2", "ada", Lift("h2")}).ok());
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(Standing, DeactivationIsInstructedByPolicyOnly) {
  const auto instructed = [](GateWorld& world) {
    Activate(world);
    EXPECT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
    EXPECT_EQ(DeniedByRecords(world).size(), 1u);
    return All<v1::DeactivationInstructed>(world);
  };
  GateWorld world(GateStory());
  const auto told = instructed(world);
  ASSERT_EQ(told.size(), 1u) << "class C";
  EXPECT_EQ(told[0].units(0).unit(), "ICU-1");
  EXPECT_TRUE(told[0].units(0).has_decision());
  v1::EntityRef entity;
  entity.set_kind("device_unit");
  entity.set_id("ICU-1");
  Facts facts(world.ledger().rows(), world.ledger().size());
  const auto found = facts.OfType(entity, "unit", "deactivation.instructed", 10);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 1u) << "the unit finds it by its own name";
  const v1::EventHeader& header = found->front()->header();
  EXPECT_EQ(EntityKeyText(*FindReference(header, "fallback")), "baseline:base@5");
  EXPECT_EQ(header.stream(), "ledger");
  // Once is enough for an activation, whatever else is found.
  ASSERT_TRUE(world
                  .Do({"revoked", "carl",
                       Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:cert-1"}))})
                  .ok());
  EXPECT_EQ(All<v1::StandingHoldPlaced>(world).size(), 2u) << "for other reasons now";
  EXPECT_EQ(All<v1::DeactivationInstructed>(world).size(), 1u);
  // The unit follows, and says so itself.
  v1::ArtifactDeactivated body;
  body.set_surface("alert_threshold");
  body.set_reason(v1::ArtifactDeactivated::HOLD);
  const std::vector<std::string> refs = {"unit=device_unit:ICU-1", "artifact=artifact:shift@1"};
  EventDraft draft = Because(DraftWith(body, refs));
  SetOccurred(draft, world.now(), world.now());
  ASSERT_TRUE(world.Do({"deactivated", "ICU-1", draft}).ok());
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
  EXPECT_EQ(All<v1::StandingHoldLifted>(world).back().reason(), v1::StandingHoldLifted::NO_LONGER_RUNS);

  const auto no_more = Edit<v1::PolicyAdopted>([](v1::PolicyAdopted& policy) {
    for (auto& limits : *policy.mutable_document()->mutable_gate()->mutable_limits()) {
      limits.set_automatic_deactivation(false);
    }
  });
  GateWorld other_policy(Changed(GateStory(), "gate-policy", no_more));
  EXPECT_THAT(instructed(other_policy), IsEmpty());

  v1::DecisionRecorded decision;
  decision.set_question("May it be taken back without being asked?");
  decision.add_options("take_it_back");
  decision.add_options("stopping_is_the_greater_harm");
  decision.set_choice("stopping_is_the_greater_harm");
  const EventDraft worse = Because(DraftWith(decision, {"decision=decision:d1", "about=device_unit:ICU-1"}));
  GateWorld decided(GateStory());
  ASSERT_TRUE(decided.Do({"worse", "ada", worse}).ok());
  EXPECT_THAT(instructed(decided), IsEmpty());
  GateWorld by_anybody(GateStory());
  ASSERT_TRUE(by_anybody.Do({"worse", "ICU-1", worse}).ok());
  EXPECT_THAT(instructed(by_anybody), testing::Not(IsEmpty())) << "the unit can't decide that of itself";

  GateWorld bad_fallback(GateStory());
  Activate(bad_fallback);
  ASSERT_TRUE(bad_fallback.Do({"hold", "ada", Hold("h1", "baseline:base@5")}).ok());
  EXPECT_EQ(DeniedByRecords(bad_fallback).size(), 1u);
  EXPECT_THAT(All<v1::DeactivationInstructed>(bad_fallback), IsEmpty()) << "the fallback is under hold itself";
}

// What kept the ledger from instructing can go: then it does, under the hold that stands already.
TEST(Standing, DeactivationIsInstructedOnceNothingIsAgainstItAnyMore) {
  GateWorld worse(GateStory());
  Activate(worse);
  v1::DecisionRecorded decision;
  decision.set_question("May it be taken back without being asked?");
  decision.add_options("take_it_back");
  decision.add_options("stopping_is_the_greater_harm");
  decision.set_choice("stopping_is_the_greater_harm");
  ASSERT_TRUE(
      worse.Do({"worse", "ada", Because(DraftWith(decision, {"decision=decision:d1", "about=device_unit:ICU-1"}))})
          .ok());
  ASSERT_TRUE(worse.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  EXPECT_THAT(All<v1::DeactivationInstructed>(worse), IsEmpty());
  const StatusOr<LoadedEvent> said = LoadEvent(worse.ledger().rows(), worse.LeafOf("worse"));
  ASSERT_TRUE(
      worse
          .Do({"retracted", "ada",
               Because(Correct(*EventId::FromBytes(said->header.fields.event_id()), v1::RecordCorrected::RETRACTED))})
          .ok());
  ASSERT_EQ(All<v1::DeactivationInstructed>(worse).size(), 1u);
  EXPECT_EQ(All<v1::StandingHoldPlaced>(worse).size(), 1u) << "the reasons are the same";
  EXPECT_EQ(All<v1::DeactivationInstructed>(worse)[0].hold(), worse.LeafOf("hold").value + 1);
  EXPECT_TRUE(Standing(worse).entries(0).has_instruction());
  ASSERT_TRUE(worse.Do({"again", "ada", Hold("h2", "device_unit:ICU-1")}).ok());
  EXPECT_EQ(All<v1::DeactivationInstructed>(worse).size(), 1u) << "once for an activation";
  ExpectRebuildsTheSame(worse);

  const auto automatic = [](bool value) {
    return Edit<v1::PolicyAdopted>([value](v1::PolicyAdopted& policy) {
      for (auto& limits : *policy.mutable_document()->mutable_gate()->mutable_limits()) {
        limits.set_automatic_deactivation(value);
      }
    });
  };
  const std::vector<Step> story = GateStory();
  GateWorld adopted(Changed(story, "gate-policy", automatic(false)));
  Activate(adopted);
  ASSERT_TRUE(adopted.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  EXPECT_THAT(All<v1::DeactivationInstructed>(adopted), IsEmpty());
  Step adoption = *std::find_if(story.begin(), story.end(), [](const Step& s) { return s.name == "gate-policy"; });
  adoption.name = "policy-2";
  adoption.draft.header.mutable_refs(0)->set_version("2");
  automatic(true)(adoption.draft);
  ASSERT_TRUE(adopted.Do(adoption).ok()) << adopted.refused().at("policy-2");
  EXPECT_EQ(All<v1::DeactivationInstructed>(adopted).size(), 1u);
}

// A policy that names a rule which this version doesn't know can't be evaluated: that asks for attention, and what runs
// goes on running.
TEST(Standing, FailingEvaluationNeverStopsWhatRuns) {
  GateWorld world(GateStory());
  Activate(world);
  const auto before = ConfigurationAt(world.ledger().rows(), "ICU-1", world.now(), world.ledger().size());
  std::vector<Step> story = GateStory();
  const auto adoption = std::find_if(story.begin(), story.end(), [](const Step& s) { return s.name == "gate-policy"; });
  EventDraft draft = adoption->draft;
  draft.header.mutable_refs(0)->set_version("2");
  Edit<v1::PolicyAdopted>(
      [](v1::PolicyAdopted& policy) { policy.mutable_document()->mutable_gate()->add_rules("G99"); })(draft);
  ASSERT_TRUE(world.Do({"policy-2", "ada", draft}).ok()) << world.refused().at("policy-2");
  const auto holds = All<v1::StandingHoldPlaced>(world);
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(Rules(holds[0]), "G99");
  EXPECT_THAT(holds[0].not_evaluated(), ElementsAre("G99"));
  EXPECT_THAT(All<v1::DeactivationInstructed>(world), IsEmpty());
  const auto after = ConfigurationAt(world.ledger().rows(), "ICU-1", world.now(), world.ledger().size());
  EXPECT_EQ(before->configuration_digest(), after->configuration_digest());
  EXPECT_TRUE(world.Do({"again", "ada", Hold("h1", "site:berlin")}).ok()) << "and the ledger goes on";
}

TEST(Standing, A88RelocationLooksAtWhatRunsAgain) {
  GateWorld world(GateStory());
  Activate(world);
  const auto move = [&](const std::string& country) {
    v1::DeviceUnitRelocated moved;
    moved.set_jurisdiction(country);
    EXPECT_TRUE(
        world.Do({"move-" + country, "ada", DraftWith(moved, {"unit=device_unit:ICU-1", "site=site:ward"})}).ok());
  };
  move("DE");
  EXPECT_THAT(DeniedByRecords(world), IsEmpty()) << "cleared there too, and inside the overlay";
  move("JP");
  ASSERT_EQ(All<v1::StandingHoldPlaced>(world).size(), 1u);
  EXPECT_THAT(Rules(All<v1::StandingHoldPlaced>(world)[0]), testing::HasSubstr("G12"));
  EXPECT_EQ(All<v1::DeactivationInstructed>(world).size(), 1u);
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
  move("US");
  EXPECT_THAT(DeniedByRecords(world), IsEmpty());
}

// A80: what it would be taken back to has to pass the gate itself, unless it is the unit's safe state.
TEST(Standing, A80NothingIsTakenBackToWhatTheGateDenies) {
  for (const bool fallback_is_good : {true, false}) {
    std::vector<Step> story = GateStory();
    for (Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.2")})) story.push_back(step);
    GateWorld world(story);
    v1::ArtifactActivated body;
    body.set_surface("alert_threshold");
    const std::vector<std::string> refs = {"unit=device_unit:ICU-1", "artifact=artifact:shift@2",
                                           "rollback_target=artifact:shift@1"};
    ASSERT_TRUE(world.Do({"activated", "ICU-1", DraftWith(body, refs)}).ok());
    if (!fallback_is_good) {
      const EventDraft withdrawn =
          Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:cert-1"}));
      ASSERT_TRUE(world.Do({"withdrawn", "carl", withdrawn}).ok());
    }
    EXPECT_EQ(DeniedByRecords(world).size(), fallback_is_good ? 0u : 1u) << "nothing is left to go back to";
    EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
    ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@2")}).ok());
    EXPECT_EQ(All<v1::DeactivationInstructed>(world).size(), fallback_is_good ? 1u : 0u);
  }
}

// The decision was right, and an event that it rests on is retracted afterwards.
TEST(Standing, ActivationWithoutLeaveIsUnderHoldFromTheStart) {
  GateWorld world(Without(GateStory(), {"certified"}));
  Activate(world);
  EXPECT_EQ(DeniedByRecords(world).size(), 1u);
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
}

// Batches without runs until none is left; what each wrote is bounded, however large the fleet.
int WorkOff(GateWorld& world) {
  constexpr uint64_t kLeavesMax = 4 * (kStandingUnitsMax / kStandingUnitsPerRecord + 1);
  constexpr size_t kRowsMax = 32 * kStandingUnitsMax;
  int batches = 0;
  for (bool left = true; left && batches < 100; ++batches) {
    Batch none;
    none.proposed = world.now();
    const uint64_t before = world.ledger().size().value;
    const CommitBatch batch = world.ledger().Commit(none);
    EXPECT_LE(world.ledger().size().value - before, kLeavesMax);
    EXPECT_LE(batch.rows->rows().size(), kRowsMax);
    left = batch.work_left;
  }
  return batches;
}

// A fleet: looked at in portions, with what is left carried on by batches without runs.
TEST(Standing, ManyUnitsAreWorkedOffInPortions) {
  constexpr int kUnits = 300;
  GateWorld world(GateStory());
  AddFleet(world, kUnits);
  EXPECT_THAT(DeniedByRecords(world), IsEmpty()) << *DeniedByRecords(world).begin();
  const uint64_t before = world.ledger().size().value;
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  EXPECT_EQ(DeniedByRecords(world).size(), kStandingUnitsMax);
  EXPECT_EQ(Standing(world).being_checked_size(), 1);
  EXPECT_EQ(WorkOff(world), 2);
  EXPECT_EQ(DeniedByRecords(world).size(), static_cast<size_t>(kUnits));
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
  EXPECT_EQ(Standing(world).being_checked_size(), 0);
  // A record for each 40 units and an instruction to them, how far it came for each portion, the one recertification.
  EXPECT_LE(world.ledger().size().value - before, 1u + 2 * (4 + 4 + 2) + 3 + 1);
  ExpectRebuildsTheSame(world);
}

// A unit of a later portion that an event of its own brings in earlier is still looked at for what was left over.
TEST(Standing, LateKnowledgeReachesAUnitThatIsLookedAtTwice) {
  GateWorld world(GateStory());
  AddFleet(world, static_cast<int>(kStandingUnitsMax) + 10);
  Activate(world);
  v1::ArtifactRevoked revoked;
  revoked.set_effective_from_us(kTestStart.us);
  ASSERT_TRUE(world.Do({"revoked", "ada", Because(DraftWith(revoked, {"artifact=artifact:shift@1"}))}).ok());
  EXPECT_THAT(All<v1::LateKnowledgeFound>(world), IsEmpty()) << "ICU-1 activated it after all others";
  ASSERT_TRUE(world.Do({"install", "ada", Now(world, InstallSubstrate("ICU-1", "1"))}).ok());
  ASSERT_EQ(All<v1::LateKnowledgeFound>(world).size(), 1u);
  EXPECT_THAT(All<v1::LateKnowledgeFound>(world)[0].late(), testing::Contains(world.LeafOf("revoked").value));
  EXPECT_EQ(All<v1::LateKnowledgeFound>(world)[0].units(0).unit(), "ICU-1");
}

class Histories : public testing::TestWithParam<unsigned> {
 public:
  // A step that may change what stands; some are refused, which is as good.
  static Step Random(GateWorld& world, std::mt19937& random, int number) {
    const std::string unit = random() % 3 == 0 ? "ICU-2" : "ICU-1";
    const char* const scopes[] = {"artifact:shift@1",     "software_item:alert", "device_unit:ICU-1",
                                  "soup:foundation@7.2",  "site:boston",         "device_model:monitor",
                                  "envelope:threshold@1", "baseline:base@5",     "sandbox_protocol:suite@1",
                                  "certification:cert-1"};
    const auto authorised = [&](auto body) {
      body.set_effective_from_us(world.now().us);
      return Because(DraftWith(body, {"authorisation=authorisation:K1@1"}));
    };
    switch (random() % 15) {
      case 0:
        return {"hold", "ada", Hold(Text("r", number), scopes[random() % std::size(scopes)])};
      case 1:
      case 2:
        return {"lift", "ada", Lift(Text("r", random() % static_cast<unsigned>(number + 1)))};
      case 3:
        return {"install", "ada", InstallSubstrate(unit, random() % 2 == 0 ? "1" : "2")};
      case 4:
        return {"suspend", "rita", authorised(v1::AuthorisationSuspended())};
      case 5:
        return {"reinstate", "rita", authorised(v1::AuthorisationReinstated())};
      case 6: {
        v1::DeviceUnitRelocated moved;
        moved.set_jurisdiction(random() % 2 == 0 ? "US" : "DE");
        return {"move", "ada", DraftWith(moved, {"unit=device_unit:" + unit, "site=site:boston"})};
      }
      case 7: {
        v1::RiskControlRevised revised;
        revised.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
        revised.mutable_content()->set_text(Text("alert ", number));
        return {"control", "ada",
                Because(DraftWith(revised, {"control=risk_control:low_confidence", "depends_on=software_item:alert"}))};
      }
      case 8: {
        const std::vector<Step> again = AdaptationSteps({.substrate = SubstrateDigest("7.2")});
        return again[2 + random() % 5];
      }
      case 9: {
        v1::ArtifactDeactivated stopped;
        stopped.set_surface("alert_threshold");
        stopped.set_reason(v1::ArtifactDeactivated::PLANNED);
        EventDraft draft = Because(DraftWith(stopped, {"unit=device_unit:" + unit}));
        SetOccurred(draft, world.now(), world.now());
        return {"stopped", unit, draft};
      }
      case 10: {
        const auto leaf = random() % world.ledger().size().value;
        const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(leaf));
        return {"retract", "ada",
                Because(Correct(*EventId::FromBytes(event->header.fields.event_id()), v1::RecordCorrected::RETRACTED))};
      }
      case 11:
        return {"withdraw", "carl",
                Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:cert-1"}))};
      default: {
        v1::ArtifactActivated body;
        body.set_surface("alert_threshold");
        EventDraft draft = DraftWith(body, {"unit=device_unit:" + unit, "artifact=artifact:shift@1"});
        SetOccurred(draft, world.now(), world.now());
        return {"activated", unit, draft};
      }
    }
  }
};

// After each step the ledger's records say what looking at everything says, and can be computed again from the log.
TEST_P(Histories, RecordsSayWhatLookingAtEverythingSays) {
  std::mt19937 random(GetParam());
  std::vector<Step> story = GateStory();
  story.push_back({"substrate-2", "ada", DefineSubstrate("2", "7.2")});
  GateWorld world(story);
  Activate(world);
  std::vector<Step> done;
  for (int number = 0; number < 40; ++number) {
    const Step step = Histories::Random(world, random, number);
    if (!world.Do(step).ok()) continue;
    ASSERT_EQ(DeniedByRecords(world), DeniedByLooking(world)) << "step " << number << " " << step.name;
  }
  ExpectRebuildsTheSame(world);
}
INSTANTIATE_TEST_SUITE_P(Seeds, Histories, testing::Range(1U, 9U));

// Replicas apply the same batches; each comes to the same log.
TEST(Standing, ReplicasRecordTheSame) {
  const std::vector<Step> story = GateStory();
  GateWorld one(story);
  GateWorld other(story);
  for (GateWorld* world : {&one, &other}) {
    Activate(*world);
    ASSERT_TRUE(world->Do({"hold", "ada", Hold("h1", "software_item:alert")}).ok());
    ASSERT_TRUE(world->Do({"lift", "ada", Lift("h1")}).ok());
  }
  EXPECT_EQ(All<v1::StandingHoldLifted>(one).size(), 1u);
  EXPECT_EQ(one.ledger().state().frontier.Root(), other.ledger().state().frontier.Root());
  EXPECT_EQ(one.ledger().state().digest.digest, other.ledger().state().digest.digest);
}

}  // namespace
}  // namespace anamnesis
