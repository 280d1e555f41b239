// The standing check: what the ledger records of itself about what runs, when something changes that the gate reads.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ledger/event/names.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/gate/standing_check.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/state/project.h"
#include "ledger/state/standing_rows.h"
#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

EventDraft Because(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

EventDraft Hold(const std::string& id, const std::string& scope) {
  return Because(DraftWith(v1::HoldPlaced(), {"hold=hold:" + id, "scope=" + scope}));
}
// It happened just now, not at the start of all time.
EventDraft Now(const GateWorld& world, EventDraft draft) {
  SetOccurred(draft, world.now(), world.now());
  return draft;
}
EventDraft Lift(const std::string& id) { return Because(DraftWith(v1::HoldLifted(), {"hold=hold:" + id})); }

// Asks the gate and activates on what it says.
v1::GateDecided Activate(GateWorld& world, const std::string& version = "1", const std::string& unit = "ICU-1",
                         const std::string& country = "US", int64_t later_us = 0) {
  const v1::GateDecided decision = world.Record(version, unit, country);
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  body.set_previous_configuration_digest(decision.configuration_digest());
  EventDraft draft = DraftWith(body, {"unit=device_unit:" + unit, "artifact=artifact:shift@" + version,
                                      "decision=gate_decision:" + world.last_decision()});
  const Timestamp at(world.now().us + later_us);
  SetOccurred(draft, at, at);
  EXPECT_TRUE(world.Do({"activated-" + unit, unit, draft}).ok());
  return decision;
}

// The bodies of all events of a type, in log order.
template <typename Body>
std::vector<Body> All(GateWorld& world) {
  std::vector<Body> found;
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(i));
    EXPECT_TRUE(event.ok()) << event.status();
    if (const auto* body = BodyAs<Body>(event->body.get()); body != nullptr) found.push_back(*body);
  }
  return found;
}

std::string Rules(const v1::StandingHoldPlaced& hold) {
  std::string rules;
  for (const auto& result : hold.results()) rules += Text(rules.empty() ? "" : " ", result.rule_id());
  return rules;
}

v1::StandingAnswer Standing(GateWorld& world) {
  v1::Question question;
  question.mutable_standing()->set_all(true);
  question.mutable_standing()->set_limit(1000);
  const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? answer->standing() : v1::StandingAnswer();
}

// What the gate denies now, of all that runs, by looking at everything.
std::set<std::string> DeniedByLooking(GateWorld& world) {
  std::set<std::string> denied;
  const v1::StandingAnswer standing = Standing(world);
  for (const v1::StandingAnswer::Entry& entry : standing.entries()) {
    if (entry.now().verdict() == v1::GateDecided::ALLOW) continue;
    denied.insert(Text(entry.unit(), " ", entry.surface(), " ", entry.artifact().version(), ": ", Failed(entry.now())));
  }
  return denied;
}

// The same by what the ledger recorded: the last hold for a surface that was not lifted.
std::set<std::string> DeniedByRecords(GateWorld& world) {
  std::map<std::string, std::string> held;
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(i));
    if (const auto* placed = BodyAs<v1::StandingHoldPlaced>(event->body.get()); placed != nullptr) {
      const std::string& version = FindReference(event->header.fields, "artifact")->version();
      for (const auto& unit : placed->units()) {
        held[Text(unit.unit(), " ", unit.surface())] = Text(version, ": ", Rules(*placed));
      }
    }
    if (const auto* lifted = BodyAs<v1::StandingHoldLifted>(event->body.get()); lifted != nullptr) {
      for (const auto& unit : lifted->units()) held.erase(Text(unit.unit(), " ", unit.surface()));
    }
  }
  std::set<std::string> denied;
  for (const auto& [where, what] : held) denied.insert(Text(where, " ", what));
  return denied;
}

// The projections computed again from the leaves.
void ExpectRebuildsTheSame(GateWorld& world) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const std::string key = LeafKey(LeafIndex(i));
    RowOverlay overlay(*store);
    overlay.Put(Family::kLeaves, key, **world.ledger().rows().Get(Family::kLeaves, key));
    overlay.Put(Family::kBodies, key, **world.ledger().rows().Get(Family::kBodies, key));
    const StatusOr<LoadedEvent> event = LoadEvent(overlay, LeafIndex(i));
    ASSERT_TRUE(event.ok()) << event.status();
    ASSERT_TRUE(Project(event->view(), overlay).ok());
    ASSERT_TRUE(store->Write(overlay.Take(), false).ok());
  }
  const auto projections = [](const RowReader& rows) {
    auto all = AllRows(rows);
    std::erase_if(
        all, [](const auto& row) { return std::get<0>(row) == Family::kMeta || std::get<0>(row) == Family::kTiles; });
    return all;
  };
  EXPECT_TRUE(projections(*store) == projections(world.ledger().rows()));
}

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

// What a person placed stays as it is, and the ledger's own hold is no reason for itself.
TEST(Standing, LiftsWhatItPlacedItselfAndNothingElse) {
  GateWorld world(GateStory());
  Activate(world);
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  ASSERT_TRUE(world.Do({"hold-2", "ada", Hold("h2", "soup:foundation@7.2")}).ok());
  ASSERT_EQ(DeniedByRecords(world).size(), 1u);
  EXPECT_EQ(All<v1::StandingHoldPlaced>(world).size(), 1u) << "the same rule: nothing new to say";
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
    EXPECT_THAT(DeniedByRecords(world), IsEmpty());
    ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@2")}).ok());
    EXPECT_EQ(All<v1::DeactivationInstructed>(world).size(), fallback_is_good ? 1u : 0u);
  }
}

// Three facts: lawful as known then, refused as known now, and in between it ran.
TEST(Standing, LateKnowledgeLeavesTheDecisionAndNamesTheInterval) {
  GateWorld world(GateStory());
  const v1::GateDecided decision = Activate(world);
  ASSERT_TRUE(world.Do({"hold-now", "ada", Now(world, Hold("h1", "device_unit:ICU-1"))}).ok());
  EXPECT_THAT(All<v1::LateKnowledgeFound>(world), IsEmpty()) << "known in time";
  v1::ArtifactRevoked revoked;
  revoked.set_effective_from_us(kTestStart.us);
  ASSERT_TRUE(world.Do({"revoked", "ada", Because(DraftWith(revoked, {"artifact=artifact:shift@1"}))}).ok());
  const auto late = All<v1::LateKnowledgeFound>(world);
  ASSERT_EQ(late.size(), 1u);
  EXPECT_THAT(late[0].late(), ElementsAre(world.LeafOf("revoked").value));
  ASSERT_EQ(late[0].units_size(), 1);
  EXPECT_EQ(late[0].units(0).activated(), world.LeafOf("activated-ICU-1").value);
  const StatusOr<LoadedEvent> decided = LoadEvent(world.ledger().rows(), LeafIndex(late[0].units(0).decision()));
  EXPECT_EQ(BodyAs<v1::GateDecided>(decided->body.get())->SerializeAsString(), decision.SerializeAsString());
  EXPECT_EQ(decision.verdict(), v1::GateDecided::ALLOW);
  ASSERT_EQ(late[0].refused_as_known_now_size(), 1);
  EXPECT_EQ(late[0].refused_as_known_now(0).rule_id(), "G13");
  const auto activated = LoadEvent(world.ledger().rows(), world.LeafOf("activated-ICU-1"));
  EXPECT_EQ(late[0].units(0).exposed_from_us(), activated->header.occurred_earliest().us);
  EXPECT_GE(late[0].units(0).exposed_until_us(), late[0].units(0).exposed_from_us());
  ASSERT_TRUE(world.Do({"other", "ada", Now(world, Hold("h2", "device_unit:ICU-1"))}).ok());
  EXPECT_EQ(All<v1::LateKnowledgeFound>(world).size(), 1u);
}

// Golden scenario 7: the certifier's key was revoked while the decision was made elsewhere.
TEST(Standing, PartitionedRevocationIsLateKnowledgeOnceItArrives) {
  GateWorld world(GateStory());
  const Timestamp before_deciding = world.now();
  Activate(world);
  v1::CredentialRevoked revoked;
  const std::string leaf = **world.ledger().rows().Get(Family::kLeaves, LeafKey(world.LeafOf("certified")));
  v1::SealStatement statement;
  ASSERT_TRUE(statement.ParseFromString(std::string(ParseLeaf(leaf)->seal->statement)));
  revoked.set_public_key(statement.key_id());
  revoked.set_effective_from_us(before_deciding.us + 1);
  ASSERT_TRUE(world.Do({"revoked", "ada", Because(DraftWith(revoked, {"holder=software:certifier"}))}).ok());
  const auto holds = All<v1::StandingHoldPlaced>(world);
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(Rules(holds[0]), "G13");
  const auto late = All<v1::LateKnowledgeFound>(world);
  ASSERT_EQ(late.size(), 1u);
  EXPECT_THAT(late[0].late(), ElementsAre(world.LeafOf("revoked").value));
}

// Golden scenarios 11 and 12, of what runs: the decision was right and what it rests on is taken away afterwards.
TEST(Standing, RetractedEvidenceIsSeen) {
  // Each taken back by somebody who may.
  for (const auto& [step, writer] : {std::pair{"produced", "tuner"},
                                     {"certified", "carl"},
                                     {"run-system", "certifier"},
                                     {"verify-effectiveness", "certifier"},
                                     {"stored", "tuner"},
                                     {"clear-us", "rita"},
                                     {"envelope", "ada"},
                                     {"sandbox", "ada"},
                                     {"control-set", "ada"},
                                     {"install-ICU-1", "ada"}}) {
    GateWorld world(GateStory());
    Activate(world);
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf(step));
    EventDraft draft =
        Because(Correct(*EventId::FromBytes(event->header.fields.event_id()), v1::RecordCorrected::RETRACTED));
    ASSERT_TRUE(world.Do({"retracted", writer, draft}).ok()) << step << " " << world.refused().at("retracted");
    EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world)) << step;
  }
}

TEST(Standing, ActivationWithoutLeaveIsUnderHoldFromTheStart) {
  GateWorld world(Without(GateStory(), {"certified"}));
  Activate(world);
  EXPECT_EQ(DeniedByRecords(world).size(), 1u);
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
}

// A fleet: looked at in portions, with what is left carried on by batches without runs.
TEST(Standing, ManyUnitsAreWorkedOffInPortions) {
  constexpr int kUnits = 300;
  GateWorld world(GateStory());
  std::vector<EventDraft> drafts;
  for (int i = 0; i < kUnits; ++i) {
    const std::string unit = Text("F-", 1000 + i);
    v1::DeviceUnitCommissioned commissioned;
    commissioned.set_serial_number(unit);
    commissioned.set_jurisdiction("US");
    drafts.push_back(
        DraftWith(std::move(commissioned), {"unit=device_unit:" + unit, "device_model=device_model:monitor",
                                            "site=site:boston", "baseline=baseline:base@5"}));
    drafts.push_back(InstallSubstrate(unit, "1"));
    v1::ArtifactActivated activated;
    activated.set_surface("alert_threshold");
    drafts.push_back(DraftWith(activated, {"unit=device_unit:" + unit, "artifact=artifact:shift@1"}));
  }
  world.DoAll("ada", drafts);
  EXPECT_THAT(DeniedByRecords(world), IsEmpty()) << *DeniedByRecords(world).begin();
  const uint64_t before = world.ledger().size().value;
  ASSERT_TRUE(world.Do({"hold", "ada", Hold("h1", "artifact:shift@1")}).ok());
  EXPECT_EQ(DeniedByRecords(world).size(), kStandingUnitsMax);
  EXPECT_EQ(Standing(world).being_checked_size(), 1);
  int batches = 0;
  for (bool left = true; left; ++batches) {
    ASSERT_LT(batches, 10);
    Batch none;
    none.proposed = world.now();
    left = world.ledger().Commit(none).work_left;
  }
  EXPECT_EQ(batches, 2);
  EXPECT_EQ(DeniedByRecords(world).size(), static_cast<size_t>(kUnits));
  EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
  EXPECT_EQ(Standing(world).being_checked_size(), 0);
  // A record for each 40 units and an instruction to them, how far it came for each portion, the one recertification.
  EXPECT_LE(world.ledger().size().value - before, 1u + 2 * (4 + 4 + 2) + 3 + 1);
  ExpectRebuildsTheSame(world);
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
