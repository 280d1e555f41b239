// Whose an identifier of the unit or of its model is, and when it is spent (G19).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

// The story with an envelope that asks for a new identifier of the unit or of its model.
std::vector<Step> StoryOfIdentifiers(const std::string& udi_rule) {
  return Changed(GateStory(), "envelope", Edit<v1::EnvelopeApproved>([&](v1::EnvelopeApproved& body) {
                   body.mutable_terms()->set_udi_rule(udi_rule);
                 }));
}

std::vector<Step> TwoVersions(const std::string& udi_rule) {
  std::vector<Step> steps = StoryOfIdentifiers(udi_rule);
  for (Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.2"), .parent = "1"})) {
    steps.push_back(std::move(step));
  }
  return steps;
}

constexpr const char* kUnit = "unit=device_unit:ICU-1";
constexpr const char* kOfFirst = "is that of artifact:shift@1, which was activated first";

void Assign(GateWorld& world, const std::string& value, const std::vector<std::string>& refs) {
  v1::UdiAssigned assigned;
  assigned.set_kind(refs[0].starts_with("unit=") ? v1::UdiAssigned::UDI_PI : v1::UdiAssigned::UDI_DI);
  assigned.set_value(value);
  EventDraft draft = DraftWith(assigned, refs);
  SetOccurred(draft, world.now(), world.now());
  ASSERT_TRUE(world.Do({"udi-" + value, "rita", draft}).ok()) << world.refused().at("udi-" + value);
}

// The unit says that it happened at `at`, told by itself or found in other records afterwards.
void ActivateShiftAt(GateWorld& world, const std::string& version, Timestamp at, bool retrospective = false) {
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-1", "artifact=artifact:shift@" + version});
  draft.header.set_retrospective(retrospective);
  SetOccurred(draft, at, at);
  ASSERT_TRUE(world.Do({"activated-" + version, "ICU-1", draft}).ok());
}

void ActivateShift(GateWorld& world, const std::string& version) { ActivateShiftAt(world, version, world.now()); }

TEST(GateIdentifiers, AnIdentifierIsOfOneVersion) {
  for (const auto& [rule, subject] :
       {std::pair{"new_pi", "unit=device_unit:ICU-1"}, std::pair{"new_di", "device_model=device_model:monitor"}}) {
    GateWorld world(TwoVersions(rule));
    EXPECT_THAT(NoteOf(world.Ask(), "G19"), HasSubstr("none was assigned")) << rule;
    Assign(world, "04012345678902", {subject});
    EXPECT_EQ(NoteOf(world.Ask("1"), "G19"), "") << rule;
    EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "") << rule << ": nobody has it yet";
    ActivateShift(world, "1");
    EXPECT_EQ(NoteOf(world.Ask("1"), "G19"), "") << rule << ": what runs keeps it";
    EXPECT_THAT(NoteOf(world.Ask("2"), "G19"), HasSubstr("is that of artifact:shift@1, which was activated first"))
        << rule;
    Assign(world, "04012345678903", {subject});
    EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "") << rule;
    ActivateShift(world, "2");
    EXPECT_EQ(NoteOf(world.Ask("1"), "G19"), "") << rule << ": it goes back to its own";
  }
}

TEST(GateIdentifiers, AnIdentifierOfSomethingElseDoesNotServe) {
  const auto with = [](const std::string& what) {
    GateWorld world(StoryOfIdentifiers("new_pi"));
    Assign(world, "(10)2.0.1", {"unit=device_unit:ICU-1", what});
    return NoteOf(world.Ask(), "G19");
  };
  for (const char* what :
       {"envelope=envelope:threshold-eu@1", "envelope=envelope:threshold@2", "release=release:app@7"}) {
    EXPECT_THAT(with(what), HasSubstr("none was assigned for it")) << what;
  }
  for (const char* what : {"envelope=envelope:threshold@1", "envelope=envelope:threshold"})
    EXPECT_EQ(with(what), "") << what;
}

// The unit was wiped before the upgrade, and ran what it had run once more.
TEST(GateIdentifiers, WhatIsActivatedAgainLeavesTheNewOneAlone) {
  GateWorld world(TwoVersions("new_pi"));
  Assign(world, "(10)2.0.1", {kUnit});
  ActivateShift(world, "1");
  Assign(world, "(10)2.0.2", {kUnit});
  ActivateShift(world, "1");
  EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "");
  EXPECT_EQ(NoteOf(world.Ask("1"), "G19"), "");
  ActivateShift(world, "2");
  EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "");
  EXPECT_EQ(NoteOf(world.Ask("1"), "G19"), "");
}

TEST(GateIdentifiers, ADecisionSaysWhichItWasActivatedUnder) {
  GateWorld world(TwoVersions("new_pi"));
  Assign(world, "(10)2.0.1", {kUnit});
  Assign(world, "(10)2.0.2", {kUnit});
  EXPECT_EQ(NoteOf(Activate(world, "1"), "G19"), "");
  EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "");
  GateWorld only(TwoVersions("new_pi"));
  Assign(only, "(10)2.0.1", {kUnit});
  EXPECT_EQ(NoteOf(Activate(only, "1"), "G19"), "");
  EXPECT_THAT(NoteOf(only.Ask("2"), "G19"), HasSubstr(kOfFirst)) << "it is spent, and there is no other";
}

TEST(GateIdentifiers, OneThatNamesAnEnvelopeIsNotSpentByWhatIsOfAnother) {
  std::vector<Step> steps = TwoVersions("new_pi");
  Step second = StepOf(StoryOfIdentifiers("new_pi"), "envelope");
  second.name = "envelope-2";
  second.draft.header.mutable_refs(0)->set_version("2");
  const auto produced =
      std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.name == "produced-2"; });
  for (v1::EntityRef& ref : *produced->draft.header.mutable_refs()) {
    if (ref.role() == "envelope") ref.set_version("2");
  }
  steps.insert(produced, second);
  GateWorld world(steps);
  Assign(world, "(10)2.0.2", {kUnit, "envelope=envelope:threshold@2"});
  ActivateShift(world, "1");
  EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "");
}

// Where a unit's clock is wrong, what it runs stands where it was recorded.
TEST(GateIdentifiers, TheClockOfTheUnitSparesNone) {
  GateWorld ahead(TwoVersions("new_pi"));
  Assign(ahead, "(10)2.0.1", {kUnit});
  ActivateShiftAt(ahead, "1", Timestamp(ahead.now().us + int64_t{3'600'000'000}));
  EXPECT_THAT(NoteOf(ahead.Ask("2"), "G19"), HasSubstr(kOfFirst));
  GateWorld behind(TwoVersions("new_pi"));
  Assign(behind, "(10)2.0.1", {kUnit});
  ActivateShiftAt(behind, "1", kTestStart);
  EXPECT_THAT(NoteOf(behind.Ask("2"), "G19"), HasSubstr(kOfFirst));
  GateWorld afterwards(TwoVersions("new_pi"));
  Assign(afterwards, "(10)2.0.1", {kUnit});
  ActivateShiftAt(afterwards, "1", kTestStart, true);
  EXPECT_EQ(NoteOf(afterwards.Ask("2"), "G19"), "") << "somebody found out later that it had run before";
}

TEST(GateIdentifiers, OneIsSpentHoweverMuchWasActivatedSince) {
  GateWorld world(TwoVersions("new_pi"));
  Assign(world, "(10)2.0.1", {kUnit});
  ActivateShift(world, "1");
  for (int i = 0; i < 70; ++i) ActivateShift(world, "2");
  EXPECT_THAT(NoteOf(world.Ask("2"), "G19"), HasSubstr(kOfFirst));
}

// What runs at the same time was recorded after the identifier, so that it ran under it.
TEST(GateIdentifiers, OneIsSpentAtItsOwnTime) {
  GateWorld world(TwoVersions("new_pi"));
  const Timestamp at = world.now();
  Assign(world, "(10)2.0.1", {kUnit});
  ActivateShiftAt(world, "1", at, true);
  EXPECT_THAT(NoteOf(world.Ask("2"), "G19"), HasSubstr(kOfFirst));
}

// A decision about another unit says nothing of what runs on this one.
TEST(GateIdentifiers, ADecisionOfAnotherUnitSparesNone) {
  GateWorld world(TwoVersions("new_pi"));
  Assign(world, "(10)2.0.1", {"unit=device_unit:ICU-2"});
  Assign(world, "(10)2.0.2", {kUnit});
  EXPECT_EQ(NoteOf(world.Record("1", "ICU-2", "DE"), "G19"), "");
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  const EventDraft draft = DraftWith(
      body, {"unit=device_unit:ICU-1", "artifact=artifact:shift@1", "decision=gate_decision:" + world.last_decision()});
  ASSERT_TRUE(world.Do({"activated", "ICU-1", Now(world, draft)}).ok()) << world.refused().at("activated");
  EXPECT_THAT(NoteOf(world.Ask("2"), "G19"), HasSubstr(kOfFirst));
}

// A version that was activated on another identifier doesn't keep this one from who took it since.
TEST(GateIdentifiers, AVersionThatDidNotTakeItKeepsNoneForItself) {
  GateWorld world(TwoVersions("new_pi"));
  Assign(world, "(10)2.0.1", {kUnit});
  Assign(world, "(10)2.0.2", {kUnit});
  EXPECT_EQ(NoteOf(Activate(world, "1"), "G19"), "");
  EXPECT_EQ(NoteOf(Activate(world, "2"), "G19"), "");
  EXPECT_EQ(NoteOf(world.Ask("1"), "G19"), "") << "it has its own";
  const StatusOr<LoadedEvent> own = LoadEvent(world.ledger().rows(), world.LeafOf("udi-(10)2.0.1"));
  ASSERT_TRUE(own.ok()) << own.status();
  const EventDraft retracted =
      Because(Correct(*EventId::FromBytes(own->header.fields.event_id()), v1::RecordCorrected::RETRACTED));
  ASSERT_TRUE(world.Do({"retracted", "rita", retracted}).ok()) << world.refused().at("retracted");
  EXPECT_THAT(NoteOf(world.Ask("1"), "G19"), HasSubstr("is that of artifact:shift@2, which was activated first"));
}

// What ran where the unit is ran under the envelopes that hold there.
TEST(GateIdentifiers, OneThatNamesAnOverlayIsSpentWhereThatHolds) {
  GateWorld world(TwoVersions("new_pi"));
  Assign(world, "(10)2.0.1", {"unit=device_unit:ICU-2", "envelope=envelope:threshold-eu@1"});
  EXPECT_EQ(NoteOf(world.Ask("2", "ICU-2", "DE"), "G19"), "");
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  const EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-2", "artifact=artifact:shift@1"});
  ASSERT_TRUE(world.Do({"activated", "ICU-2", Now(world, draft)}).ok()) << world.refused().at("activated");
  EXPECT_THAT(NoteOf(world.Ask("2", "ICU-2", "DE"), "G19"), HasSubstr(kOfFirst));
}

// Of so many artifacts it is found out under what they ran, each once however often it was activated; of what comes
// after them nobody knows.
TEST(GateIdentifiers, WhatIsTooMuchToFindOutSpendsIt) {
  GateWorld world(TwoVersions("new_pi"));
  Assign(world, "(10)2.0.1", {kUnit, "envelope=envelope:threshold@1"});
  for (int i = 0; i < 70; ++i) ActivateShift(world, "7");
  EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "") << "nothing says that it is of that envelope";
  for (int i = 100; i < 163; ++i) ActivateShift(world, Text(i));
  EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "");
  ActivateShift(world, "163");
  EXPECT_THAT(NoteOf(world.Ask("2"), "G19"), HasSubstr("is that of artifact:shift@163, which was activated first"));
  Assign(world, "(10)2.0.2", {kUnit, "envelope=envelope:threshold@1"});
  EXPECT_EQ(NoteOf(world.Ask("2"), "G19"), "") << "another helps";
}

}  // namespace
}  // namespace anamnesis
