// G07: which risk controls an adaptation affects, and when their verification is too old.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/gate/decide.h"
#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

// The story with a second control that relies on what `refs` name, before the set that holds it, after `before`.
std::vector<Step> WithControl(const std::vector<std::string>& refs, std::vector<Step> before = {}) {
  std::vector<Step> steps = GateStory();
  const auto set = std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.name == "control-set"; });
  AddReference(set->draft, "member", "risk_control", "second");
  v1::RiskControlDefined control;
  control.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  control.mutable_content()->set_text("a second one");
  std::vector<std::string> all = {"control=risk_control:second"};
  all.insert(all.end(), refs.begin(), refs.end());
  before.push_back({"second", "ada", DraftWith(control, all)});
  steps.insert(set, before.begin(), before.end());
  return steps;
}

Step Item(const std::string& id, const std::vector<std::string>& refs = {}) {
  v1::SoftwareItemIdentified body;
  body.set_name(id);
  body.set_level(v1::SoftwareItemIdentified::ITEM);
  body.set_trainability(v1::SoftwareItemIdentified::FIXED);
  return {id, "ada", WithRefs(DraftWith(body, {"item=software_item:" + id}), refs)};
}

template <typename Body>
EventDraft Requirement(const std::string& version, const std::string& item) {
  Body body;
  body.mutable_content()->set_kind(v1::RequirementContent::SAFETY);
  body.mutable_content()->set_text("alert in time");
  return Because(DraftWith(body, {"requirement=requirement:r1@" + version, "item=software_item:" + item}));
}

TEST(GateControls, AnIndependentControlIsNotAffected) {
  GateWorld world(WithControl({"depends_on=software_item:pump"}, {Item("pump")}));
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateControls, AnUnrecordedDependencyIsNotTakenForNone) {
  GateWorld world(WithControl({"depends_on=software_item:never_recorded"}));
  // The certification doesn't cover it either.
  EXPECT_EQ(Failed(world.Ask()), "G06 G07");
  EXPECT_THAT(NoteOf(world.Ask(), "G07"),
              HasSubstr("risk_control:second relies on software_item:never_recorded, of which nothing is recorded"));
}

TEST(GateControls, AMemberThatWasRetractedIsNotSkipped) {
  GateWorld world(WithControl({"depends_on=software_item:pump"}, {Item("pump")}));
  ASSERT_EQ(Failed(world.Ask()), "");
  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf("second"));
  ASSERT_TRUE(event.ok());
  ASSERT_TRUE(
      world
          .Do({"retracted", "ada",
               Because(Correct(*EventId::FromBytes(event->header.fields.event_id()), v1::RecordCorrected::RETRACTED))})
          .ok());
  EXPECT_EQ(Failed(world.Ask()), "G06 G07");
  EXPECT_THAT(NoteOf(world.Ask(), "G07"), HasSubstr("risk_control:second is not defined any more"));
}

TEST(GateControls, AControlOfAPartIsAffected) {
  GateWorld world(WithControl({"depends_on=software_item:part"}, {Item("part", {"parent=software_item:alert"})}));
  EXPECT_EQ(Failed(world.Ask()), "G06 G07");
  v1::SoftwareItemDecomposed decomposed;
  GateWorld by_decomposition(WithControl(
      {"depends_on=software_item:part"},
      {Item("part"),
       {"decomposed", "ada", DraftWith(decomposed, {"item=software_item:alert", "part=software_item:part"})}}));
  EXPECT_EQ(Failed(by_decomposition.Ask()), "G06 G07");
}

TEST(GateControls, RequirementsLeadFurther) {
  // The control relies on a requirement of an item that relies on what adapts.
  GateWorld world(WithControl({"depends_on=requirement:r1"},
                              {Item("display", {"depends_on=software_item:alert"}),
                               {"r1", "ada", Requirement<v1::RequirementApproved>("1", "display")}}));
  EXPECT_EQ(Failed(world.Ask()), "G06 G07");
}

TEST(GateControls, VerificationIsOlderThanWhatTheControlReliesOn) {
  std::vector<Step> steps = GateStory();
  const auto control = std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.name == "control"; });
  AddReference(control->draft, "depends_on", "requirement", "r1", "1");
  steps.insert(control, {"r1", "ada", Requirement<v1::RequirementApproved>("1", "alert")});
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do({"revised", "ada", Requirement<v1::RequirementRevised>("2", "alert")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G07");
  EXPECT_THAT(NoteOf(world.Ask(), "G07"), HasSubstr("what risk_control:low_confidence relies on was changed"));
}

TEST(GateControls, WithoutASetNobodyKnowsWhichAreAffected) {
  const auto no_set = [](EventDraft& draft) {
    auto& refs = *draft.header.mutable_refs();
    for (int i = refs.size() - 1; i >= 0; --i) {
      if (refs[i].role() == "risk_control_set") refs.DeleteSubrange(i, 1);
    }
  };
  GateWorld world(Changed(GateStory(), "envelope", no_set));
  EXPECT_EQ(Failed(world.Ask()), "G07");
}

}  // namespace
}  // namespace anamnesis
