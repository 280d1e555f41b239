// What a unit puts on its surfaces is held against the gate's decisions, however it says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/gate/decide.h"
#include "ledger/state/broken_rules.h"
#include "tests/ledger/gate/gate_story.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Decided {
  std::string id;
  v1::GateDecided decision;
};

// The unit asks, and the ledger records its decision.
Decided Request(GateWorld& world, const std::string& version, const std::string& fallback) {
  v1::GateRequested body;
  body.set_jurisdiction("US");
  body.set_artifact_digest(ArtifactBytesDigest(version));
  const StatusOr<RunVerdict> verdict =
      world.Do({"request", "ICU-1",
                DraftWith(body, {"artifact=artifact:shift@" + version, "unit=device_unit:ICU-1",
                                 "rollback_target=" + fallback})});
  EXPECT_TRUE(verdict.ok()) << verdict.status();
  const auto request = LoadEvent(world.ledger().rows(), verdict->indexes[0]);
  const auto decided = LoadEvent(world.ledger().rows(), LeafIndex(verdict->indexes[0].value + 1));
  EXPECT_TRUE(decided.ok()) << decided.status();
  return {EventId::FromBytes(request->header.fields.event_id())->text(), *BodyAs<v1::GateDecided>(decided->body.get())};
}

// The messages of the findings about activations of what the unit appends.
template <typename Body>
std::vector<std::string> Append(
    GateWorld& world, Body body, const std::vector<std::string>& refs, const std::string& surface = "alert_threshold",
    const std::string& writer = "ICU-1", const std::function<void(EventDraft&)>& change = [](EventDraft&) {}) {
  body.set_surface(surface);
  EventDraft draft = WithRefs(DraftWith(std::move(body), {"unit=device_unit:ICU-1"}), refs);
  draft.header.set_rationale("because");
  SetOccurred(draft, world.now(), world.now());
  change(draft);
  const StatusOr<RunVerdict> done = world.Do({"appended", writer, draft});
  EXPECT_TRUE(done.ok()) << "what ran is recorded: " << done.status();
  std::vector<std::string> messages;
  const StatusOr<std::vector<v1::Finding>> findings = FindingsOf(world.ledger().rows(), world.LeafOf("appended"));
  EXPECT_TRUE(findings.ok()) << findings.status();
  for (const v1::Finding& finding : *findings) {
    if (finding.rule().starts_with("ACTIVATION-")) messages.push_back(finding.rule() + " " + finding.message());
  }
  return messages;
}

std::vector<std::string> Activate(
    GateWorld& world, const Decided& decided, const std::string& version,
    const std::string& surface = "alert_threshold",
    const std::function<void(EventDraft&)>& change = [](EventDraft&) {}) {
  v1::ArtifactActivated body;
  body.set_previous_configuration_digest(decided.decision.configuration_digest());
  return Append(world, body, {"artifact=artifact:shift@" + version, "decision=gate_decision:" + decided.id}, surface,
                "ICU-1", change);
}

// Version 2 beside version 1, both allowed.
std::vector<Step> TwoVersions() {
  std::vector<Step> steps = GateStory();
  for (Step& step : AdaptationSteps({.version = "2", .shift = "0.02", .substrate = SubstrateDigest("7.2")})) {
    steps.push_back(std::move(step));
  }
  return steps;
}

TEST(Activation, A80RollBackRestoresWhatTheDecisionNamed) {
  GateWorld world(TwoVersions());
  ASSERT_THAT(Activate(world, Request(world, "1", "baseline:base@5"), "1"), IsEmpty());
  const Decided second = Request(world, "2", "artifact:shift@1");
  ASSERT_EQ(second.decision.verdict(), v1::GateDecided::ALLOW) << second.decision.DebugString();
  ASSERT_THAT(Activate(world, second, "2"), IsEmpty());
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), {"artifact=artifact:shift@2", "restored=artifact:shift@1"}),
              IsEmpty());
}

TEST(Activation, A80RollBackToAnythingElseNeedsADecision) {
  GateWorld world(TwoVersions());
  ASSERT_THAT(Activate(world, Request(world, "1", "baseline:base@5"), "1"), IsEmpty());
  const std::vector<std::string> refs = {"artifact=artifact:shift@1", "restored=artifact:shift@2"};
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), refs),
              ElementsAre("ACTIVATION-DECISION cites no decision of the gate"));
  const Decided own = Request(world, "2", "baseline:base@5");
  std::vector<std::string> cited = refs;
  cited.push_back("decision=gate_decision:" + own.id);
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), cited), IsEmpty());
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), cited), ElementsAre(HasSubstr("ACTIVATION-CHANGED")));

  GateWorld never(TwoVersions());
  EXPECT_THAT(Append(never, v1::ArtifactRolledBack(), refs),
              ElementsAre("ACTIVATION-DECISION takes back artifact:shift@1, which did not run on alert_threshold, and "
                          "cites no decision on artifact:shift@2"));
  GateWorld other(TwoVersions());
  const Decided first = Request(other, "1", "artifact:shift@2");
  ASSERT_THAT(Activate(other, first, "1"), IsEmpty());
  EXPECT_THAT(Append(other, v1::ArtifactRolledBack(), refs, "alert_threshold", "ada"),
              ElementsAre(HasSubstr("ACTIVATION-WRITER")));
}

// Others say too what the unit is, in streams of their own.
TEST(Activation, WhatOthersChangedSinceTheDecisionIsFound) {
  const auto changed = [](const Step& step) {
    GateWorld world(GateStory());
    EXPECT_TRUE(world.Do({"substrate-2", "ada", DefineSubstrate("2", "7.2")}).ok());
    const Decided decided = Request(world, "1", "baseline:base@5");
    EXPECT_EQ(decided.decision.verdict(), v1::GateDecided::ALLOW);
    Step now = step;
    SetOccurred(now.draft, world.now(), world.now());
    const StatusOr<RunVerdict> done = world.Do(now);
    EXPECT_TRUE(done.ok()) << done.status();
    return Activate(world, decided, "1");
  };
  EXPECT_THAT(changed({"installed", "ada", InstallSubstrate("ICU-1", "2")}),
              ElementsAre(HasSubstr("ACTIVATION-CHANGED its substrate changed after the decision")));
  v1::DeviceUnitRelocated relocated;
  relocated.set_jurisdiction("DE");
  EXPECT_THAT(changed({"relocated", "ada", DraftWith(relocated, {"unit=device_unit:ICU-1"})}),
              ElementsAre(HasSubstr("ACTIVATION-CHANGED where it is changed after the decision")));
  EXPECT_THAT(changed({"elsewhere", "ada", InstallSubstrate("ICU-2", "2")}), IsEmpty());
}

// The unit was decided on where it never was.
TEST(Activation, AMoveThatWasTakenBackSinceTheDecisionIsFound) {
  const auto changed = [](const std::string& retracted) {
    GateWorld world(GateStory());
    v1::DeviceUnitRelocated moved;
    moved.set_jurisdiction("US");
    for (const std::string unit : {"ICU-1", "ICU-2"}) {
      EventDraft draft = DraftWith(moved, {"unit=device_unit:" + unit, "site=site:boston"});
      SetOccurred(draft, world.now(), world.now());
      EXPECT_TRUE(world.Do({"moved " + unit, "ada", draft}).ok());
    }
    const Decided decided = Request(world, "1", "baseline:base@5");
    EXPECT_EQ(decided.decision.verdict(), v1::GateDecided::ALLOW) << decided.decision.DebugString();
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf("moved " + retracted));
    EventDraft correction = Correct(event->header.event_id, v1::RecordCorrected::RETRACTED);
    correction.header.set_rationale("it stayed");
    EXPECT_TRUE(world.Do({"retracted", "ada", correction}).ok());
    return Activate(world, decided, "1");
  };
  EXPECT_THAT(changed("ICU-1"), ElementsAre(HasSubstr("ACTIVATION-CHANGED where it is changed after the decision")));
  EXPECT_THAT(changed("ICU-2"), IsEmpty());
}

// The fallback of what ran once is nobody's leave to put it back.
TEST(Activation, A80RollBackTakesBackWhatRuns) {
  GateWorld world(TwoVersions());
  const std::vector<std::string> refs = {"artifact=artifact:shift@2", "restored=artifact:shift@1"};
  ASSERT_THAT(Activate(world, Request(world, "2", "artifact:shift@1"), "2"), IsEmpty());
  const Timestamp while_it_ran = world.now();
  ASSERT_THAT(Activate(world, Request(world, "1", "artifact:shift@2"), "1"), IsEmpty());
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), refs),
              ElementsAre(HasSubstr("takes back artifact:shift@2, which did not run on alert_threshold")));
  // One that arrives late is about what ran when it happened.
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), refs, "alert_threshold", "ICU-1",
                     [&](EventDraft& draft) { SetOccurred(draft, while_it_ran, while_it_ran); }),
              IsEmpty());
}

TEST(Activation, A80WhatWasRestoredIsTakenBackByItsOwnDecision) {
  GateWorld world(TwoVersions());
  ASSERT_THAT(Activate(world, Request(world, "1", "artifact:shift@2"), "1"), IsEmpty());
  ASSERT_THAT(Activate(world, Request(world, "2", "artifact:shift@1"), "2"), IsEmpty());
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), {"artifact=artifact:shift@2", "restored=artifact:shift@1"}),
              IsEmpty());
  EXPECT_THAT(Append(world, v1::ArtifactRolledBack(), {"artifact=artifact:shift@1", "restored=artifact:shift@2"}),
              IsEmpty());
}

// What a unit tells of itself after it was offline: all in one run.
std::vector<std::string> FindingsOnRollBack(GateWorld& world) {
  std::vector<std::string> messages;
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(i));
    if (event->type->body != v1::ArtifactRolledBack::descriptor()) continue;
    const StatusOr<std::vector<v1::Finding>> findings = FindingsOf(world.ledger().rows(), LeafIndex(i));
    for (const v1::Finding& finding : *findings) {
      if (finding.rule().starts_with("ACTIVATION-")) messages.push_back(finding.message());
    }
  }
  return messages;
}

EventDraft RollBackToFirst(const GateWorld& world) {
  v1::ArtifactRolledBack body;
  body.set_surface("alert_threshold");
  return Now(world, Because(DraftWith(
                        body, {"unit=device_unit:ICU-1", "artifact=artifact:shift@2", "restored=artifact:shift@1"})));
}

TEST(Activation, OneRunIsJudgedAsItIsRebuilt) {
  GateWorld world(TwoVersions());
  ASSERT_THAT(Activate(world, Request(world, "1", "baseline:base@5"), "1"), IsEmpty());
  const Decided second = Request(world, "2", "artifact:shift@1");
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  body.set_previous_configuration_digest(second.decision.configuration_digest());
  const EventDraft activated =
      DraftWith(body, {"unit=device_unit:ICU-1", "artifact=artifact:shift@2", "decision=gate_decision:" + second.id});
  world.DoAll("ICU-1", {Now(world, activated), RollBackToFirst(world)});
  EXPECT_THAT(FindingsOnRollBack(world), IsEmpty());
  ExpectRebuildsTheSame(world);
}

TEST(Activation, ACorrectionInTheSameRunCounts) {
  GateWorld world(TwoVersions());
  ASSERT_THAT(Activate(world, Request(world, "2", "artifact:shift@1"), "2"), IsEmpty());
  const StatusOr<LoadedEvent> activated = LoadEvent(world.ledger().rows(), world.LeafOf("appended"));
  const EventDraft retracted = Because(Correct(activated->header.event_id, v1::RecordCorrected::RETRACTED));
  world.DoAll("ICU-1", {Now(world, retracted), RollBackToFirst(world)});
  EXPECT_THAT(FindingsOnRollBack(world), ElementsAre(HasSubstr("takes back artifact:shift@2, which did not run")));
  ExpectRebuildsTheSame(world);
}

TEST(Activation, NothingButArtifactsIsPutOnAdaptationSurfaces) {
  GateWorld world(GateStory());
  const std::vector<std::string> refs = {"artifact=model:big@1"};
  EXPECT_THAT(Append(world, v1::ArtifactActivated(), refs), IsEmpty()) << "not known to be adapted";
  v1::AdaptationSurfaceIdentified identified;
  identified.set_kind(v1::AdaptationSurfaceIdentified::THRESHOLD);
  identified.set_mutable_by("the unit");
  identified.set_surface("alert_threshold");
  ASSERT_TRUE(
      world.Do({"surface", "ada", DraftWith(identified, {"surface=adaptation_surface:s1", "item=software_item:alert"})})
          .ok());
  EXPECT_THAT(Append(world, v1::ArtifactActivated(), refs),
              ElementsAre(HasSubstr("puts model:big@1 on alert_threshold, an adaptation surface")));
  EXPECT_THAT(Append(world, v1::ArtifactActivated(), refs, "other_surface"), IsEmpty());
  const StatusOr<LoadedEvent> surface = LoadEvent(world.ledger().rows(), world.LeafOf("surface"));
  const EventDraft retracted = Because(Correct(surface->header.event_id, v1::RecordCorrected::RETRACTED));
  ASSERT_TRUE(world.Do({"retracted", "ada", retracted}).ok());
  EXPECT_THAT(Append(world, v1::ArtifactActivated(), refs), IsEmpty()) << "nobody says any more that it is adapted";
}

TEST(Activation, A64DecisionServesForItsSurfaceAndItsBytes) {
  GateWorld world(GateStory());
  EXPECT_THAT(Activate(world, Request(world, "1", "baseline:base@5"), "1", "baseline"),
              ElementsAre(HasSubstr("is baseline; the artifact that was decided on is for alert_threshold")));
  const auto with_digest = [](const std::string& bytes) {
    return [bytes](EventDraft& draft) {
      for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
        if (ref.role() != "artifact") continue;
        ref.mutable_digest()->set_algorithm(v1::SHA256);
        ref.mutable_digest()->set_value(bytes);
      }
    };
  };
  GateWorld bytes(GateStory());
  EXPECT_THAT(Activate(bytes, Request(bytes, "1", "baseline:base@5"), "1", "alert_threshold",
                       with_digest(Sha256("others").bytes())),
              ElementsAre(HasSubstr("is about other bytes")));
  GateWorld same(GateStory());
  EXPECT_THAT(Activate(same, Request(same, "1", "baseline:base@5"), "1", "alert_threshold",
                       with_digest(ArtifactBytesDigest("1"))),
              IsEmpty());
}

}  // namespace
}  // namespace anamnesis
