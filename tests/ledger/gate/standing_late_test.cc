// The standing check, of what was recorded late: what was allowed without it, and for how long something ran so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/gate/standing_check.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

// What a fact says of its own effect counts, not when it was written down.
TEST(Standing, LateKnowledgeByWhenAKeyWasLostOrAFieldActionBegan) {
  GateWorld recalled(GateStory());
  Activate(recalled);
  v1::FieldActionInitiated action;
  action.set_kind(v1::FieldActionInitiated::RECALL);
  action.set_scope_text("all of them");
  action.set_initiated_at_us(kTestStart.us);
  const std::vector<std::string> refs = {"field_action=field_action:f1", "scope=artifact:shift@1"};
  ASSERT_TRUE(recalled.Do({"recall", "ada", Now(recalled, Because(DraftWith(action, refs)))}).ok());
  ASSERT_EQ(All<v1::LateKnowledgeFound>(recalled).size(), 1u);
  EXPECT_THAT(All<v1::LateKnowledgeFound>(recalled)[0].late(), ElementsAre(recalled.LeafOf("recall").value));

  GateWorld lost(GateStory());
  const Timestamp before_deciding = lost.now();
  Activate(lost);
  const std::string leaf = **lost.ledger().rows().Get(Family::kLeaves, LeafKey(lost.LeafOf("certified")));
  v1::SealStatement statement;
  ASSERT_TRUE(statement.ParseFromString(std::string(ParseLeaf(leaf)->seal->statement)));
  v1::CredentialReportedLost report;
  report.set_public_key(statement.key_id());
  report.set_lost_since_us(before_deciding.us + 1);
  ASSERT_TRUE(lost.Do({"lost", "ada", Now(lost, Because(DraftWith(report, {"holder=software:certifier"})))}).ok());
  ASSERT_EQ(All<v1::LateKnowledgeFound>(lost).size(), 1u);
  EXPECT_EQ(All<v1::LateKnowledgeFound>(lost)[0].refused_as_known_now(0).rule_id(), "G13");
}

// It ran, and the interval in which it did is over.
TEST(Standing, LateKnowledgeOfWhatNoLongerRuns) {
  GateWorld world(GateStory());
  Activate(world);
  v1::ArtifactDeactivated stopped;
  stopped.set_surface("alert_threshold");
  stopped.set_reason(v1::ArtifactDeactivated::PLANNED);
  const std::vector<std::string> refs = {"unit=device_unit:ICU-1", "artifact=artifact:shift@1"};
  ASSERT_TRUE(world.Do({"stopped", "ICU-1", Now(world, Because(DraftWith(stopped, refs)))}).ok());
  const auto end = LoadEvent(world.ledger().rows(), world.LeafOf("stopped"));
  v1::ArtifactRevoked revoked;
  revoked.set_effective_from_us(kTestStart.us);
  const EventDraft draft = Because(DraftWith(revoked, {"artifact=artifact:shift@1"}));
  ASSERT_TRUE(world.Do({"revoked", "ada", Now(world, draft)}).ok());
  const auto late = All<v1::LateKnowledgeFound>(world);
  ASSERT_EQ(late.size(), 1u);
  const auto activated = LoadEvent(world.ledger().rows(), world.LeafOf("activated-ICU-1"));
  EXPECT_EQ(late[0].units(0).exposed_from_us(), activated->header.occurred_earliest().us);
  EXPECT_EQ(late[0].units(0).exposed_until_us(), end->header.occurred_earliest().us);
  ASSERT_TRUE(world.Do({"again", "ada", Now(world, draft)}).ok());
  EXPECT_EQ(All<v1::LateKnowledgeFound>(world).size(), 1u) << "said once";
  ExpectRebuildsTheSame(world);
}

// A roll-back may cite the decision on what it takes back: that is not about what it restores.
TEST(Standing, LateKnowledgeIsOfTheArtifactThatWasDecidedOn) {
  std::vector<Step> story = GateStory();
  for (Step& step : AdaptationSteps({.version = "2", .shift = "0.02", .substrate = SubstrateDigest("7.2")})) {
    story.push_back(std::move(step));
  }
  GateWorld world(story);
  Activate(world);
  Activate(world, "2", "ICU-1", "US", 0, "artifact:shift@1");
  v1::ArtifactRolledBack body;
  body.set_surface("alert_threshold");
  const std::vector<std::string> refs = {"unit=device_unit:ICU-1", "artifact=artifact:shift@2",
                                         "restored=artifact:shift@1",
                                         "decision=gate_decision:" + world.last_decision()};
  ASSERT_TRUE(world.Do({"back", "ICU-1", Now(world, Because(DraftWith(body, refs)))}).ok());
  EXPECT_THAT(DeniedByLooking(world), IsEmpty());
  v1::ArtifactRevoked revoked;
  revoked.set_effective_from_us(kTestStart.us);
  ASSERT_TRUE(world.Do({"revoked", "ada", Because(DraftWith(revoked, {"artifact=artifact:shift@2"}))}).ok());
  std::vector<std::string> exposed;
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(i));
    if (BodyAs<v1::LateKnowledgeFound>(event->body.get()) == nullptr) continue;
    exposed.push_back(EntityKeyText(*FindReference(event->header.fields, "artifact")));
  }
  EXPECT_THAT(exposed, ElementsAre("artifact:shift@2"));
}

// Decisions have no versions; a writer that gives one all the same means the decision.
TEST(Standing, DecisionCitedWithAVersionIsTheDecision) {
  GateWorld world(GateStory());
  const v1::GateDecided decision = world.Record();
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  body.set_previous_configuration_digest(decision.configuration_digest());
  EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-1", "artifact=artifact:shift@1",
                                      "decision=gate_decision:" + world.last_decision() + "@1"});
  ASSERT_TRUE(world.Do({"activated", "ICU-1", Now(world, draft)}).ok());
  v1::ArtifactRevoked revoked;
  revoked.set_effective_from_us(kTestStart.us);
  ASSERT_TRUE(world.Do({"revoked", "ada", Because(DraftWith(revoked, {"artifact=artifact:shift@1"}))}).ok());
  EXPECT_EQ(All<v1::LateKnowledgeFound>(world).size(), 1u);
  EXPECT_TRUE(Standing(world).entries(0).has_decision());
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

}  // namespace
}  // namespace anamnesis
